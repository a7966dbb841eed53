"""Tables that are Dask collections."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from dask.base import is_dask_collection
from distributed import Client
from distributed.system import MEMORY_LIMIT

from fastmlp.dask.clients import computed

_SHARE = 0.25  # of memory that a table may take in one place


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
    """Compute the Dask collections among these, all at once; others are returned unchanged."""
    lazy = {name: table for name, table in tables.items() if is_dask_table(table)}
    return tables | dict(zip(lazy, computed(client, [*lazy.values()]), strict=True))


def without_rows(X: Any) -> Any:
    """The columns of a Dask table, known before it is computed, as a table in memory."""
    return X._meta if is_frame(X) else np.empty((0, *X.shape[1:]), X.dtype)


def is_large(client: Client, X: Any) -> bool:
    """Whether a Dask collection takes more than a quarter of the memory of a worker, or here."""
    if not is_dask_table(X) or X.npartitions == 1:
        return False
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    limits = [worker["memory_limit"] for worker in workers if worker["memory_limit"]]
    return bool(_n_bytes(client, X) > _SHARE * min([*limits, MEMORY_LIMIT]))


def _n_bytes(client: Client, X: Any) -> float:
    """Bytes of a table in memory; those of a frame as if all partitions were like the first."""
    if is_array(X) and not np.isnan(X.nbytes):
        return float(X.nbytes)
    (first,) = computed(client, [X.partitions[0]])
    n_bytes = first.nbytes if is_array(X) else first.memory_usage(deep=True).sum()
    return float(n_bytes * X.npartitions)
