"""Recognises streams, without importing libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

DEFAULT_MEMORY = "1GB"  # max_memory of fits and predictions


def is_stream(X: Any) -> bool:
    """Whether X yields rows block by block instead of holding them."""
    is_source = type(X).__module__.startswith("fastmlp.streaming.sources.")
    return isinstance(X, str | os.PathLike) or callable(X) or is_source or library_of(X) is not None


def library_of(X: Any) -> str | None:
    """The library of a lazy table, found without importing it."""
    library = type(X).__module__.partition(".")[0]
    is_lazy = {
        "polars": type(X).__name__ == "LazyFrame",
        "dask": hasattr(X, "npartitions") and hasattr(X, "columns"),
        "pyarrow": hasattr(X, "get_fragments") and hasattr(X, "scanner"),
    }
    return library if is_lazy.get(library, False) else None


def check_in_memory(X: Any, cache: Any, max_memory: int | str) -> None:
    """Raise for an iterator, and for what only streams take, beside a table in memory."""
    if isinstance(X, Iterator):
        raise TypeError(
            f"X must be a table or a stream; got {type(X).__name__}. Of a function that yields "
            "blocks, pass the function, not its result: X=blocks instead of X=blocks()"
        )
    others = {"cache": cache is not None, "max_memory": max_memory != DEFAULT_MEMORY}
    given = next((name for name, is_given in others.items() if is_given), None)
    if given is not None:
        raise ValueError(
            f"{given} is for streams: X as a path, a dataset, a lazy frame or a function; got "
            f"{type(X).__name__}, which is in memory"
        )
