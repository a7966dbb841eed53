"""Tables that are Dask collections."""

from __future__ import annotations

import sys
from typing import Any

from dask.base import is_dask_collection
from distributed import Client


def is_dask_table(table: Any) -> bool:
    """Whether it is a Dask DataFrame, Series or Array; another collection is an error."""
    if not is_dask_collection(table):
        return False
    if is_frame(table) or is_array(table):
        return True
    raise TypeError(
        f"a table must be a Dask DataFrame, Series or Array; got {type(table).__name__}"
    )


def is_frame(table: Any) -> bool:
    """Whether a collection is a DataFrame or Series."""
    return _is_of(table, "dask.dataframe", "DataFrame", "Series")


def is_array(table: Any) -> bool:
    """Whether a collection is an Array."""
    return _is_of(table, "dask.array", "Array")


def _is_of(table: Any, module: str, *names: str) -> bool:
    """Whether it is of one of these classes of a module, which is not imported for that."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(table, tuple(getattr(loaded, name) for name in names))


def in_memory(client: Client, **tables: Any) -> dict[str, Any]:
    """Compute the Dask collections among these, all at once; others stay as they are."""
    lazy = {name: table for name, table in tables.items() if is_dask_table(table)}
    computed = client.gather(client.compute(list(lazy.values())))
    return tables | dict(zip(lazy, computed, strict=True))
