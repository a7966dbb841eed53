"""Which tables are streams, told without importing anything."""

from __future__ import annotations

import os
from typing import Any


def is_stream(X: Any) -> bool:
    """Whether X yields rows block by block instead of holding them."""
    is_source = type(X).__module__.startswith("fastmlp.streaming.sources.")
    return isinstance(X, str | os.PathLike) or callable(X) or is_source or library_of(X) is not None


def library_of(X: Any) -> str | None:
    """The library of a lazy table, which need not be imported to tell."""
    library = type(X).__module__.partition(".")[0]
    is_lazy = {
        "polars": type(X).__name__ == "LazyFrame",
        "dask": hasattr(X, "npartitions") and hasattr(X, "columns"),
        "pyarrow": hasattr(X, "get_fragments") and hasattr(X, "scanner"),
    }
    return library if is_lazy.get(library, False) else None
