"""SeriesValues: the values of one column of a frame. Imported when a frame comes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from fastmlp.table.column_values import ColumnValues, nested_error
from fastmlp.table.frames import NOT_IN_NUMPY
from fastmlp.table.labels import exact_objects, factorize

_CATEGORICAL = (nw.Categorical, nw.Enum)
_PLAIN_LABELS = (nw.String, nw.Boolean)
_OF_LABELS = (*_PLAIN_LABELS, *_CATEGORICAL)


class SeriesValues(ColumnValues):
    """The values of one column of a frame, as numbers or as labels.

    Parameters
    ----------
    data : Series
        A series of narwhals.
    name, table : str
        What messages call the column and the table.
    dtype : DType
        Type of the series.
    """

    def __init__(self, data: Any, name: str, table: str, dtype: Any) -> None:
        super().__init__(data, name, table)
        self._type = dtype
        if dtype.is_nested():
            raise nested_error(name, table, dtype)
        self.are_labels = dtype in _OF_LABELS
        self.are_booleans = dtype == nw.Boolean
        self.are_categories = dtype in _CATEGORICAL

    @cached_property
    def array(self) -> NDArray[Any]:
        """The values as NumPy holds them."""
        series = self.data.cast(nw.Float64) if self._type in NOT_IN_NUMPY else self.data
        try:
            array: NDArray[Any] = series.to_numpy()
        except NotImplementedError:  # pandas, of Arrow's newer types
            array = _objects(series)
        return array

    def _factorized(self) -> tuple[NDArray[Any], list[Any]]:
        return _factorize(self.data) if self.are_labels else factorize(self._exact)

    @property
    def _exact(self) -> NDArray[Any]:
        """The values in a form in which no label loses digits."""
        is_exact = self.array.dtype.kind != "f" or self._type.is_float()
        if is_exact and self._type not in NOT_IN_NUMPY:
            return self.array
        return _objects(self.data)  # such as integers beside missing values


def _objects(series: Any) -> NDArray[Any]:
    objects = np.empty(len(series), dtype=object)
    objects[:] = series.to_list()
    return objects


def _factorize(series: Any) -> tuple[NDArray[Any], list[Any]]:
    """For each row the position of its label, or -1 where it is missing; and the labels."""
    native = series.to_native()
    if hasattr(native, "factorize"):  # three times as fast with pandas
        try:
            rows, labels = native.factorize()
        except NotImplementedError:  # Arrow's views of text
            return factorize(_objects(series))
        return rows, exact_objects(labels.tolist())
    if hasattr(native, "dictionary_encode") and series.dtype in _PLAIN_LABELS:  # of pyarrow
        encoded = native.dictionary_encode().unify_dictionaries()  # ten times as fast
        rows = [
            chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in encoded.chunks
        ]
        known = encoded.chunk(0).dictionary.to_pylist() if rows else []
        return np.concatenate([*rows, np.empty(0, np.int32)]), exact_objects(known)
    labels = series.drop_nulls().unique().to_list()
    if not labels:
        return np.full(len(series), -1), labels
    rows = series.replace_strict(labels, list(range(len(labels))), return_dtype=nw.Int32)
    return rows.fill_null(-1).to_numpy(), exact_objects(labels)
