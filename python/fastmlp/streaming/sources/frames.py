"""Lazy frames of polars and frames of Dask, computed a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastmlp.streaming.sources.blocks import Block, Roles, Source, used_columns


class PolarsSource(Source):
    """A `polars.LazyFrame`, of which the columns in `needed` are used (None: all)."""

    def __init__(self, frame: Any, roles: Roles, needed: Sequence[str] | None = None) -> None:
        if not hasattr(frame, "collect_batches"):
            raise ImportError("X: a LazyFrame needs a newer polars, which has collect_batches")
        used = used_columns(frame.collect_schema().names(), needed)
        self.names = roles.inputs(used)
        self.target_names = tuple(roles.targets) or None
        self._frame, self._roles = frame.select(used), roles

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """Let polars' streaming engine compute the rows."""
        batches = self._frame.collect_batches(chunk_size=n_rows, engine="streaming", lazy=True)
        for number, batch in enumerate(batches):
            # Its chunks can be larger.
            for start in range(0, batch.height, n_rows):
                piece = batch[start : start + n_rows].to_arrow()
                yield self._roles.block(piece, f"batch {number + 1}")


class DaskSource(Source):
    """A `dask.dataframe.DataFrame`, of which the columns in `needed` are used (None: all)."""

    def __init__(self, frame: Any, roles: Roles, needed: Sequence[str] | None = None) -> None:
        used = used_columns(list(frame.columns), needed)
        self.names = roles.inputs(used)
        self.target_names = tuple(roles.targets) or None
        self._frame, self._roles = frame[used], roles

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """Compute one partition after the other."""
        for number in range(self._frame.npartitions):
            partition = self._frame.partitions[number].compute(scheduler="threads")
            for start in range(0, len(partition), n_rows):
                piece = partition.iloc[start : start + n_rows]
                yield self._roles.block(piece, f"partition {number + 1}")
