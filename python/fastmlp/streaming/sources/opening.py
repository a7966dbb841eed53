"""The source of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from fastmlp.streaming.sources.blocks import Roles, Source
from fastmlp.streaming.sources.functions import FunctionSource
from fastmlp.streaming.sources.recognition import library_of
from fastmlp.table.value_kinds import TextKind

_NEEDED = ("pyarrow", "datasketches")


def open_source(
    X: Any,
    targets: str | Sequence[str] | None,
    weight: str | None = None,
    *,
    has_targets: bool = True,
    known: Mapping[str, TextKind] | None = None,
    needed: Sequence[str] | None = None,
) -> Source:
    """The source of a stream.

    Parameters
    ----------
    X : path, pyarrow Dataset, polars LazyFrame, Dask DataFrame, function or Source
    targets : str, sequence of str or None
        Columns of X; None for functions, which yield the targets themselves.
    weight : str or None
        A column of X.
    has_targets : bool, default=True
        Whether targets are needed.
    known : mapping of str to {"number", "text"} or None, default=None
        How some columns of CSV are read, whatever their values are.
    needed : sequence of str or None, default=None
        Columns of files and frames that are read; None: all but the index that pandas or Dask wrote
        to files.

    Raises
    ------
    ValueError, TypeError
        If there are no such columns, or `targets` are not names.
    ImportError
        If a library is not installed.
    """
    check_extra()
    if isinstance(X, Source):
        return X
    if callable(X):
        if targets is not None or weight is not None:
            raise TypeError(
                "y and sample_weight must be None if X is a function: it yields (X, y) or "
                f"(X, y, weight); got {targets!r} and {weight!r}"
            )
        return FunctionSource(X, has_targets=has_targets)
    roles = _roles(targets, weight, has_targets)
    library = library_of(X)
    if library in ("polars", "dask"):
        from fastmlp.streaming.sources.frames import DaskSource, PolarsSource

        opened = PolarsSource if library == "polars" else DaskSource
        return opened(X, roles, needed)
    from fastmlp.streaming.sources.arrow import DatasetSource, open_path

    if library == "pyarrow":
        return DatasetSource(X, roles, needed)
    return open_path(X, roles, known or {}, needed)


def _roles(targets: Any, weight: Any, has_targets: bool) -> Roles:
    names = [targets] if isinstance(targets, str) else targets
    is_named = isinstance(names, Sequence) and len(names) > 0
    if has_targets and not (is_named and all(isinstance(name, str) for name in names)):
        raise TypeError(
            "y must be the name of a column of X, or a list of names, if X is read from files or a "
            f"lazy frame; got {targets!r}"
        )
    if weight is not None and not isinstance(weight, str):
        raise TypeError(
            f"sample_weight must be the name of a column of X, like y; got {type(weight).__name__}"
        )
    return Roles(names or (), weight)


def check_extra() -> None:
    """Raise if the libraries of the extra are not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"tables that are read in blocks need {' and '.join(missing)}: "
            "pip install 'fastmlp[stream]'"
        )
