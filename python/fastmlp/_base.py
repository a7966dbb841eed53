"""What Regressor and Classifier share: parameters, fitting, prediction."""

from __future__ import annotations

import time
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from itertools import zip_longest
from math import inf
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    _check_y,
    _num_samples,
    check_array,
    check_consistent_length,
    check_is_fitted,
)

from fastmlp import _core
from fastmlp._columns import Columns
from fastmlp._importance import permutation_importances
from fastmlp._metrics import check_metric
from fastmlp._network import ACTIVATIONS, Dense, Layer, Network, Optimizer, engine_array
from fastmlp._progress import Callback, Metric, Progress
from fastmlp._recipe import (
    MADE_OF,
    PRESETS,
    Recipe,
    network_layers,
    preset_settings,
    rate_factors,
)
from fastmlp._rows import Rows, batch_size_for, folds, held_out, parts
from fastmlp._scaling import Scaling, learn_scaling
from fastmlp._summary import summarise
from fastmlp._threads import n_threads
from fastmlp._training import History, Job, Member, Part, train_all

_LARGEST = 2**62  # of the numbers that the engine counts in 64 bits
_PATIENCE = 40  # epochs without progress at least, where presets leave it to the fit
_START_ROWS = 1024  # that the initial weights are fitted to
_AUTO = StrOptions({"auto"})
_OF_ONE_FIT = ("oof_prediction_", "oof_decision_function_", "feature_importances_")


@dataclass
class Targets:
    """The true values of all rows as the engine wants them."""

    values: NDArray[Any]  # (n, outputs) numbers, or (n,) int32 class numbers
    are_classes: bool = False  # whose proportions the validation split keeps


@dataclass
class Split:
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
            raise TypeError(f"{name} must hold numbers; got dates or durations")


class BaseMLP(BaseEstimator, metaclass=ABCMeta):
    """Base of the estimators. Holds no numerics: the engine does those."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": [_AUTO, "array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [_AUTO, StrOptions(set(ACTIVATIONS)), "array-like"],
        "preset": [StrOptions(set(PRESETS))],
        "n_estimators": [_AUTO, Interval(Integral, 1, None, closed="left")],
        "categorical_features": ["array-like", StrOptions({"auto", "from_dtype"}), None],
        "numeric_embedding": [_AUTO, StrOptions({"periodic"}), None],
        "solver": [StrOptions({"adam", "sgd", "rmsprop"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "weight_decay": [_AUTO, Interval(Real, 0, None, closed="left")],
        "dropout": [_AUTO, Interval(Real, 0, 1, closed="left"), "array-like"],
        "batch_size": [_AUTO, Interval(Integral, 1, None, closed="left")],
        "learning_rate": [
            StrOptions(
                {"auto", "constant", "invscaling", "adaptive", "cosine", "one_cycle", "coslog4"}
            )
        ],
        "learning_rate_init": [_AUTO, Interval(Real, 0, None, closed="neither")],
        "learning_rate_factors": ["array-like", None],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "warmup_fraction": [Interval(Real, 0, 1, closed="left")],
        "max_iter": [_AUTO, Interval(Integral, 1, _LARGEST, closed="both")],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [_AUTO, Interval(Real, 0, 1, closed="neither")],
        "eval_metric": [str, callable, None],
        "compute_importances": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [_AUTO, Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            _AUTO,
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "standardize": [StrOptions({"auto", "robust"}), "boolean"],
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

    @property
    def _network_outputs(self) -> int:
        """Units of the output layer."""
        return int(self.n_outputs_)

    @property
    def _quantiles(self) -> list[float]:
        """Of the quantile loss: one, or one for each unit of the output layer."""
        return [0.5]

    @abstractmethod
    def _encode_targets(self, y: Any, *, reset: bool, name: str = "y") -> Targets:
        """Check y and turn it into numbers; with `reset`, learn classes or shape from it."""

    @abstractmethod
    def _metric(self, targets: Targets, weights: NDArray[Any] | None) -> Metric | None:
        """`eval_metric` on rows with these targets."""

    def _initialise_output(
        self, network: Network, y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> None:
        """Give a new network's output layer a start that suits the targets."""

    def _standardise_targets(
        self, targets: NDArray[Any], rows: NDArray[Any] | None, weights: Any
    ) -> None:
        """Learn the scale of the targets from the training rows."""

    def _see_targets(self, targets: NDArray[Any], weights: NDArray[Any] | None) -> None:
        """Take note of the targets of a call, be it the first or one that goes on."""

    def _scaled_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Bring targets to the scale that the network learns in."""
        return targets

    def _calibrates(self, *, as_predicted: bool) -> bool:
        """Whether to learn from outputs for unseen rows.

        With `as_predicted` they are those of the whole model, else of single networks of several.
        """
        return False

    def _calibrate(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> None:
        """Learn from outputs behind the link for rows that no network was trained on."""

    @abstractmethod
    def _keep_out_of_fold(self, outputs: NDArray[Any]) -> None:
        """Turn outputs behind the link into an attribute; NaN where a row has none."""

    @abstractmethod
    def _score_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        """How good outputs behind the link are, the greater the better."""

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
        """Type to compute in: the networks' own once there are some."""
        return self._members[0].network.dtype if self._is_trained else np.dtype(self.dtype)

    @property
    def _is_trained(self) -> bool:
        return hasattr(self, "_members")

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
        """Train.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            A raw table: columns of numbers, text, categories and booleans, with missing values
            (None, NaN, NA) anywhere. Arrays of float32, float64 and integers are read in place.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values, or class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val, y_val : like X and y, default=None
            Validation part of all networks; without it `early_stopping` takes it from the rows. In
            a Pipeline X_val goes through the steps before only with scikit-learn's
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
        TypeError
            Where X or y holds dates or objects that are neither numbers nor categories.
        """
        self._check_parameters()
        continues = self.warm_start and self._is_trained
        with self._unchanged_on_error(in_place=continues):
            for name in _OF_ONE_FIT if continues else ("_members", *_OF_ONE_FIT):
                self.__dict__.pop(name, None)
            X, y = self._table(X, y, reset=not continues, minimum=2)
            targets = self._encode_targets(y, reset=not continues)
            weights = self._base_weights(y, sample_weight, X)
            n_networks, random_state = self._deal(continues)
            if (X_val is None) != (y_val is None):
                raise ValueError("X_val and y_val must be given together")
            if X_val is None and sample_weight_val is not None:
                raise ValueError("sample_weight_val was given without X_val and y_val")
            if self.eval_metric is not None and X_val is None and not self.early_stopping:
                raise ValueError(
                    "eval_metric needs validation rows: early_stopping=True, or X_val and y_val"
                )
            given = None
            if X_val is not None:
                given = self._validation_part(X_val, y_val, sample_weight_val)
            splits = self._splits(X, targets, weights, given, n_networks, random_state)
            if continues:
                splits = [splits[member.number] for member in self._members]
            else:
                # One network's own training rows; of several all, since each has others.
                rows = splits[0].train if n_networks == 1 else None
                self._standardise(X, targets.values, rows, weights)
            self._see_targets(targets.values, weights)
            scaled = self._scaled_targets(targets.values)
            if continues:
                self._check_same_network(X.shape[1])
            else:
                self._new_members(X, targets, weights, [s.train for s in splits], random_state)
            train = Part(X, scaled, weights)
            jobs = []
            for number, (member, split) in enumerate(zip(self._members, splits, strict=True)):
                validation, metric = split.validation, None
                if validation is not None:
                    own = validation.rows is not None  # rows of the same table
                    metric = self._metric_on(validation, targets)
                    y_scaled = scaled if own else self._scaled_targets(validation.y)
                    validation = validation._replace(y=y_scaled)
                seed = int(random_state.randint(np.iinfo(np.int32).max))
                part = train._replace(rows=split.train)
                jobs.append(
                    Job(
                        member,
                        part,
                        validation,
                        self._options(member.recipe, part.n_rows) | {"seed": seed},
                        metric,
                        number,
                    )
                )
            self._train(jobs, stacklevel=3)
            self._snapshot()
            validation_of = {job.member: s.validation for job, s in zip(jobs, splits, strict=True)}
            kept = [validation_of[member] for member in self._members]
            if given is None:
                if len(kept) > 1 or self._calibrates(as_predicted=True):
                    self._learn_out_of_fold(kept, targets, weights)
            elif self._calibrates(as_predicted=True):
                unseen = Targets(given.y, targets.are_classes)
                self._calibrate(self._mean_outputs(given.X), unseen, given.sample_weight)
            if self.compute_importances:
                self.feature_importances_ = self._importances(kept)
        return self

    def _deal(self, continues: bool) -> tuple[int, np.random.RandomState]:
        """Number of networks that the rows are dealt to, and random numbers to do it with.

        Training that goes on keeps to the folds that it began with: no network may learn from
        rows that it is to be judged by.
        """
        if not (continues and hasattr(self, "_dealt")):
            last = self._members[-1].number if continues else self._setting("n_estimators") - 1
            random_state = check_random_state(self.random_state)
            self._dealt = int(last) + 1, deepcopy(random_state)
            return self._dealt[0], random_state
        return deepcopy(self._dealt)

    def _metric_on(self, validation: Part, targets: Targets) -> Metric | None:
        """`eval_metric` on a validation part whose targets are not yet scaled."""
        if self.eval_metric is None:
            return None
        rows = slice(None) if validation.rows is None else validation.rows
        weights = None if validation.sample_weight is None else validation.sample_weight[rows]
        return self._metric(Targets(validation.y[rows], targets.are_classes), weights)

    def _learn_out_of_fold(
        self,
        validation: Sequence[Part | None],
        targets: Targets,
        weights: NDArray[Any] | None,
    ) -> None:
        """Predict each row by the networks that it validated, and learn from that.

        One network has but some of the rows: these count for its calibration alone.
        """
        if not any(validation):
            return
        n_rows = targets.values.shape[0]
        outputs = np.zeros((n_rows, self._network_outputs), dtype=self._dtype)
        counts = np.zeros((n_rows, 1), dtype=np.uint16)
        for predictor, part in zip(self._predictors, validation, strict=True):
            if part is None:
                continue
            for some in parts(part.X, part.rows):
                outputs[some] += predictor.predict(part.X[some], n_threads(self.n_jobs))
            counts[part.rows] += 1
        known = counts[:, 0] > 0
        if self._calibrates(as_predicted=len(validation) == 1):
            self._calibrate(
                outputs[known] / counts[known],
                Targets(targets.values[known], targets.are_classes),
                None if weights is None else weights[known],
            )
        if len(validation) > 1:
            with np.errstate(invalid="ignore"):
                outputs /= counts
            self._keep_out_of_fold(outputs)

    def _importances(self, validation: Sequence[Part | None]) -> NDArray[np.float64]:
        """Mean over the networks of what shuffling a column costs on their validation rows."""
        groups = self._columns.encoded_by_column
        falls = []
        for member, predictor, part in zip(
            self._members, self._predictors, validation, strict=True
        ):
            if part is None:
                continue
            rows = slice(None) if part.rows is None else part.rows
            targets = Targets(part.y[rows], part.y.dtype.kind == "i")
            weights = None if part.sample_weight is None else part.sample_weight[rows]

            def score(
                X: NDArray[Any],
                predictor: Any = predictor,
                targets: Targets = targets,
                weights: NDArray[Any] | None = weights,
            ) -> float:
                return self._score_of(
                    predictor.predict(X, n_threads(self.n_jobs)), targets, weights
                )

            random_state = np.random.RandomState(member.network._engine.seed)
            falls.append(
                permutation_importances(np.array(part.X[rows]), groups, score, random_state)
            )
        if not falls:
            raise ValueError(
                "compute_importances needs validation rows: early_stopping=True and ten rows, or "
                "X_val and y_val"
            )
        mean: NDArray[np.float64] = np.mean(falls, axis=0)
        return mean

    def _announce_classes(self, classes: Any, y: Any, *, first: bool) -> None:
        """Learn classes that y may lack, or check that they are those learnt."""

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> None:
        """One epoch over the given rows; see the subclasses."""
        self._check_parameters()
        first = not self._is_trained
        with self._unchanged_on_error(in_place=not first):
            for name in _OF_ONE_FIT:
                self.__dict__.pop(name, None)
            X, y = self._table(X, y, reset=first, minimum=1)
            if classes is not None:
                self._announce_classes(classes, y, first=first)
            targets = self._encode_targets(y, reset=first and classes is None)
            weights = self._base_weights(y, sample_weight, X)
            if first:
                random_state = check_random_state(self.random_state)
                self._standardise(X, targets.values, None, weights)
                n_members = int(self._setting("n_estimators"))
                self._new_members(X, targets, weights, [None] * n_members, random_state)
            else:
                self._check_same_network(X.shape[1])
            self._see_targets(targets.values, weights)
            part = Part(X, self._scaled_targets(targets.values), weights)
            jobs = [
                Job(
                    member,
                    part,
                    None,
                    self._options(_one_epoch(member.recipe), part.n_rows)
                    | {
                        "seed": member.network._engine.seed,
                        "samples_seen": float(member.samples_seen),
                    },
                    number=number,
                )
                for number, member in enumerate(self._members)
            ]
            self._train(jobs, stacklevel=4)
            for member in self._members:
                member.samples_seen += X.shape[0]
            self._snapshot()

    @contextmanager
    def _unchanged_on_error(self, *, in_place: bool) -> Iterator[None]:
        """A failed call leaves the estimator as it was.

        With `in_place`, training goes on with the networks and optimisers there are, which are
        then put back from copies.
        """
        before = dict(self.__dict__)
        if in_place:
            before["_members"] = deepcopy(before["_members"])
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    # ---- parameters

    def _setting(self, name: str, number: int = 0, n_rows: int = 0) -> Any:
        """A parameter, or where it is "auto" what the preset sets for that network and table."""
        if self._is_auto(name):
            return self._preset(number, n_rows)[name]
        return getattr(self, name)

    def _is_auto(self, name: str) -> bool:
        value = getattr(self, name)
        return isinstance(value, str) and value == "auto"

    def _preset(self, number: int, n_rows: int) -> dict[str, Any]:
        classifies = is_classifier(self)
        return preset_settings(
            self.preset, self.solver, classifies=classifies, number=number, n_rows=n_rows
        )

    def _recipe(self, number: int, n_rows: int) -> Recipe:
        """What a network and its training are made of, every "auto" settled."""
        patience = self._setting("n_iter_no_change")
        return Recipe(
            hidden_layer_sizes=self._hidden_layer_sizes(),
            activation=self._activations(number),
            dropout=self._dropouts(number),
            numeric_embedding=self._setting("numeric_embedding", number, n_rows),
            sigma=self._preset(number, n_rows)["sigma"],
            preset=self.preset,
            n_rows=n_rows,
            learning_rate=self._setting("learning_rate"),
            learning_rate_init=float(self._setting("learning_rate_init", number)),
            beta_2=float(self._setting("beta_2")),
            weight_decay=float(self._setting("weight_decay", number)),
            max_iter=int(self._setting("max_iter", number, n_rows)),
            # "auto" in a preset: as many epochs as lie before the best, and 40
            n_iter_no_change=_PATIENCE if patience == "auto" else patience,
            patience_growth=1.0 if patience == "auto" else 0.0,
        )

    def _hidden_layer_sizes(self) -> tuple[int, ...]:
        sizes = self._setting("hidden_layer_sizes")
        return tuple(int(s) for s in ((sizes,) if isinstance(sizes, int | np.integer) else sizes))

    def _per_hidden_layer(self, name: str, kind: type, number: int = 0) -> tuple[Any, ...]:
        """One value for each hidden layer from a single value or a sequence of them."""
        value = self._setting(name, number)
        n_hidden = len(self._hidden_layer_sizes())
        if isinstance(value, kind):
            return (value,) * n_hidden
        if len(value) != n_hidden or not all(isinstance(v, kind) for v in value):
            raise ValueError(
                f"{name} must be one value or one for each of the {n_hidden} hidden layers; "
                f"got {value!r}"
            )
        return tuple(value)

    def _activations(self, number: int = 0) -> tuple[str, ...]:
        return self._per_hidden_layer("activation", str, number)

    def _dropouts(self, number: int = 0) -> tuple[float, ...]:
        return tuple(float(rate) for rate in self._per_hidden_layer("dropout", Real, number))

    def _callbacks(self) -> Sequence[Callback]:
        if self.callbacks is None:
            return ()
        return (self.callbacks,) if callable(self.callbacks) else tuple(self.callbacks)

    def _batch_size(self, recipe: Recipe, n_rows: int) -> int:
        if not self._is_auto("batch_size"):
            return int(min(self.batch_size, n_rows))
        if not recipe.tabular:
            return batch_size_for(n_rows)
        n_batches = max(1, round(n_rows / 256))
        return -(-n_rows // n_batches)  # so that none of them is much smaller than the others

    def _check_parameters(self) -> None:
        """Check what one parameter alone or two together must fulfil."""
        self._validate_params()
        check_metric(self.eval_metric)
        given = self._setting("hidden_layer_sizes")
        sizes = (given,) if isinstance(given, int | np.integer) else tuple(given)
        if any(not isinstance(s, Integral) or isinstance(s, bool) for s in sizes) or not all(
            1 <= s < _LARGEST for s in sizes
        ):
            raise ValueError(
                "hidden_layer_sizes must be positive integers below 2^62; got "
                f"{self.hidden_layer_sizes!r}"
            )
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
            isinstance(f, Real) and 0 <= float(f) < inf for f in factors
        ):
            raise ValueError(f"learning_rate_factors must be numbers >= 0; got {factors!r}")
        if self.n_jobs == 0:
            raise ValueError("n_jobs must not be 0; None and -1 use all cores")
        for callback in self._callbacks():
            if not callable(callback):
                raise TypeError(f"callbacks must be callable; got {callback!r}")

    # ---- input

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
        table = self._encoded(X, reset=reset)
        if table.shape[0] < minimum:
            raise ValueError(
                f"Found array with {table.shape[0]} sample(s) (shape={table.shape}) while a "
                f"minimum of {minimum} is required by {type(self).__name__}."
            )
        y = _check_y(y, multi_output=True, estimator=self)
        check_consistent_length(table, y)
        return table, y

    def _encoded(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """The table as numbers: with `reset` its columns are learnt, else they are those learnt."""
        _check_feature_names(self, X, reset=reset)
        if reset:
            self._columns = Columns(self.categorical_features)
            table = self._columns.fit_encode(X)
            self.n_features_in_ = self._columns.n_columns
            return engine_array(table)
        if len(getattr(X, "shape", ())) == 2:  # else `encode` says what is wrong, or counts itself
            _check_n_features(self, X, reset=False)
        return engine_array(self._columns.encode(X))

    def _validation_part(self, X: Any, y: Any, sample_weight: Any) -> Part:
        if np.ndim(y) == 0:
            raise ValueError(f"y_val must be 1-D or 2-D; got {y!r}")
        reject_dates(y, "y_val")
        y = check_array(y, ensure_2d=False, dtype=None, accept_sparse=True, input_name="y_val")
        try:
            table = self._encoded(X, reset=False)
        except (TypeError, ValueError) as error:
            raise type(error)(f"X_val: {error}") from error
        n_targets = _num_samples(y)
        if n_targets != table.shape[0]:
            raise ValueError(
                f"X_val and y_val must have the same number of rows; got {table.shape[0]} and "
                f"{n_targets}"
            )
        targets = self._encode_targets(y, reset=False, name="y_val")
        weights = self._base_weights(y, sample_weight, table, name="sample_weight_val")
        return Part(table, targets.values, weights)

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
        n_val = int(np.ceil(fraction * n_rows))
        none = [Split(None, given)] * n_members
        if given is not None or not self.early_stopping or n_rows < 10 or n_val >= n_rows:
            return none
        classes = targets.values.ravel() if targets.are_classes else None
        if n_members == 1:
            chosen = [held_out(n_rows, n_val, classes, random_state)]
        else:
            # Of more networks than folds the next have other folds.
            n_folds = max(2, -(-n_rows // n_val))
            chosen = []
            while len(chosen) < n_members:
                fold = folds(n_rows, n_folds, classes, random_state)
                chosen += [fold == number for number in range(n_folds)]
        rows = np.arange(n_rows, dtype=np.uint32)
        splits = []
        for mask in chosen[:n_members]:
            train, validation = rows[~mask], rows[mask]
            if weights is not None and not (weights[train].any() and weights[validation].any()):
                return none
            splits.append(Split(train, Part(X, targets.values, weights, validation)))
        return splits

    def _standardise(
        self,
        X: NDArray[Any],
        targets: NDArray[Any],
        rows: NDArray[Any] | None,
        weights: NDArray[Any] | None,
    ) -> None:
        """Learn centre and scale of inputs and targets from the training rows."""
        standardize = self._standardized = self._setting("standardize")
        n_numeric = self._columns.n_numeric
        self._scaling = Scaling(np.empty(0), np.empty(0), n_numeric)
        if standardize:
            self._scaling = learn_scaling(
                X, n_numeric, rows, weights, robust=standardize == "robust"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            self._standardise_targets(targets, rows, weights)

    # ---- networks

    def _new_members(
        self,
        X: NDArray[Any],
        targets: Targets,
        weights: NDArray[Any] | None,
        training_rows: Sequence[Rows | None],
        random_state: np.random.RandomState,
    ) -> None:
        """New networks, started from the rows that they will be trained on."""
        columns, inputs = self._columns, self._scaling.engine
        self._members: list[Member] = []
        self.out_activation_ = self._link
        for number, rows in enumerate(training_rows):
            recipe = self._recipe(number, X.shape[0])
            layers = network_layers(
                recipe,
                columns.n_numeric,
                columns.n_flags,
                columns.category_sizes,
                self._network_outputs,
            )
            network = Network(layers, dtype=self.dtype, random_state=random_state)
            if recipe.tabular:
                n_rows = X.shape[0] if rows is None else rows.size
                chosen: Any = random_state.randint(n_rows, size=min(n_rows, _START_ROWS))
                chosen = chosen.astype(np.uint32) if rows is None else rows[chosen]
                network._engine.initialise_from(X, chosen, inputs)
            self._initialise_output(network, targets.values, weights)
            options = self._optimizer_options(recipe, layers)
            self._members.append(
                Member(network, Optimizer(network, **options), recipe, number, options)
            )

    def _optimizer_options(self, recipe: Recipe, layers: Sequence[Layer]) -> dict[str, Any]:
        names = ("solver", "momentum", "nesterovs_momentum", "beta_1", "epsilon")
        given = self.learning_rate_factors
        return (
            {name: getattr(self, name) for name in names}
            | {"beta_2": recipe.beta_2, "weight_decay": recipe.weight_decay}
            | rate_factors(recipe, layers, given, self.solver)
        )

    def _check_same_network(self, n_inputs: int) -> None:
        """Check that training can go on; optimisers whose parameters changed start anew."""
        n_networks = self._dealt[0] if hasattr(self, "_dealt") else len(self._members)
        for name, was, becomes in (
            ("n_estimators", n_networks, self._setting("n_estimators")),
            ("standardize", self._standardized, self._setting("standardize")),
        ):
            if was != becomes:
                raise ValueError(
                    f"{name} was {was} when the network was made and cannot become {becomes} "
                    "while training goes on with it"
                )
        for member in self._members:
            before = member.recipe
            recipe = self._recipe(member.number, before.n_rows)
            made = {name: (getattr(before, name), getattr(recipe, name)) for name in MADE_OF}
            made["dtype"] = (member.network.dtype.name, self.dtype)
            for name, (was, becomes) in made.items():
                if was != becomes:
                    raise ValueError(
                        f"{name} was {was} when the network was made and cannot become {becomes} "
                        "while training goes on with it"
                    )
        if self._link != self.out_activation_:
            raise ValueError(
                f"the network to go on with was trained for outputs behind {self.out_activation_}; "
                f"loss now asks for {self._link}"
            )
        engine = self._members[0].network._engine
        if (engine.inputs, engine.outputs) != (n_inputs, self._network_outputs):
            raise ValueError(
                f"the network to go on with takes {engine.inputs} numbers and has {engine.outputs} "
                f"outputs; now there are {n_inputs} and {self._network_outputs}"
            )
        for member in self._members:
            member.recipe = self._recipe(member.number, member.recipe.n_rows)
            options = self._optimizer_options(member.recipe, member.network.layers)
            if options != member.optimizer_options:
                member.optimizer_options = options
                member.renew_optimizer()

    def _options(self, recipe: Recipe, n_rows: int) -> dict[str, Any]:
        """Options of the engine's loop over so many rows, but for seed, threads and time."""
        return {
            "loss": self._engine_loss,
            "delta": float(getattr(self, "delta", 1.0)),
            "quantiles": self._quantiles,
            "label_smoothing": float(getattr(self, "label_smoothing", 0.0)),
            "l1": float(self.alpha * self.l1_ratio),
            "l2": float(self.alpha * (1 - self.l1_ratio)),
            "max_grad_norm": float(self.max_grad_norm or 0.0),
            "learning_rate": recipe.learning_rate,
            "learning_rate_init": recipe.learning_rate_init,
            "power_t": float(self.power_t),
            "warmup_fraction": float(self.warmup_fraction),
            "max_iter": recipe.max_iter,
            "batch_size": self._batch_size(recipe, n_rows),
            "shuffle": bool(self.shuffle),
            "tol": float(self.tol),
            "n_iter_no_change": int(min(recipe.n_iter_no_change, _LARGEST)),
            "patience_growth": recipe.patience_growth,
            "early_stopping": bool(self.early_stopping),
            "anneals": recipe.tabular and recipe.learning_rate != "constant",
            "samples_seen": 0.0,
        }

    def _train(self, jobs: Sequence[Job], *, stacklevel: int) -> None:
        """Run the engine's loops and take down what they tell."""
        before = [job.member.history.n_iter for job in jobs]
        max_iter = jobs[0].options["max_iter"]
        progress = Progress(self.verbose, max_iter, self._callbacks(), len(jobs))
        limit = inf if self.time_limit is None else float(self.time_limit)
        start = time.perf_counter()
        try:
            train_all(jobs, self._scaling.engine, n_threads(self.n_jobs), progress, limit)
        finally:
            progress.close()
        self.fit_seconds_ = time.perf_counter() - start
        self._take_down(jobs, before, stacklevel + 1)

    def _take_down(self, jobs: Sequence[Job], before: Sequence[int], stacklevel: int) -> None:
        """Warn of what went wrong, keep the networks that can be used, and sum them up."""
        ran = [job for job in jobs if job.ran]
        diverged = [job for job in ran if job.member.history.stop_reason == "diverged"]
        lost = [job for job in diverged if job.member.history.best_iteration is None]
        if len(lost) == len(ran):
            raise ValueError(
                "training diverged: the loss or the weights are no longer finite. A smaller "
                f"learning_rate_init (now {jobs[0].options['learning_rate_init']}) or "
                "max_grad_norm=1 helps; so does standardize=True where inputs or targets are large."
            )
        for job in diverged:
            job.member.renew_optimizer()  # its moments are no longer finite
        if diverged:
            best = diverged[0].member.history.best_iteration
            warnings.warn(
                f"training diverged; the weights of epoch {best}, the best before, were kept"
                if len(jobs) == 1
                else f"training of {len(diverged)} of {len(jobs)} networks diverged; of "
                f"{len(diverged) - len(lost)} the best weights before were kept, {len(lost)} were "
                "left out",
                RuntimeWarning,
                stacklevel=stacklevel,
            )
        # Those that this call never came to may have been trained by another.
        kept = [job for job in jobs if job not in lost and job.member.history.n_iter > 0]
        if len(ran) < len(jobs) or any(
            job.member.history.stop_reason == "interrupted" for job in ran
        ):
            epochs = [job.member.history.n_iter for job in jobs]
            self._warn_of_interruption(jobs, kept if epochs != before else [], stacklevel)
        self._members = [job.member for job in kept or [job for job in ran if job not in lost][:1]]
        self._sum_up()

    def _warn_of_interruption(
        self, jobs: Sequence[Job], kept: Sequence[Job], stacklevel: int
    ) -> None:
        if not kept:
            what = "No epoch had ended: the weights are those that training began with."
        elif len(jobs) == 1:
            history = jobs[0].member.history
            what = f"The weights of epoch {history.best_iteration or history.n_iter} were kept."
        else:
            what = f"{len(kept)} of {len(jobs)} networks were kept, as far as they had come."
        warnings.warn(f"Training interrupted by user. {what}", stacklevel=stacklevel + 1)

    def _sum_up(self) -> None:
        """Set the attributes that tell what training was like, of all networks together."""
        histories = [member.history for member in self._members]
        self.histories_: list[History] = histories
        self.n_iter_ = max(history.n_iter for history in histories)
        self.loss_curve_ = _mean_curve([history.loss_curve for history in histories])
        validation = _mean_curve([history.validation_curve for history in histories])
        self.validation_curve_ = validation or None
        self.metric_curve_ = _mean_curve([history.metric_curve for history in histories]) or None
        longest = max(histories, key=lambda history: history.n_iter)
        self.learning_rate_curve_ = longest.learning_rate_curve
        best = [h.best_iteration for h in histories if h.best_iteration is not None]
        self.best_iteration_ = int(np.median(best)) if best else None
        self.best_loss_ = float(np.mean([history.best_loss for history in histories]))
        self.loss_ = float(
            np.mean([h.loss_curve[-1] if h.loss_curve else np.inf for h in histories])
        )
        reasons = [history.stop_reason for history in histories]
        self.stop_reason_ = max(reasons, key=reasons.count)
        self.t_ = max(member.optimizer._engine.steps for member in self._members)

    # ---- prediction

    def _snapshot(self) -> None:
        """Make immutable predictors of the networks as they are now."""
        inputs = self._scaling.engine
        self._predictors: list[Any] = []
        for member in self._members:
            single = member.network.dtype == np.float32
            predictor: Any = _core.PredictorF32 if single else _core.PredictorF64
            self._predictors.append(predictor(member.network._engine, inputs, self.out_activation_))

    def _predict_outputs(self, X: Any) -> NDArray[Any]:
        """Outputs behind the link function, the mean over the networks: (n_samples, outputs)."""
        check_is_fitted(self, "_predictors")
        return self._mean_outputs(self._encoded(X, reset=False))

    def _mean_outputs(self, table: NDArray[Any]) -> NDArray[Any]:
        threads = n_threads(self.n_jobs)
        outputs: NDArray[Any] = self._predictors[0].predict(table, threads)
        for predictor in self._predictors[1:]:
            outputs += predictor.predict(table, threads)
        if len(self._predictors) > 1:
            outputs /= len(self._predictors)
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_predictors", None)  # made anew from the networks
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_members" in self.__dict__:
            self._snapshot()

    def summary(self) -> str:
        """Tell what was fitted: columns and how each is treated, layers, parameters, training.

        Returns
        -------
        str
            Lines to print.
        """
        check_is_fitted(self, "_members")
        scaled = {"robust": "by median and quartiles", True: "by mean and deviation"}
        return summarise(
            f"{type(self).__name__}(preset={self._members[0].recipe.preset!r})",
            self._columns,
            self._members[0].network,
            self.histories_,
            scaled.get(self._standardized, "as it is"),
            self.fit_seconds_,
        )

    # ---- fitted attributes that the networks hold

    @property
    def networks_(self) -> list[Network]:
        """Copies of the networks: layers, parameters, forward passes."""
        check_is_fitted(self, "_members")
        return [deepcopy(member.network) for member in self._members]

    def _dense_parameters(self, kind: str) -> list[NDArray[Any]]:
        check_is_fitted(self, "_members")
        if len(self._members) > 1:
            raise AttributeError(
                f"coefs_ and intercepts_ are of one network, and here are {len(self._members)}; "
                "networks_ holds them, and n_estimators=1 fits one"
            )
        views = [values.view() for values in self._members[0].network.parameters_of(kind)]
        for view in views:
            view.flags.writeable = False  # the predictor holds copies
        return views

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """Weights of each dense layer, (inputs, outputs), of a single network."""
        return self._dense_parameters("weights")

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """Bias of each dense layer, (outputs,), of a single network."""
        return self._dense_parameters("bias")

    @property
    def n_layers_(self) -> int:
        """Number of layers of units, input and output included."""
        check_is_fitted(self, "_members")
        layers = self._members[0].network.layers
        return sum(isinstance(layer, Dense) for layer in layers) + 1

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_trained

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def _one_epoch(recipe: Recipe) -> Recipe:
    """The recipe of a call of partial_fit.

    A schedule over all steps makes no sense where nobody knows how many there will be.
    """
    unbounded = recipe.learning_rate in ("cosine", "one_cycle", "coslog4")
    return replace(
        recipe, max_iter=1, learning_rate="constant" if unbounded else recipe.learning_rate
    )


def _mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """Mean over the networks that were still in training, epoch by epoch."""
    epochs = ([value for value in epoch if value is not None] for epoch in zip_longest(*curves))
    return [sum(values) / len(values) for values in epochs]
