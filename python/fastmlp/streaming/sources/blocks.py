"""Block and Source: a table in blocks of rows, which can be read any number of times."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from fastmlp.table.frames import as_frame
from fastmlp.table.text import quoted_few


class Block(NamedTuple):
    """Some rows of a source.

    Attributes
    ----------
    X : array-like or frame of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or None
    weight : ndarray of shape (n_rows,) or None
    where : str
        What messages call them: the file, and the number of the block.
    """

    X: Any
    y: Any
    weight: NDArray[Any] | None
    where: str


class Source(ABC):
    """A table that comes in blocks.

    Attributes
    ----------
    fingerprint : str or None
        Changes when the rows do; None if that cannot be detected.
    n_rows : int or None
        None if they have not been counted.
    names : sequence of str
        Names of the columns of inputs; none if they are not known before the first block.
    path : Path or None
        The file or the folder that it reads, if it is one.
    target_names : tuple of str or None
        Names of the columns of targets, if they are columns.
    """

    fingerprint: str | None = None
    n_rows: int | None = None
    names: Sequence[str] = ()
    path: Path | None = None
    target_names: tuple[str, ...] | None = None

    @property
    def n_columns(self) -> int | None:
        """Columns of inputs; None if they are not known before the first block."""
        return len(self.names) or None

    @abstractmethod
    def blocks(self, n_rows: int) -> Iterator[Block]:
        """Read from the beginning, in blocks of about so many rows."""


def used_columns(columns: Sequence[str], needed: Sequence[str] | None) -> list[str]:
    """The columns of a table that are read, in its order: those needed, or all if it is None."""
    if needed is None:
        return [*columns]
    _check_there(needed, columns)
    return [name for name in columns if name in needed]


def _check_there(names: Sequence[str], columns: Sequence[str]) -> None:
    lacking = next((name for name in names if name not in columns), None)
    if lacking is not None:
        raise ValueError(f"X has no column {lacking!r}; it has {quoted_few(columns)}")


class Roles(NamedTuple):
    """Columns of a frame that are not inputs.

    Attributes
    ----------
    targets : sequence of str
        Empty for predictions.
    weight : str or None
    dropped : sequence of str
        Columns that are not used.
    """

    targets: Sequence[str] = ()
    weight: str | None = None
    dropped: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """Names of all of them."""
        return [*self.targets, *([] if self.weight is None else [self.weight]), *self.dropped]

    def inputs(self, columns: Sequence[str]) -> list[str]:
        """The other columns; an error if there are none, or some of these are not there."""
        _check_there(self.names, columns)
        inputs = [name for name in columns if name not in self.names]
        if not inputs:
            raise ValueError(f"X has no columns besides {quoted_few(self.names)}")
        return inputs

    def block(self, native: Any, where: str) -> Block:
        """Take a frame of any library apart."""
        frame: nw.DataFrame[Any] = as_frame(native)
        if not self.names:
            return Block(native, None, None, where)
        inputs = self.inputs(frame.columns)
        columns = [_values(frame, name, where) for name in self.targets]
        y = None
        if columns:
            y = columns[0] if len(columns) == 1 else np.column_stack(columns)
        weight = None if self.weight is None else _values(frame, self.weight, where)
        return Block(frame.select(inputs).to_native(), y, weight, where)


def _values(frame: nw.DataFrame[Any], name: str, where: str) -> NDArray[Any]:
    """A column that must not have missing values."""
    series = frame[name]
    if series.is_null().any():
        raise ValueError(
            f"X ({where}): column {name!r} holds missing values: every row needs a target, and a "
            "weight if there are any"
        )
    if series.dtype in (nw.Categorical, nw.Enum):
        series = series.cast(nw.String)
    values: NDArray[Any] = series.to_numpy()
    return values


class BeginAgain(Exception):
    """A block contradicts how earlier ones were read; all are to be read more generally now."""
