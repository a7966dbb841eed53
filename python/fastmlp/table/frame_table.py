"""FrameTable: a frame of any library as a raw table. Imported when a frame comes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from fastmlp.table.column_values import ColumnValues
from fastmlp.table.frames import as_frame, is_number_type, types_of
from fastmlp.table.reading import (
    Block,
    NumberTable,
    Positions,
    RawTable,
    check_shape,
    consecutive,
)
from fastmlp.table.rows import slices
from fastmlp.table.series_values import SeriesValues

_BLOCK = 2**22  # numbers of a frame that are read at a time, because that may copy them


class FrameTable(RawTable):
    """A frame of any library."""

    def __init__(self, frame: nw.DataFrame[Any], types: list[Any], name: str) -> None:
        columns = frame.columns
        names = columns if all(isinstance(one, str) for one in columns) else None
        super().__init__(name, names, frame.shape)
        self._frame, self._types = frame, types
        self._are_numbers = {one: is_number_type(one) for one in set(types)}

    def is_number(self, position: int) -> bool:
        """Whether NumPy holds all numbers of its type."""
        return self._are_numbers[self._types[position]]

    def blocks(self, positions: Positions) -> Iterator[Block]:
        """The columns at these positions as numbers, those of a type together."""
        others = np.ones(positions.size, dtype=bool)
        by_type: defaultdict[Any, list[int]] = defaultdict(list)
        for i, position in enumerate(positions.tolist()):
            if self.is_number(position):
                by_type[self._types[position]].append(i)
        for members in by_type.values():
            for some in slices(len(members), max(1, _BLOCK // self.n_rows)):
                at = np.array(members[some])
                columns = consecutive(positions[at])
                chosen = columns if isinstance(columns, slice) else columns.tolist()
                values = self._frame[:, chosen].to_numpy()
                if values.dtype.kind in "iuf":
                    others[at] = False
                    yield self._block(positions, consecutive(at), values)
        yield from self._one_by_one(positions, np.flatnonzero(others))

    def _values(self, position: int, name: str) -> ColumnValues:
        return SeriesValues(self._frame[:, position], name, self.name, self._types[position])


def read_frame(X: Any, name: str) -> RawTable | None:
    """Read a frame of any library; None if X is none."""
    frame = as_frame(X)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(f"{name} must not be a lazy frame: call its collect() first")
    if not isinstance(frame, nw.DataFrame):
        return None
    check_shape(frame.shape)
    try:
        types = types_of(frame)
    except ValueError as error:  # of narwhals, for Arrow's decimals that count in thousands
        raise TypeError(
            f"{name} has a column of a type that cannot be read ({error}): cast it to another one"
        ) from error
    if len(set(types)) == 1 and is_number_type(types[0]):
        matrix = frame.to_numpy()
        has_gaps = types[0].is_integer() and matrix.dtype.kind == "f"  # large integers lose digits
        if matrix.dtype.kind in "iuf" and not has_gaps:
            names = frame.columns if isinstance(frame.columns[0], str) else None
            return NumberTable(matrix, name, names)
    return FrameTable(frame, types, name)
