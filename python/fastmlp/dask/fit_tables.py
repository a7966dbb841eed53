"""Tables that `fit` gets on a cluster: named columns, and Dask collections in memory."""

from __future__ import annotations

from typing import Any

from distributed import Client

from fastmlp.dask.tables import in_memory, is_frame
from fastmlp.estimators.eval_sets import GivenRows, given_eval_sets, suffix_of
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.table.text import quoted_few


def arguments_in_memory(client: Client, given: FitArguments) -> FitArguments:
    """Compute the Dask collections among the arguments of `fit`, all at once."""
    X, y, sample_weight = with_columns(given.X, given.y, given.sample_weight)
    tables = vars(given) | {"X": X, "y": y, "sample_weight": sample_weight}
    if given.X_val is not None:
        validation = given.X_val, given.y_val, given.sample_weight_val
        check_names(*validation, "_val")
        names = "X_val", "y_val", "sample_weight_val"
        tables |= dict(zip(names, with_columns(*validation), strict=True))
    sets = given_eval_sets(given.eval_set)
    for number, rows in enumerate(sets):
        check_names(rows.X, rows.y, rows.sample_weight, suffix_of(rows.name))
        columns = GivenRows(rows.name, *with_columns(rows.X, rows.y, rows.sample_weight))
        tables |= {f"{number}.{field}": table for field, table in columns._asdict().items()}
    computed = in_memory(client, **tables)
    if sets:
        computed["eval_set"] = [
            GivenRows(*(computed.pop(f"{number}.{name}") for name in GivenRows._fields))
            for number in range(len(sets))
        ]
    return FitArguments(**computed)


def check_names(X: Any, y: Any, sample_weight: Any, suffix: str = "") -> None:
    """Raise if targets or weights are named, and X has no such columns.

    Messages call them X, y and sample_weight + suffix.
    """
    named = [name for name in (y, sample_weight) if isinstance(name, str)]
    if named and not is_frame(X):
        raise TypeError(
            f"y{suffix} and sample_weight{suffix} can name columns of a Dask DataFrame; X{suffix} "
            f"is {type(X).__name__}"
        )
    for name in named:
        if name not in X.columns:
            raise ValueError(f"X{suffix} has no column {name!r}; it has {quoted_few(X.columns)}")


def with_columns(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Take named targets and weights from a frame, of Dask or pandas."""
    named = [name for name in (y, sample_weight) if isinstance(name, str)]
    y, sample_weight = (X[one] if isinstance(one, str) else one for one in (y, sample_weight))
    return (X.drop(columns=named) if named else X), y, sample_weight
