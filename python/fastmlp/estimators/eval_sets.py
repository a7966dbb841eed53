"""`eval_set` of `fit`: sets of rows that networks are measured on after each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fastmlp.checkpoints.identity import digests_of
from fastmlp.ensemble.evaluation import VALIDATION, EvalSet

_FORMS = "(X, y), (name, X, y) or (name, X, y, sample_weight)"


class GivenRows(NamedTuple):
    """One set of `eval_set` as the user passed it."""

    name: str
    X: Any
    y: Any
    sample_weight: Any = None


def suffix_of(name: str) -> str:
    """What follows "X", "y" and "sample_weight" in messages about a set."""
    return f" of eval_set {name!r}"


def given_eval_sets(eval_set: Any) -> list[GivenRows]:
    """The sets with their names: those that have none are called as in LightGBM.

    Raises
    ------
    TypeError, ValueError
        If it is not a list of such sets, or two have the same name.
    """
    if eval_set is None:
        return []
    # A single (X, y), as LightGBM takes it; a tuple of sets holds tuples.
    alone = isinstance(eval_set, tuple) and not all(isinstance(one, tuple) for one in eval_set)
    sets = list(_named([eval_set] if alone else eval_set))
    names = [one.name for one in sets]
    if len({VALIDATION, *names}) <= len(names):
        raise ValueError(
            f"eval_set must have names that differ from each other and from {VALIDATION!r}, the "
            f"name of the validation rows; got {names}"
        )
    return sets


def digests_of_sets(eval_sets: Sequence[EvalSet]) -> dict[str, str]:
    """Digests of all rows of the encoded sets, for `FitIdentity.data`."""
    digests: dict[str, str] = {}
    for name, rows in eval_sets:
        digests |= digests_of(rows, suffix_of(name))
    return digests


def _named(eval_set: Any) -> Iterator[GivenRows]:
    if not isinstance(eval_set, list | tuple):
        raise TypeError(f"eval_set must be a list of {_FORMS}; got {type(eval_set).__name__}")
    for number, one in enumerate(eval_set):
        if not isinstance(one, tuple | list) or len(one) not in (2, 3, 4):
            raise TypeError(f"eval_set must be a list of {_FORMS}; set {number} is none of these")
        if len(one) == 2 and isinstance(one[0], str):
            raise TypeError(
                f"eval_set must be a list of {_FORMS}; set {number} is ({one[0]!r}, ...). Pass the "
                f"table and the targets after the name: ({one[0]!r}, X, y)"
            )
        if len(one) == 2:
            yield GivenRows(f"valid_{number}", *one)
        elif isinstance(one[0], str):
            yield GivenRows(*one)
        else:
            raise TypeError(
                f"eval_set must be a list of {_FORMS}, with names that are strings; the name of "
                f"set {number} is of type {type(one[0]).__name__}"
            )
