"""Rows and the predictions for them in a model file, which a loaded model must predict again."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import Contents
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.fields import Fields, integer, list_of, one_of
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values, written_value
from fastmlp.prediction.decoders import n_without_std, unit_and_shift
from fastmlp.table.reading import NumberTable, RawTable, read_table
from fastmlp.table.sparse import is_sparse, read_sparse

_NAME = "check_rows"
# Of predictions by networks of these types: instruction sets round differently.
_TOLERANCE = {"float32": 1e-4, "float64": 1e-8}


def written_rows(X: Any, draft: Draft) -> dict[str, Any]:
    """Rows of a raw table as an object."""
    if is_sparse(X):
        rows = read_sparse(X, _NAME)
        draft.add(f"{_NAME}.values", rows.data)
        draft.add(f"{_NAME}.columns", rows.indices.astype(np.int32))
        draft.add(f"{_NAME}.starts", rows.indptr.astype(np.int32))
        return {"kind": "sparse", "n_columns": rows.shape[1]}
    table = read_table(X, _NAME)
    if isinstance(table, NumberTable) and table.matrix.dtype in (np.float32, np.float64):
        draft.add(f"{_NAME}.numbers", table.matrix)
        return {"kind": "numbers"}
    columns = [
        [written_value(value, draft) for value in _values_of(table, position)]
        for position in range(table.n_columns)
    ]
    return {"kind": "columns", "columns": columns}


def _values_of(table: RawTable, position: int) -> list[Any]:
    """The values of a column as Python's, None where they are missing."""
    column = table.column(position)
    if column.is_number:
        return [None if value != value else value for value in column.array.tolist()]
    rows, labels = column.factors
    return [None if row < 0 else labels[row] for row in rows.tolist()]


def read_rows(fields: Fields, tensors: Tensors, values: Values) -> Any:
    """Rows of a raw table without names of columns: an array, or sparse rows."""
    kind = fields.get("kind", one_of(("sparse", "numbers", "columns")))
    if kind == "numbers":
        return tensors.any(f"{_NAME}.numbers", (None, None))
    if kind == "sparse":
        parts = [
            tensors.any(f"{_NAME}.{part}", (None,)) for part in ("values", "columns", "starts")
        ]
        shape = (max(parts[2].size - 1, 0), fields.get("n_columns", integer(1, 2**31 - 1)))
        from scipy.sparse import csr_array  # not for dense rows: predictors load without

        try:
            return csr_array(tuple(parts), shape)
        except (TypeError, ValueError) as error:
            raise fields.error(f"must hold rows in CSR form: {error}") from None
    columns = fields.get("columns", list_of(list_of(values.value)))
    lengths = {*map(len, columns)}
    if len(lengths) != 1:
        raise fields.error("must have columns of the same length")
    rows = np.empty((lengths.pop(), len(columns)), dtype=object)
    for position, column in enumerate(columns):
        for row, value in enumerate(column):
            rows[row, position] = value
    return rows


def add_outputs(outputs: NDArray[np.float64], draft: Draft) -> None:
    """Add what a model predicts for the rows."""
    draft.add(f"{_NAME}.outputs", _as_2d(outputs))


def verify(model: Any, contents: Contents) -> None:
    """Raise if a loaded model makes other predictions for the rows in its file, if it has any.

    Raises
    ------
    ModelFileError
    """
    if not contents.document.has(_NAME):
        return
    tensors = contents.tensors
    rows = read_rows(contents.document.object(_NAME), tensors, contents.values)
    expected = tensors.floats(f"{_NAME}.outputs", (rows.shape[0], None), finite=False)
    pipeline = model._pipeline
    n_outputs = n_without_std(pipeline.decoder, pipeline.n_outputs)
    if expected.shape[1] < n_outputs:  # before they are predicted: that takes their memory
        raise ModelFileError(
            f"the model file has {expected.shape[1]} predictions for each of its rows; its model "
            f"makes {n_outputs}"
        )
    alone = copy(model)
    alone.n_jobs = 1  # a file may ask for any number of threads
    try:
        found = _as_2d(alone._outputs_of(rows))
    except (TypeError, ValueError, ArithmeticError, MemoryError) as error:
        raise ModelFileError(f"the model cannot predict the rows in its file: {error}") from error
    if found.shape != expected.shape:
        raise ModelFileError(
            f"the model file has predictions of shape {expected.shape}; its model's are of "
            f"{found.shape}"
        )
    if not agree(found, expected, model):
        raise ModelFileError(
            "the model predicts other values for the rows in its file than when it was saved; the "
            f"largest difference is {np.abs(found - expected).max():g}"
        )


def agree(found: NDArray[np.float64], expected: NDArray[np.float64], model: Any) -> bool:
    """Whether predictions differ no more than instruction sets do.

    The tolerance is a share of the network's output for a row (in the target's unit, without its
    shift), or of that unit if it is larger.
    """
    unit, shift = unit_and_shift(model._pipeline.decoder)
    size = np.maximum(unit, np.abs(expected - shift))
    tolerance: Any = _TOLERANCE[model._pipeline.networks[0].dtype.name] * size
    return bool(np.isclose(found, expected, rtol=0, atol=tolerance, equal_nan=True).all())


def _as_2d(outputs: NDArray[Any]) -> NDArray[np.float64]:
    array: NDArray[np.float64] = np.asarray(outputs, dtype=np.float64)
    return array.reshape(array.shape[0], -1)
