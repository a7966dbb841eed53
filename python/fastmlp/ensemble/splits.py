"""Which rows each network is trained on, and which are held out from it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fastmlp._user_warnings import warn
from fastmlp.ensemble.splitters import RANDOM, Splitter, n_held_out
from fastmlp.table.engine_array import engine_table
from fastmlp.table.rows import Digest, Rows, Table, add_to_digest, rows_with_weight
from fastmlp.tasks import Task

FEWEST_ROWS = 10  # from fewer rows none are held out


class RowSubset(NamedTuple):
    """An encoded table with its targets and weights, and the row numbers of a subset (None: all).

    `offset` (n_rows, n_outputs) is what the linear part adds, if there is one. The engine reads all
    of them in place.
    """

    X: Table
    y: NDArray[Any]
    sample_weight: NDArray[Any] | None
    rows: Rows | None = None
    offset: NDArray[Any] | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows of the subset."""
        return self.X.shape[0] if self.rows is None else self.rows.size

    @property
    def selection(self) -> slice | Rows:
        """Selects the subset's rows from the arrays."""
        return slice(None) if self.rows is None else self.rows

    def for_engine(self, dtype: np.dtype[Any]) -> RowSubset:
        """The subset of a table in the form that networks of that type read."""
        return self._replace(X=engine_table(self.X, dtype))

    def own_targets(self) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Targets and weights of the subset's rows."""
        rows = self.selection
        return self.y[rows], None if self.sample_weight is None else self.sample_weight[rows]


class Split(NamedTuple):
    """Rows that one network is trained on (None: all), and those that it is validated on."""

    train: Rows | None
    validation: RowSubset | None

    @property
    def held_out(self) -> Rows | None:
        """Rows of the training table that it is validated on; None if there are none."""
        return None if self.validation is None else self.validation.rows


ALL_ROWS = Split(None, None)


class Splits(NamedTuple):
    """The splits of several networks.

    Attributes
    ----------
    each : list of Split
        The split of each network that is validated.
    n_folds : int or None
        Number of networks in a round, each of which holds out different rows; None if there are
        no held-out rows.
    are_folds : bool
        Whether each network is trained on all rows that it does not hold out. Else networks are
        trained on all rows once the others have been validated.
    """

    each: list[Split]
    n_folds: int | None = None
    are_folds: bool = True

    @property
    def rows_of_all(self) -> Rows | None:
        """Rows that the networks are trained on together (None: all of them)."""
        return self.each[0].train if len(self.each) == 1 and self.are_folds else None

    def repeated(self, n_times: int) -> Splits:
        """The same splits for so many rounds of networks."""
        return self._replace(each=self.each * n_times)


@dataclass(frozen=True)
class AssignmentSeed:
    """From what rows were assigned to networks, so that later training can do the same.

    Further training keeps the folds of the first fit: no network may learn from rows that validate
    it.

    Attributes
    ----------
    n_networks : int
        Networks that rows were assigned to.
    seed : int or RandomState
        The user's seed, or the generator as it was before rows were assigned.
    """

    n_networks: int
    seed: Any

    @classmethod
    def new(cls, n_networks: int, seed: Any) -> tuple[AssignmentSeed, np.random.RandomState]:
        """Start from a user's `random_state`; also returns the generator to draw from."""
        generator = check_random_state(seed)
        # A seed will make the same generator again, which is quicker than a copy.
        kept = seed if isinstance(seed, Integral) else deepcopy(generator)
        return cls(int(n_networks), kept), generator

    def generator(self) -> np.random.RandomState:
        """A generator in the state that it had before rows were assigned."""
        generator: np.random.RandomState = check_random_state(deepcopy(self.seed))
        return generator


class AssignedRows(NamedTuple):
    """Which rows the networks of one fit are trained on, and which are held out from them.

    Attributes
    ----------
    splits : Splits
    assignment : AssignmentSeed
    random_state : RandomState
        Draws the random numbers of what follows: initial weights, seeds of the training.
    fingerprint : bytes or None
        See `fingerprint`; None if it is not needed.
    are_unseen : bool
        Whether the held-out rows of each network were held out from it in all fits.
    """

    splits: Splits
    assignment: AssignmentSeed
    random_state: np.random.RandomState
    fingerprint: bytes | None
    are_unseen: bool


def split_rows(
    data: RowSubset,
    strata: NDArray[Any] | None,
    shared: RowSubset | None,
    fraction: float | None,
    n_networks: int,
    random_state: np.random.RandomState,
    splitter: Splitter = RANDOM,
) -> Splits:
    """Choose training and validation rows of each network.

    A `shared` validation table serves all networks. Without one the splitter chooses which rows
    each network holds out; a single network holds out a `fraction` of all rows. None are held out
    if there are too few rows, or if one side of random folds would have no weight.

    Parameters
    ----------
    data : RowSubset
        All rows.
    strata : ndarray of shape (n_rows,) or None
        Class numbers whose proportions should be kept.
    shared : RowSubset or None
    fraction : float or None
        None: hold out no rows.
    n_networks : int
    random_state : RandomState
    splitter : Splitter, default=RANDOM
    """
    n_rows = data.n_rows
    none = Splits([Split(None, shared)] * n_networks)
    if shared is not None or fraction is None or n_rows < FEWEST_ROWS:
        return none
    if n_held_out(n_rows, fraction) >= n_rows:
        raise ValueError(
            f"validation_fraction={fraction} leaves none of {n_rows} rows to train on; "
            "early_stopping=False trains on all of them"
        )
    weights = data.sample_weight
    if weights is not None and not weights.all():
        # Rows without weight are divided separately, or they would take the places of others.
        strata = 2 * (0 if strata is None else strata.astype(np.int32)) + (weights > 0)
    division = splitter.divide(n_rows, fraction, n_networks, strata, random_state)
    splits = []
    for train, held_out in division.parts:
        if weights is not None and not (weights[train].any() and weights[held_out].any()):
            if splitter is RANDOM:
                return none
            raise ValueError(
                "sample_weight is 0 for all training rows, or all validation rows, of a network"
            )
        splits.append(Split(train, data._replace(rows=held_out)))
    return Splits(splits, division.n_folds, division.are_folds)


def warn_of_lacking_classes(task: Task, data: RowSubset, splits: Splits) -> None:
    """Warn of networks that are trained without a class, as all of its rows are held out."""
    weights = data.sample_weight

    def lacks_classes(rows: Rows | None) -> bool:
        counted = rows_with_weight(rows, weights)
        return task.lacks_classes(data.y if counted is None else data.y[counted])

    n_lacking = sum(map(lacks_classes, (split.train for split in splits.each)))
    if not n_lacking or lacks_classes(None):
        return
    if splits.are_folds:
        warn(
            f"{n_lacking} of {len(splits.each)} networks are trained without one of the classes, "
            "because all its rows are held out together, such as those of a class that only one "
            "group has. These networks never predict the class, and the out-of-fold probabilities "
            "of its rows are wrong"
        )
    else:  # networks of the model are trained on all rows
        warn(
            f"{n_lacking} of {len(splits.each)} validated networks are trained without one of the "
            "classes, such as one that only later rows have. These networks never predict the "
            "class, so the best epochs and the out-of-fold probabilities are not those of a model "
            "that knows it"
        )


def digest_of_rows(data: RowSubset) -> Digest:
    """Digest of all rows. It takes a second for some million rows, so fingerprints share it."""
    digest = sha256()
    add_to_digest(digest, data.X)
    add_to_digest(digest, data.y)
    return digest


def fingerprint(rows: Digest, splits: Sequence[Split]) -> bytes:
    """Digest of the rows and of which are held out from each network.

    Two fits with the same fingerprint hold out the same rows from the same networks.

    Parameters
    ----------
    rows : Digest
        See `digest_of_rows`; it stays as it is.
    splits : sequence of Split
    """
    digest = rows.copy()
    for split in splits:
        held_out = split.held_out
        digest.update(b"none" if held_out is None else held_out.data)
    return digest.digest()
