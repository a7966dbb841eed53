"""What Regressor and Classifier share: parameters, validation of input, fitting, prediction."""

from __future__ import annotations

import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from math import prod
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.extmath import _approximate_mode
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_array,
    check_is_fitted,
    validate_data,
)

from fastmlp import _core
from fastmlp._network import ACTIVATIONS, Dense, Dropout, Network, Optimizer, engine_array
from fastmlp._progress import Callback, Progress
from fastmlp._threads import n_threads

_CHUNK = 2**20  # numbers that are looked at at once where a copy has to be made
_COLUMNS = 2**15  # of a table whose scale is learnt, at once
_LARGEST = 2**62  # of the numbers that the engine counts in 64 bits


@dataclass
class Targets:
    """The true values of all rows as the engine wants them."""

    values: NDArray[Any]  # (n, outputs) numbers, or (n,) int32 class numbers
    are_classes: bool = False  # whose proportions the validation split keeps


class Part(NamedTuple):
    """A table with its targets and weights, and which of its rows are meant (None: all)."""

    X: NDArray[Any]
    y: NDArray[Any]
    sample_weight: NDArray[Any] | None
    rows: NDArray[np.uint32] | None = None


def reject_dates(values: Any, name: str) -> None:
    """Raise for dates and durations, which NumPy would hand on as integers, NaT included."""
    dtypes = getattr(values, "dtypes", getattr(values, "dtype", None))
    if dtypes is None and isinstance(values, list | tuple):
        dtypes = np.asarray(values[:1] if np.ndim(values[:1]) == 1 else values[0]).dtype
    for dtype in np.atleast_1d(np.asarray(dtypes, dtype=object)):
        temporal = getattr(dtype, "is_temporal", None)  # polars
        if getattr(dtype, "kind", "") in ("m", "M") or (temporal is not None and temporal()):
            raise TypeError(f"{name} must hold numbers; got dates or durations")


def _slices(n: int, length: int) -> Iterator[slice]:
    """scikit-learn's `gen_batches` without its checks, a twentieth of a small fit's time."""
    return (slice(start, min(start + length, n)) for start in range(0, n, length))


def parts(table: NDArray[Any], rows: NDArray[Any] | None = None) -> Iterator[slice | NDArray[Any]]:
    """The table's rows, or those given, so many at a time that a copy of them is not large."""
    n_rows = table.shape[0] if rows is None else rows.size
    for part in _slices(n_rows, max(1, _CHUNK // prod(table.shape[1:]))):
        yield part if rows is None else rows[part]


def held_out(
    n_rows: int, n_val: int, classes: NDArray[Any] | None, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Which rows scikit-learn's `train_test_split` takes for testing; stratified if it can be.

    Given classes, that function needs 70 bytes per row and this one a quarter of them.
    """
    chosen = np.zeros(n_rows, dtype=bool)
    if classes is not None:
        classes = classes.astype(np.int32, copy=False)
        counts = np.bincount(classes)
        counts = counts[counts > 0]
    if classes is None or counts.min() < 2 or min(n_val, n_rows - n_val) < counts.size:
        chosen[random_state.permutation(n_rows)[:n_val]] = True
        return chosen
    # A sparse matrix with one entry per row holds, column after column, the rows of every class.
    ends = np.arange(n_rows + 1, dtype=np.int32 if n_rows < 2**31 else np.int64)
    order = csr_array((np.ones(n_rows, dtype=bool), classes, ends)).tocsc().indices
    n_train_of = _approximate_mode(counts, n_rows - n_val, random_state)
    _approximate_mode(counts - n_train_of, n_val, random_state)  # all that are left
    for rows, n_train in zip(np.split(order, counts.cumsum()[:-1]), n_train_of, strict=True):
        random_state.shuffle(rows)
        chosen[rows[n_train:]] = True
    # It shuffles both parts at last, which matters to the random numbers behind it alone.
    random_state.shuffle(order[n_val:])
    random_state.shuffle(order[:n_val])
    return chosen


def batch_size_for(n_rows: int) -> int:
    """``batch_size="auto"``: larger tables bear larger minibatches (RealMLP's rule)."""
    for limit, size in ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512)):
        if n_rows <= limit:
            return min(size, n_rows)
    return 1024


class BaseMLP(BaseEstimator, metaclass=ABCMeta):
    """Base of the estimators. Holds no numerics: the engine does those."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
        "solver": [StrOptions({"adam", "sgd", "rmsprop"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [
            StrOptions({"constant", "invscaling", "adaptive", "cosine", "one_cycle"})
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_factors": ["array-like", None],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "warmup_fraction": [Interval(Real, 0, 1, closed="left")],
        "max_iter": [Interval(Integral, 1, _LARGEST, closed="both")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "standardize": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"})],
        "n_jobs": [Integral, None],
        "callbacks": [callable, list, tuple, None],
    }

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Names of the parameters, read once: that takes a tenth of a small fit."""
        names: list[str] = super()._get_param_names()
        return names

    # ---- what a subclass says about its targets

    @property
    @abstractmethod
    def _engine_loss(self) -> str:
        """The engine's name of the loss."""

    @property
    @abstractmethod
    def _link(self) -> str:
        """Function between the last layer and the prediction."""

    @abstractmethod
    def _encode_targets(self, y: Any, *, reset: bool, name: str = "y") -> Targets:
        """Check y and turn it into numbers; with `reset`, learn classes or shape from it."""

    @abstractmethod
    def _initialise_output(self, y: NDArray[Any], sample_weight: NDArray[Any] | None) -> None:
        """Give the new network's output layer a start that suits the targets."""

    def _standardise_targets(
        self, targets: NDArray[Any], rows: NDArray[Any] | None, weights: Any
    ) -> None:
        """Learn the scale of the targets from the training rows."""

    def _scaled_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Bring targets to the scale that the network learns in."""
        return targets

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

    @property
    def _dtype(self) -> np.dtype[Any]:
        """Type to compute in: the network's own once there is one."""
        return self._network.dtype if hasattr(self, "_network") else np.dtype(self.dtype)

    # ---- fitting

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train the network.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Numbers of any type and memory order; read in place where the type is one of float32,
            float64 and the integers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values, or class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val, y_val : like X and y, default=None
            Validation part; without it `early_stopping` sets `validation_fraction` of the rows
            aside. In a Pipeline X_val goes through the steps before only with scikit-learn's
            ``Pipeline(..., transform_input=["X_val"])`` and metadata routing.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            Where a parameter, X or y is not what it should be, or training diverged. The
            estimator is then as it was before the call.
        """
        self._check_parameters()
        continues = self.warm_start and hasattr(self, "_network")
        with self._unchanged_on_error(in_place=continues):
            if not continues:
                for name in ("_network", "_optimizer", "_predictor"):
                    self.__dict__.pop(name, None)
            X, y = self._table(X, y, reset=not continues, minimum=2)
            targets = self._encode_targets(y, reset=not continues)
            weights = self._base_weights(y, sample_weight, X)
            random_state = check_random_state(self.random_state)
            if (X_val is None) != (y_val is None):
                raise ValueError("X_val and y_val must be given together")
            if X_val is None and sample_weight_val is not None:
                raise ValueError("sample_weight_val was given without X_val and y_val")
            validation = None
            rows = None
            if X_val is not None:
                validation = self._validation_part(X_val, y_val, sample_weight_val)
            elif self.early_stopping:
                rows, rows_val = self._split(targets, weights, random_state)
                if rows_val is not None:
                    validation = Part(X, targets.values, weights, rows_val)
            if not continues:
                self._standardise(X, targets.values, rows, weights)
            scaled = self._scaled_targets(targets.values)
            if validation is not None:
                shared = validation.rows is not None  # rows of the same table
                validation = validation._replace(
                    y=scaled if shared else self._scaled_targets(validation.y)
                )
            if continues:
                self._check_same_network(X.shape[1])
            else:
                self._new_network(X.shape[1], random_state)
                self._initialise_output(targets.values, weights)
            self._train(
                Part(X, scaled, weights, rows),
                validation,
                max_iter=int(self.max_iter),
                schedule=self.learning_rate,
                random_state=random_state,
                stacklevel=4,
            )
            self._snapshot()
        return self

    def _announce_classes(self, classes: Any, y: Any, *, first: bool) -> None:
        """Learn classes that y may lack, or check that they are those learnt."""

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> None:
        """One epoch over the given rows; see the subclasses."""
        self._check_parameters()
        first = not hasattr(self, "_network")
        with self._unchanged_on_error(in_place=not first):
            X, y = self._table(X, y, reset=first, minimum=1)
            if classes is not None:
                self._announce_classes(classes, y, first=first)
            targets = self._encode_targets(y, reset=first and classes is None)
            weights = self._base_weights(y, sample_weight, X)
            if first:
                random_state = check_random_state(self.random_state)
                self._standardise(X, targets.values, None, weights)
                self._new_network(X.shape[1], random_state)
                self._initialise_output(targets.values, weights)
            else:
                self._check_same_network(X.shape[1])
            # A schedule over all steps makes no sense where nobody knows how many there will be.
            unbounded = self.learning_rate in ("cosine", "one_cycle")
            self._train(
                Part(X, self._scaled_targets(targets.values), weights),
                None,
                max_iter=1,
                schedule="constant" if unbounded else self.learning_rate,
                random_state=None,
                stacklevel=5,
            )
            self._samples_seen += X.shape[0]
            self._snapshot()

    @contextmanager
    def _unchanged_on_error(self, *, in_place: bool) -> Iterator[None]:
        """A failed call leaves the estimator as it was.

        With `in_place`, training goes on with the network and optimiser there are, which are then
        put back from copies.
        """
        before = dict(self.__dict__)
        if in_place:
            before |= deepcopy({name: before[name] for name in ("_network", "_optimizer")})
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _check_parameters(self) -> None:
        """Check what one parameter alone or two together must fulfil."""
        self._validate_params()
        sizes = self._hidden_layer_sizes()
        if any(not isinstance(s, Integral) or isinstance(s, bool) for s in sizes) or not all(
            1 <= s < _LARGEST for s in sizes
        ):
            raise ValueError(
                "hidden_layer_sizes must be positive integers below 2^62; got "
                f"{self.hidden_layer_sizes!r}"
            )
        self._per_hidden_layer("activation", str)
        for activation in self._activations():
            if activation not in ACTIVATIONS:
                raise ValueError(
                    f"activation must be one of {list(ACTIVATIONS)} or a sequence of these, one "
                    f"for each hidden layer; got {self.activation!r}"
                )
        if any(not 0 <= rate < 1 for rate in self._per_hidden_layer("dropout", Real)):
            raise ValueError(f"dropout must be in [0, 1); got {self.dropout!r}")
        factors = self.learning_rate_factors
        if factors is not None and len(factors) != len(sizes) + 1:
            raise ValueError(
                f"learning_rate_factors must hold one number for each of the {len(sizes) + 1} "
                f"layers; got {len(factors)}"
            )
        if factors is not None and not all(
            isinstance(f, Real) and 0 <= float(f) < np.inf for f in factors
        ):
            raise ValueError(f"learning_rate_factors must be numbers >= 0; got {factors!r}")
        if self.n_jobs == 0:
            raise ValueError("n_jobs must not be 0; None and -1 use all cores")
        for callback in self._callbacks():
            if not callable(callback):
                raise TypeError(f"callbacks must be callable; got {callback!r}")

    def _hidden_layer_sizes(self) -> tuple[int, ...]:
        sizes = self.hidden_layer_sizes
        return (sizes,) if isinstance(sizes, int | np.integer) else tuple(sizes)  # type: ignore[return-value]

    def _per_hidden_layer(self, name: str, kind: type) -> tuple[Any, ...]:
        """One value for each hidden layer from a single value or a sequence of them."""
        value = getattr(self, name)
        n_hidden = len(self._hidden_layer_sizes())
        if isinstance(value, kind):
            return (value,) * n_hidden
        if len(value) != n_hidden or not all(isinstance(v, kind) for v in value):
            raise ValueError(
                f"{name} must be one value or one for each of the {n_hidden} hidden layers; "
                f"got {value!r}"
            )
        return tuple(value)

    def _activations(self) -> tuple[str, ...]:
        return self._per_hidden_layer("activation", str)

    def _callbacks(self) -> Sequence[Callback]:
        if self.callbacks is None:
            return ()
        return (self.callbacks,) if callable(self.callbacks) else tuple(self.callbacks)

    def _table(
        self, X: Any, y: Any, *, reset: bool, minimum: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """X as a 2-D array and y as an array of finite values, equally long."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        reject_dates(X, "X")
        reject_dates(y, "y")
        table, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            dtype="numeric",
            multi_output=True,
            ensure_min_samples=minimum,
        )
        return engine_array(table), y

    def _validation_part(self, X: Any, y: Any, sample_weight: Any) -> Part:
        reject_dates(X, "X_val")
        if np.ndim(y) == 0:
            raise ValueError(f"y_val must be 1-D or 2-D; got {y!r}")
        reject_dates(y, "y_val")
        y = check_array(y, ensure_2d=False, dtype=None, accept_sparse=True, input_name="y_val")
        try:
            table = validate_data(self, X, reset=False, dtype="numeric")
        except ValueError as error:
            raise ValueError(f"X_val: {error}") from error
        n_targets = _num_samples(y)
        if n_targets != table.shape[0]:
            raise ValueError(
                f"X_val and y_val must have the same number of rows; got {table.shape[0]} and "
                f"{n_targets}"
            )
        targets = self._encode_targets(y, reset=False, name="y_val")
        weights = self._base_weights(y, sample_weight, table, name="sample_weight_val")
        return Part(engine_array(table), targets.values, weights)

    def _split(
        self,
        targets: Targets,
        weights: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> tuple[NDArray[np.uint32] | None, NDArray[np.uint32] | None]:
        """Row numbers of the training and the validation part.

        Without enough rows, or where one part would weigh nothing, there is no validation part.
        """
        n_rows = targets.values.shape[0]
        n_val = int(np.ceil(self.validation_fraction * n_rows))
        if n_rows < 10 or n_val >= n_rows:
            return None, None
        classes = targets.values.ravel() if targets.are_classes else None
        chosen = held_out(n_rows, n_val, classes, random_state)
        rows = np.arange(n_rows, dtype=np.uint32)
        train, validation = rows[~chosen], rows[chosen]
        if weights is not None and not (weights[train].any() and weights[validation].any()):
            return None, None
        return train, validation

    def _standardise(
        self,
        X: NDArray[Any],
        targets: NDArray[Any],
        rows: NDArray[Any] | None,
        weights: NDArray[Any] | None,
    ) -> None:
        """Learn centre and scale of inputs and targets from the training rows."""
        self._input_shift: NDArray[np.float64] | None = None
        self._input_scale: NDArray[np.float64] | None = None
        if self.standardize:
            if weights is not None:  # a part must not weigh nothing
                rows = np.flatnonzero(weights) if rows is None else rows[weights[rows] > 0]
                # The scaler takes the sum of the weights for a number of rows.
                unit = weights[rows].mean(dtype=np.float64)
            shift, scale = np.empty(X.shape[1]), np.empty(X.shape[1])
            with np.errstate(over="ignore", invalid="ignore"):
                # The scaler makes twenty arrays as long as a row.
                for columns in _slices(X.shape[1], _COLUMNS):
                    scaler = StandardScaler()
                    table = X[:, columns]
                    for some in parts(table, rows):
                        scaler.partial_fit(
                            table[some].astype(np.float64, copy=False),
                            sample_weight=None if weights is None else weights[some] / unit,
                        )
                    shift[columns], scale[columns] = scaler.mean_, scaler.scale_
            if not (np.isfinite(shift).all() and np.isfinite(scale).all()):
                raise ValueError("X holds values too large to be standardised")
            self._input_shift = shift
            # Float tables are scaled in their own type.
            self._input_scale = np.minimum(1.0 / scale, np.finfo(np.float32).max)
        with np.errstate(over="ignore", invalid="ignore"):
            self._standardise_targets(targets, rows, weights)

    def _new_network(self, n_features: int, random_state: np.random.RandomState) -> None:
        sizes = (n_features, *(int(size) for size in self._hidden_layer_sizes()))
        rates = self._per_hidden_layer("dropout", Real)
        layers: list[Dense | Dropout] = []
        for inputs, outputs, activation, rate in zip(
            sizes[:-1], sizes[1:], self._activations(), rates, strict=True
        ):
            layers.append(Dense(inputs, outputs, activation))
            if rate > 0:
                layers.append(Dropout(float(rate)))
        layers.append(Dense(sizes[-1], int(self.n_outputs_)))
        self._network = Network(layers, dtype=self.dtype, random_state=random_state)
        self._optimizer = self._new_optimizer()
        self._network_made_of = self._network_options()
        self.out_activation_ = self._link
        self.n_iter_ = 0
        self._samples_seen = 0
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] | None = None
        self.learning_rate_curve_: list[float] = []
        self.best_iteration_: int | None = None
        self.best_loss_ = np.inf

    def _network_options(self) -> dict[str, Any]:
        return {
            "hidden_layer_sizes": tuple(int(size) for size in self._hidden_layer_sizes()),
            "activation": self._activations(),
            "dropout": tuple(float(rate) for rate in self._per_hidden_layer("dropout", Real)),
            "dtype": self.dtype,
        }

    def _new_optimizer(self) -> Optimizer:
        self._optimizer_made_of = self._optimizer_options()
        return Optimizer(self._network, **self._optimizer_made_of)

    def _optimizer_options(self) -> dict[str, Any]:
        names = (
            "solver",
            "momentum",
            "nesterovs_momentum",
            "beta_1",
            "beta_2",
            "epsilon",
            "weight_decay",
        )
        factors = self.learning_rate_factors
        return {name: getattr(self, name) for name in names} | {
            "learning_rate_factors": None if factors is None else [float(f) for f in factors]
        }

    def _check_same_network(self, n_features: int) -> None:
        """Check that training can go on; an optimiser whose parameters changed starts anew."""
        inputs = self._network.parameters[0].shape[0]
        if inputs != n_features:
            raise ValueError(
                f"X has {n_features} features, but the network to go on with takes {inputs}"
            )
        for name, made_of in self._network_made_of.items():
            if made_of != self._network_options()[name]:
                raise ValueError(
                    f"{name} was {made_of} when the network was made and cannot become "
                    f"{self._network_options()[name]} while training goes on with it"
                )
        if self._link != self.out_activation_:
            raise ValueError(
                f"the network to go on with was trained for outputs behind {self.out_activation_}; "
                f"loss now asks for {self._link}"
            )
        if self._optimizer_made_of != self._optimizer_options():
            self._optimizer = self._new_optimizer()

    def _train(
        self,
        train: Part,
        validation: Part | None,
        *,
        max_iter: int,
        schedule: str,
        random_state: np.random.RandomState | None,
        stacklevel: int,
    ) -> None:
        """Run the engine's loop and take down what it tells."""
        n_rows = train.X.shape[0] if train.rows is None else train.rows.size
        batch_size = batch_size_for(n_rows) if self.batch_size == "auto" else self.batch_size
        seed = self._network._engine.seed
        if random_state is not None:
            seed = int(random_state.randint(np.iinfo(np.int32).max))
        options = {
            "loss": self._engine_loss,
            "delta": float(getattr(self, "delta", 1.0)),
            "quantile": float(getattr(self, "quantile", 0.5)),
            "label_smoothing": float(getattr(self, "label_smoothing", 0.0)),
            "l1": float(self.alpha * self.l1_ratio),
            "l2": float(self.alpha * (1 - self.l1_ratio)),
            "max_grad_norm": float(self.max_grad_norm or 0.0),
            "learning_rate": schedule,
            "learning_rate_init": float(self.learning_rate_init),
            "power_t": float(self.power_t),
            "warmup_fraction": float(self.warmup_fraction),
            "max_iter": max_iter,
            "batch_size": int(min(batch_size, n_rows)),
            "shuffle": bool(self.shuffle),
            "tol": float(self.tol),
            "n_iter_no_change": int(min(self.n_iter_no_change, _LARGEST)),
            "early_stopping": bool(self.early_stopping),
            "n_threads": n_threads(self.n_jobs),
            "seed": seed,
            "samples_seen": float(self._samples_seen),
        }
        progress = Progress(self.verbose, max_iter, self._callbacks())
        try:
            result = _core.train(
                self._network._engine,
                self._optimizer._engine,
                self._input_shift,
                self._input_scale,
                train,
                validation,
                options,
                progress if progress.wanted else None,
            )
        finally:
            progress.close()
        self._take_down(result, stacklevel)

    def _take_down(self, result: _core.TrainResult, stacklevel: int) -> None:
        best = result["best_epoch"]
        if result["reason"] == "diverged" and not best:
            raise ValueError(
                "training diverged: the loss or the weights are no longer finite. A smaller "
                f"learning_rate_init (now {self.learning_rate_init}) or max_grad_norm=1 helps; so "
                "does standardize=True where inputs or targets are large."
            )
        if result["reason"] == "diverged":
            self._optimizer = self._new_optimizer()  # its moments are no longer finite
            warnings.warn(
                f"training diverged; the weights of epoch {best}, the best before, were kept",
                RuntimeWarning,
                stacklevel=stacklevel,
            )
        if result["reason"] == "interrupted":
            kept = f"The weights of epoch {best or result['n_iter']} were kept."
            if not result["n_iter"]:
                kept = "No epoch had ended: the weights are those that training began with."
            warnings.warn(f"Training interrupted by user. {kept}", stacklevel=stacklevel)
        before = self.n_iter_
        self.n_iter_ += result["n_iter"]
        self.loss_curve_ = [*self.loss_curve_, *result["loss_curve"]]
        if result["validation_curve"]:
            self.validation_curve_ = [
                *(self.validation_curve_ or []),
                *result["validation_curve"],
            ]
        self.learning_rate_curve_ = [*self.learning_rate_curve_, *result["learning_rates"]]
        self.best_iteration_ = before + best if best else None
        watched = result["validation_curve"] if best else result["loss_curve"]
        self.best_loss_ = min(watched, default=np.inf)
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.inf
        self.stop_reason_ = result["reason"]
        self.t_ = self._optimizer._engine.steps

    # ---- prediction

    def _snapshot(self) -> None:
        """Make the immutable predictor of the network as it is now."""
        single = self._network.dtype == np.float32
        predictor: Any = _core.PredictorF32 if single else _core.PredictorF64
        self._predictor = predictor(
            self._network._engine, self._input_shift, self._input_scale, self.out_activation_
        )

    def _predict_outputs(self, X: Any) -> NDArray[Any]:
        """Outputs behind the link function, (n_samples, outputs)."""
        check_is_fitted(self, "_predictor")
        reject_dates(X, "X")
        table = engine_array(validate_data(self, X, reset=False, dtype="numeric"))
        outputs: NDArray[Any] = self._predictor.predict(table, n_threads(self.n_jobs))
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_predictor", None)  # made anew from the network
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_network" in self.__dict__:
            self._snapshot()

    # ---- fitted attributes that the network holds

    def _parameter(self, which: int) -> list[NDArray[Any]]:
        check_is_fitted(self, "_network")
        views = [values.view() for values in self._network.parameters[which::2]]
        for view in views:
            view.flags.writeable = False  # the predictor holds copies
        return views

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """Weights of each layer, (inputs, outputs), between standardised inputs and targets."""
        return self._parameter(0)

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """Bias of each layer, (outputs,)."""
        return self._parameter(1)

    @property
    def n_layers_(self) -> int:
        """Number of layers, input and output included."""
        return len(self.coefs_) + 1

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
