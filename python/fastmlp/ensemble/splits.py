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
from scipy.sparse import csr_array
from sklearn.utils import check_random_state
from sklearn.utils.extmath import _approximate_mode

from fastmlp.table.engine_array import engine_table
from fastmlp.table.rows import Rows, Table, add_to_digest

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


@dataclass(frozen=True)
class RowAssignment:
    """How the rows were assigned to networks, so that later training can do the same.

    Training that goes on keeps the folds that it began with: no network may learn from rows that it
    is judged by.

    Attributes
    ----------
    n_estimators : int
        Networks that rows were assigned to.
    seed : int or RandomState
        Random numbers before the assignment.
    """

    n_estimators: int
    seed: Any

    @classmethod
    def new(cls, n_estimators: int, seed: Any) -> tuple[RowAssignment, np.random.RandomState]:
        """Begin with a user's `random_state`; returns it as a generator too."""
        generator = check_random_state(seed)
        # A seed will make the same generator again, which is quicker than a copy.
        kept = seed if isinstance(seed, Integral) else deepcopy(generator)
        return cls(int(n_estimators), kept), generator

    def generator(self) -> np.random.RandomState:
        """Return the random numbers of the assignment again."""
        generator: np.random.RandomState = check_random_state(deepcopy(self.seed))
        return generator


def split_rows(
    data: RowSubset,
    strata: NDArray[Any] | None,
    shared: RowSubset | None,
    fraction: float | None,
    n_estimators: int,
    random_state: np.random.RandomState,
) -> list[Split]:
    """Choose training and validation rows of each network.

    If there is a `shared` validation table, it is that of all networks. Else one network has a
    `fraction` of the rows held out, and of several each has a fold. Without enough rows, or if the
    rows of one side had no weight, none are held out.

    Parameters
    ----------
    data : RowSubset
        All rows.
    strata : ndarray of shape (n_rows,) or None
        Class numbers whose proportions should be kept.
    shared : RowSubset or None
    fraction : float or None
        None: hold out no rows.
    """
    n_rows = data.n_rows
    none = [Split(None, shared)] * n_estimators
    if shared is not None or fraction is None or n_rows < FEWEST_ROWS:
        return none
    if n_held_out(n_rows, fraction) >= n_rows:
        raise ValueError(
            f"validation_fraction={fraction} leaves none of {n_rows} rows to train on; "
            "early_stopping=False trains on all of them"
        )
    weights = data.sample_weight
    if weights is not None and not weights.all():
        # Rows without weight are shared out apart, or they would take the places of others.
        strata = 2 * (0 if strata is None else strata.astype(np.int32)) + (weights > 0)
    masks = held_out_masks(n_rows, fraction, n_estimators, strata, random_state)
    rows = np.arange(n_rows, dtype=np.uint32)
    splits = []
    for mask in masks:
        train, validation = rows[~mask], rows[mask]
        if weights is not None and not (weights[train].any() and weights[validation].any()):
            return none
        splits.append(Split(train, data._replace(rows=validation)))
    return splits


def fingerprint(data: RowSubset, splits: Sequence[Split]) -> bytes:
    """Digest of the rows and of which are held out from each network.

    Two fits with the same fingerprint hold out the same rows from the same networks.
    """
    digest = sha256()
    add_to_digest(digest, data.X)
    add_to_digest(digest, data.y)
    for split in splits:
        held_out = None if split.validation is None else split.validation.rows
        digest.update(b"none" if held_out is None else held_out.data)
    return digest.digest()


def n_held_out(n_rows: int, fraction: float) -> int:
    """Number of rows that a fraction of them is, at least one."""
    return int(np.ceil(fraction * n_rows))


def n_folds_of(n_rows: int, fraction: float) -> int:
    """Number of folds, each of which holds at most this fraction of the rows."""
    return max(2, -(-n_rows // n_held_out(n_rows, fraction)))


def held_out_masks(
    n_rows: int,
    fraction: float,
    n_estimators: int,
    classes: NDArray[Any] | None,
    random_state: np.random.RandomState,
) -> list[NDArray[np.bool_]]:
    """Choose the rows to hold out from each network, as masks.

    From one network `fraction` of the rows are held out. Of several networks each has a fold; when
    all folds are used, the rows are assigned to folds anew.
    """
    if n_estimators == 1:
        return [held_out_mask(n_rows, n_held_out(n_rows, fraction), classes, random_state)]
    n_folds = n_folds_of(n_rows, fraction)
    masks: list[NDArray[np.bool_]] = []
    while len(masks) < n_estimators:
        fold = folds(n_rows, n_folds, classes, random_state)
        masks += [fold == number for number in range(n_folds)]
    return masks[:n_estimators]


def held_out_mask(
    n_rows: int, n_val: int, classes: NDArray[Any] | None, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Choose the rows that scikit-learn's `train_test_split` chooses for testing, as a mask.

    Classes keep their proportions if each has enough rows. Given classes, scikit-learn's function
    needs 70 bytes per row and this one a quarter of that.
    """
    mask = np.zeros(n_rows, dtype=bool)
    if classes is not None:
        classes = classes.astype(np.int32, copy=False)
        counts = np.bincount(classes)
        counts = counts[counts > 0]
    if classes is None or counts.min() < 2 or min(n_val, n_rows - n_val) < counts.size:
        mask[random_state.permutation(n_rows)[:n_val]] = True
        return mask
    # A sparse matrix with one entry per row lists the rows of each class, column after column.
    ends = np.arange(n_rows + 1, dtype=np.int32 if n_rows < 2**31 else np.int64)
    order = csr_array((np.ones(n_rows, dtype=bool), classes, ends)).tocsc().indices
    n_train_of = _approximate_mode(counts, n_rows - n_val, random_state)
    _approximate_mode(counts - n_train_of, n_val, random_state)  # takes all that are left
    for rows, n_train in zip(np.split(order, counts.cumsum()[:-1]), n_train_of, strict=True):
        random_state.shuffle(rows)
        mask[rows[n_train:]] = True
    # It shuffles both parts in the end, which matters only to the random numbers drawn later.
    random_state.shuffle(order[n_val:])
    random_state.shuffle(order[:n_val])
    return mask


def folds(
    n_rows: int, n_folds: int, classes: NDArray[Any] | None, random_state: np.random.RandomState
) -> NDArray[np.int32]:
    """Assign each row to a fold: equally many rows to each, and classes spread over all folds.

    Unlike scikit-learn's `StratifiedKFold` this also takes classes with fewer rows than folds.
    """
    order = random_state.permutation(n_rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(n_rows, dtype=np.int32)
    fold[order] = np.arange(n_rows) % n_folds
    return fold
