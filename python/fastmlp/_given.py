"""What fit is given: table, targets and weights, checked, and which rows each network sees."""

from __future__ import annotations

from abc import abstractmethod
from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    _num_samples,
    check_array,
    check_consistent_length,
)

from fastmlp._columns import is_missing
from fastmlp._fitted import Fitted
from fastmlp._rows import Rows, n_held_out, validation_parts
from fastmlp._training import Part

FEWEST_ROWS = 10  # of which some are held out


@dataclass
class Targets:
    """The true values of all rows as the engine wants them."""

    values: NDArray[Any]  # (n, outputs) numbers, or (n,) int32 class numbers
    are_classes: bool = False  # whose proportions the validation split keeps


class Split(NamedTuple):
    """Rows that one network is trained on (None: all), and those it is validated on."""

    train: Rows | None
    validation: Part | None


def reject_dates(values: Any, name: str) -> None:
    """Raise for dates and durations, which NumPy would hand on as integers, NaT included."""
    dtypes = getattr(values, "dtypes", getattr(values, "dtype", None))
    if dtypes is None and isinstance(values, list | tuple):
        dtypes = np.asarray(values[:1] if np.ndim(values[:1]) == 1 else values[0]).dtype
    for dtype in np.atleast_1d(np.asarray(dtypes, dtype=object)):
        temporal = getattr(dtype, "is_temporal", None)  # polars
        if getattr(dtype, "kind", "") in ("m", "M") or (temporal is not None and temporal()):
            raise TypeError(f"{name} must hold numbers or labels; got dates or durations")


def reject_missing(values: Any, name: str) -> None:
    """Raise for targets that are missing among objects, which may be text or numbers."""
    array = np.asarray(values) if isinstance(values, list | tuple) else values
    kinds = ("object", "string", "str", "category", "categorical")
    if str(getattr(array, "dtype", "")).lower() not in kinds:
        return
    try:
        values = set(np.asarray(array, dtype=object).ravel().tolist())
    except TypeError:  # no labels; what they are is said later
        return
    for value in filter(is_missing, values):
        raise ValueError(f"Input {name} contains NaN or {value!r}: every row needs a true value")


class Given(Fitted):
    """An estimator that checks what it is given and deals rows to its networks."""

    _dealt: tuple[int, Any]  # number of networks, and the random numbers that rows were dealt with
    _trained_on: tuple[Any, ...] | None  # how rows were held out, where that is known

    @abstractmethod
    def _encode_targets(self, y: Any, *, reset: bool, name: str = "y") -> Targets:
        """Check y and turn it into numbers; with `reset`, learn classes or shape from it."""

    def _announce_classes(self, classes: Any, y: Any, *, first: bool) -> None:
        """Learn classes that y may lack, or check that they are those learnt."""

    def _table(
        self, X: Any, y: Any, *, reset: bool, minimum: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """X as the engine reads it and y as an array of finite values, equally long."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        reject_dates(y, "y")
        reject_missing(y, "y")
        table = self._encoded(X, reset=reset)
        if table.shape[0] < minimum:
            raise ValueError(
                f"Found array with {table.shape[0]} sample(s) (shape={table.shape}) while a "
                f"minimum of {minimum} is required by {type(self).__name__}."
            )
        y = _check_y(y, multi_output=True, estimator=self)
        check_consistent_length(table, y)
        return table, y

    def _validation_part(self, X: Any, y: Any, sample_weight: Any) -> Part:
        if np.ndim(y) == 0:
            raise ValueError(f"y_val must be 1-D or 2-D; got {y!r}")
        if len(y) == 0:
            raise ValueError("X_val and y_val must have at least one row")
        reject_dates(y, "y_val")
        reject_missing(y, "y_val")
        y = check_array(y, ensure_2d=False, dtype=None, accept_sparse=True, input_name="y_val")
        try:
            table = self._encoded(X, reset=False)
        except (TypeError, ValueError) as error:
            raise type(error)(f"X_val: {str(error).removeprefix('X: ')}") from error
        n_targets = _num_samples(y)
        if n_targets != table.shape[0]:
            raise ValueError(
                f"X_val and y_val must have the same number of rows; got {table.shape[0]} and "
                f"{n_targets}"
            )
        targets = self._encode_targets(y, reset=False, name="y_val")
        weights = self._base_weights(y, sample_weight, table, name="sample_weight_val")
        return Part(table, targets.values, weights)

    def _base_weights(
        self, y: Any, sample_weight: Any, X: NDArray[Any], name: str = "sample_weight"
    ) -> NDArray[Any] | None:
        """Weights of the rows; None where all are equal."""
        if sample_weight is None:
            return None
        try:
            weights: NDArray[Any] = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        return self._engine_weights(weights, name)

    def _engine_weights(self, weights: NDArray[Any], name: str) -> NDArray[Any]:
        """Weights in the engine's type; what that cannot hold is an error."""
        if not np.any(weights > 0):
            raise ValueError(f"{name} must have at least one positive weight")
        with np.errstate(over="ignore"):
            converted = weights.astype(self._dtype)
        tiny = np.finfo(converted.dtype).tiny
        if not np.isfinite(converted).all() or np.any((converted < tiny) & (weights > 0)):
            raise ValueError(f"{name} must hold weights that {self._dtype} can hold")
        return converted

    def _splits(
        self,
        X: NDArray[Any],
        targets: Targets,
        weights: NDArray[Any] | None,
        given: Part | None,
        n_members: int,
        random_state: np.random.RandomState,
    ) -> list[Split]:
        """Training and validation rows of every network.

        A validation part that is given is that of all. Else one network has `validation_fraction`
        of the rows, and several have a fold each. Without enough rows, or where one part would
        weigh nothing, there is no validation part.
        """
        n_rows = targets.values.shape[0]
        fraction = self._setting("validation_fraction")
        none = [Split(None, given)] * n_members
        if given is not None or not self.early_stopping or n_rows < FEWEST_ROWS:
            return none
        if n_held_out(n_rows, fraction) >= n_rows:
            raise ValueError(
                f"validation_fraction={fraction} leaves none of {n_rows} rows to train on; "
                "early_stopping=False trains on all of them"
            )
        classes = targets.values.ravel() if targets.are_classes else None
        chosen = validation_parts(n_rows, fraction, n_members, classes, random_state)
        rows = np.arange(n_rows, dtype=np.uint32)
        splits = []
        for mask in chosen:
            train, validation = rows[~mask], rows[mask]
            if weights is not None and not (weights[train].any() and weights[validation].any()):
                return none
            splits.append(Split(train, Part(X, targets.values, weights, validation)))
        return splits

    def _fingerprint(self, targets: Targets, given: Part | None) -> tuple[Any, ...]:
        """What tells whether rows are held out as they were before."""
        fraction = self._setting("validation_fraction")
        held_out = bool(self.early_stopping) and given is None
        values = np.ascontiguousarray(targets.values)
        return crc32(values.data), values.shape, held_out, fraction

    def _deal(self, continues: bool) -> tuple[int, np.random.RandomState]:
        """Number of networks that the rows are dealt to, and random numbers to do it with.

        Training that goes on keeps to the folds that it began with: no network may learn from
        rows that it is to be judged by.
        """
        if not (continues and hasattr(self, "_dealt")):
            last = (
                self._members[-1].recipe.place.number
                if continues
                else self._setting("n_estimators") - 1
            )
            seed = self.random_state
            random_state = check_random_state(seed)
            # A generator as it is now; a seed will make it again, which is quicker than a copy.
            before = seed if isinstance(seed, Integral) else deepcopy(random_state)
            self._dealt = int(last) + 1, before
            return self._dealt[0], random_state
        n_networks, before = self._dealt
        return n_networks, check_random_state(deepcopy(before))
