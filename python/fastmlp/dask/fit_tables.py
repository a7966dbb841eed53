"""Tables that `fit` gets on a cluster: columns that are named, and Dask collections in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from distributed import Client

from fastmlp.dask.tables import in_memory, is_frame
from fastmlp.estimators.eval_sets import GivenRows, given_eval_sets
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.table.text import quoted_few


def arguments_in_memory(client: Client, given: FitArguments) -> FitArguments:
    """Compute the Dask collections among the arguments of `fit`, all at once."""
    X, y, sample_weight = with_columns(given.X, given.y, given.sample_weight)
    given = replace(given, X=X, y=y, sample_weight=sample_weight)
    tables = dict(vars(given))
    sets = given_eval_sets(given.eval_set)
    for number, rows in enumerate(sets):
        tables |= {f"{number}.{name}": table for name, table in rows._asdict().items()}
    computed = in_memory(client, **tables)
    if sets:
        computed["eval_set"] = [
            GivenRows(*(computed.pop(f"{number}.{name}") for name in GivenRows._fields))
            for number in range(len(sets))
        ]
    return FitArguments(**computed)


def check_names(X: Any, y: Any, sample_weight: Any) -> None:
    """Raise if targets or weights are named, and X has no such columns."""
    named = [name for name in (y, sample_weight) if isinstance(name, str)]
    if named and not is_frame(X):
        raise TypeError(
            f"y and sample_weight can name columns of a Dask DataFrame; X is {type(X).__name__}"
        )
    for name in named:
        if name not in X.columns:
            raise ValueError(f"X has no column {name!r}; it has {quoted_few(X.columns)}")


def with_columns(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Take targets and weights that are named out of a frame, of Dask or pandas."""
    named = [name for name in (y, sample_weight) if isinstance(name, str)]
    y, sample_weight = (X[one] if isinstance(one, str) else one for one in (y, sample_weight))
    return (X.drop(columns=named) if named else X), y, sample_weight
