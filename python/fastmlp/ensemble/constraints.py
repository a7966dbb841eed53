"""Constraints: how predictions may depend on columns, whatever the networks learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np

from fastmlp.table.column import Column
from fastmlp.table.dates import Dates
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.text import quoted_few

_DIRECTIONS = (-1, 0, 1)


@dataclass(frozen=True)
class Constraints:
    """Constraints that all networks of a fit satisfy. Immutable.

    Parameters
    ----------
    directions : tuple of int
        For each column of the raw table 1 if predictions never fall as its value rises, -1 if they
        never rise, 0 if they may do both.
    groups : tuple of (tuple of int)
        Positions of the columns that may act together; effects of different groups are added.
    """

    directions: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]

    @classmethod
    def learn(cls, monotonic_cst: Any, interaction_cst: Any, encoder: DenseEncoder) -> Constraints:
        """Find the columns that an estimator's parameters name.

        Parameters
        ----------
        monotonic_cst : dict of str, array-like of int or None
        interaction_cst : str, sequence of groups of int or str, or None
        encoder : DenseEncoder

        Raises
        ------
        ValueError
            If they do not fit the columns.
        TypeError
            If they are of another type.
        """
        names = None if encoder.feature_names is None else encoder.feature_names.tolist()
        directions = _directions(monotonic_cst, names, encoder.n_columns)
        for direction, column in zip(directions, encoder.columns, strict=True):
            if direction:
                _check_ordered(column)
        return cls(directions, _groups(interaction_cst, names, encoder.n_columns))

    @property
    def is_monotonic(self) -> bool:
        """Whether there is a column with a direction."""
        return any(self.directions)


def _directions(given: Any, names: list[str] | None, n_columns: int) -> tuple[int, ...]:
    """The direction of each column, with scikit-learn's errors."""
    if given is None:
        return (0,) * n_columns
    if isinstance(given, Mapping):
        if names is None:
            raise ValueError(
                "X has no column names that are all strings. Pass monotonic_cst as an integer "
                "array instead."
            )
        unknown = sorted(name for name in given if name not in names)
        if unknown:
            raise ValueError(
                f"monotonic_cst contains {len(unknown)} unexpected feature names: "
                f"{quoted_few(unknown)}."
            )
        for name, direction in given.items():
            if direction not in _DIRECTIONS:
                raise ValueError(
                    f"monotonic_cst[{name!r}] must be either -1, 0 or 1. Got {direction!r}."
                )
        return tuple(int(given.get(name, 0)) for name in names)
    values = np.asarray(given, dtype=object)  # as they are, for the message
    unexpected = [value for value in values.ravel().tolist() if value not in _DIRECTIONS]
    if unexpected:
        raise ValueError(
            "monotonic_cst must be an array-like of -1, 0 or 1. Observed values: "
            f"{quoted_few(dict.fromkeys(unexpected))}."
        )
    if values.shape != (n_columns,):
        raise ValueError(
            f"monotonic_cst has shape {values.shape} but the input data X has {n_columns} features."
        )
    return tuple(map(int, values))


def _check_ordered(column: Column) -> None:
    """Raise if the values of a column have no order that a prediction could follow."""
    if isinstance(column.reader, Dates):
        raise ValueError(
            f"monotonic_cst must be 0 for the column {column.name!r}, which holds dates: "
            "predictions follow the phases of year, week and day too. Pass elapsed time as a "
            "number instead"
        )
    has_order = column.kind in ("numeric", "constant") or column.categories == (False, True)
    if not has_order:
        raise ValueError(
            "Categorical features cannot have monotonic constraints; monotonic_cst has one for the "
            f"column {column.name!r}. Pass it as numbers in the order that you mean"
        )


def _groups(given: Any, names: list[str] | None, n_columns: int) -> tuple[tuple[int, ...], ...]:
    """Positions of the columns of each group; those that are in none are one more, together."""
    every = range(n_columns)
    groups: Iterable[Iterable[int]]
    if given is None:
        groups = [every]
    elif isinstance(given, str):
        groups = combinations(every, min(2, n_columns)) if given == "pairwise" else zip(every)
    else:
        groups = [_positions(group, names, n_columns) for group in _listed(given)]
    distinct = dict.fromkeys(tuple(sorted(group)) for group in groups)
    listed = tuple(group for group in distinct if group)
    rest = tuple(sorted(set(every).difference(*listed)))
    return (*listed, rest) if rest else listed


def _listed(given: Any) -> list[list[Any]]:
    if isinstance(given, Iterable) and not any(isinstance(group, str) for group in given):
        try:
            return [list(group) for group in given]
        except TypeError:
            pass
    raise ValueError(
        f"Interaction constraints must be a sequence of tuples or lists, got: {given!r}."
    )


def _positions(group: list[Any], names: list[str] | None, n_columns: int) -> set[int]:
    """The columns of one group, which are named or numbered."""
    if group and all(isinstance(entry, str) for entry in group):
        unknown = [entry for entry in group if entry not in (names or ())]
        if unknown:
            raise ValueError(
                f"interaction_cst contains unexpected feature names: {quoted_few(unknown)}."
            )
        return {(names or []).index(entry) for entry in group}
    if all(_is_position(entry, n_columns) for entry in group):
        return {int(entry) for entry in group}
    raise ValueError(
        "Interaction constraints must consist of feature names, or of integer indices in [0, "
        f"n_features - 1] = [0, {n_columns - 1}], specifying the position of features, got invalid "
        f"indices: {group!r}"
    )


def _is_position(entry: Any, n_columns: int) -> bool:
    return (
        isinstance(entry, Integral) and not isinstance(entry, bool) and 0 <= int(entry) < n_columns
    )
