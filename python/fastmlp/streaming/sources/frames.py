"""Lazy frames of polars and frames of Dask, computed a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastmlp.streaming.sources.blocks import Block, Roles, Source


class PolarsSource(Source):
    """A `polars.LazyFrame`."""

    def __init__(self, frame: Any, roles: Roles) -> None:
        if not hasattr(frame, "collect_batches"):
            raise ImportError("X: a LazyFrame needs a newer polars, which has collect_batches")
        self.names = roles.inputs(frame.collect_schema().names())
        self._frame, self._roles = frame, roles

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """Let polars' streaming engine compute the rows."""
        batches = self._frame.collect_batches(chunk_size=n_rows, engine="streaming", lazy=True)
        for number, batch in enumerate(batches):
            # Its chunks can be larger.
            for start in range(0, batch.height, n_rows):
                piece = batch[start : start + n_rows].to_arrow()
                yield self._roles.block(piece, f"batch {number + 1}")


class DaskSource(Source):
    """A `dask.dataframe.DataFrame`."""

    def __init__(self, frame: Any, roles: Roles) -> None:
        self.names = roles.inputs(list(frame.columns))
        self._frame, self._roles = frame, roles

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """Compute one partition after the other."""
        for number in range(self._frame.npartitions):
            partition = self._frame.partitions[number].compute(scheduler="threads")
            for start in range(0, len(partition), n_rows):
                piece = partition.iloc[start : start + n_rows]
                yield self._roles.block(piece, f"partition {number + 1}")
