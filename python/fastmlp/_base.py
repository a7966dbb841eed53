"""What Regressor and Classifier share: fitting and prediction."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import zip_longest
from math import inf
from numbers import Integral
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
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

from fastmlp._columns import Columns, is_missing
from fastmlp._ensemble import Ensemble
from fastmlp._importance import permutation_importances
from fastmlp._knots import learn_knots
from fastmlp._network import Dense, Layer, Network, Optimizer, engine_array
from fastmlp._parameters import LARGEST, Parameters
from fastmlp._progress import Metric, Progress
from fastmlp._recipe import MADE_OF, Place, Recipe, kind_of, network_layers, rate_factors
from fastmlp._rows import Rows, n_folds_of, n_held_out, validation_parts
from fastmlp._scaling import Scaling, learn_scaling
from fastmlp._summary import summarise
from fastmlp._threads import n_threads
from fastmlp._training import History, Job, Member, Part, train_all

_START_ROWS = 1024  # that the initial weights are fitted to
_OF_ONE_FIT = ("oof_prediction_", "oof_decision_function_", "feature_importances_")


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
            raise TypeError(f"{name} must hold numbers; got dates or durations")


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


class BaseMLP(Parameters):
    """Base of the estimators. Holds no numerics: the engine does those."""

    _trained_on: tuple[Any, ...] | None  # how rows were held out, where that is known

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

    def _need_validation(self) -> list[str]:
        """Parameters in use that are of no use without validation rows."""
        metric = [] if self.eval_metric is None else ["eval_metric"]
        return metric + ["compute_importances"] * bool(self.compute_importances)

    def _calibrates(self, *, as_predicted: bool) -> bool:
        """Whether to learn from outputs for unseen rows.

        With `as_predicted` they are those of the whole model, else of one or two of its networks.
        """
        return False

    def _calibrate(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> None:
        """Learn from outputs behind the link for rows that no network was trained on."""

    @abstractmethod
    def _loss_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        """The loss of outputs behind the link, as predictions."""

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
            if X_val is None and not self.early_stopping:
                for name in self._need_validation():
                    raise ValueError(
                        f"{name} needs validation rows: early_stopping=True, or X_val and y_val"
                    )
            given = None
            if X_val is not None:
                given = self._validation_part(X_val, y_val, sample_weight_val)
            splits = self._splits(X, targets, weights, given, n_networks, random_state)
            if continues:
                splits = [splits[member.recipe.place.number] for member in self._members]
            else:
                # One network's own training rows; of several all, since each has others.
                rows = splits[0].train if n_networks == 1 else None
                self._standardise(X, targets.values, rows, weights)
            self._see_targets(targets.values, weights)
            scaled = self._scaled_targets(targets.values)
            if continues:
                self._check_same_network(X.shape[1])
            else:
                self._new_members(X, targets, weights, splits, rows, random_state)
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
            # What was held out from training before must be what is held out now.
            dealt = self._fingerprint(targets, given)
            unseen = not continues or dealt == self._trained_on
            self._trained_on = dealt if unseen else None
            if unseen or given is not None:
                self._learn_from_unseen(kept, given, targets, weights)
            if self.compute_importances:
                self.feature_importances_ = self._importances(kept)
        return self

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

    def _metric_on(self, validation: Part, targets: Targets) -> Metric | None:
        """`eval_metric` on a validation part whose targets are not yet scaled."""
        if self.eval_metric is None:
            return None
        rows = slice(None) if validation.rows is None else validation.rows
        weights = None if validation.sample_weight is None else validation.sample_weight[rows]
        return self._metric(Targets(validation.y[rows], targets.are_classes), weights)

    def _learn_from_unseen(
        self,
        validation: Sequence[Part | None],
        given: Part | None,
        targets: Targets,
        weights: NDArray[Any] | None,
    ) -> None:
        """Weigh and calibrate the networks by what they predict for rows that they have not seen.

        Those are the validation part that was given, or the rows that were held out from each. One
        network has but some of the rows held out: these count for its calibration alone.
        """
        threads = n_threads(self.n_jobs)
        out_of_fold = given is None and len(validation) > 1
        calibrates = self._calibrates(as_predicted=not out_of_fold)
        if not (any(validation) and (calibrates or out_of_fold or len(self._ensemble.kinds) > 1)):
            return
        if given is None:
            unseen = self._ensemble.predict_unseen(validation, targets.values.shape[0], threads)
        else:
            unseen = self._ensemble.predict_by_kind(given.X, threads)
            targets, weights = Targets(given.y, targets.are_classes), given.sample_weight

        def on(rows: NDArray[Any]) -> tuple[Targets, NDArray[Any] | None]:
            some = Targets(targets.values[rows], targets.are_classes)
            return some, None if weights is None else weights[rows]

        outputs = self._ensemble.weigh(
            unseen, lambda outputs, rows: self._loss_of(outputs, *on(rows)), weights
        )
        if calibrates:
            known = ~np.isnan(outputs[:, 0])
            self._calibrate(outputs[known], *on(known))
        if out_of_fold:
            self._keep_out_of_fold(outputs)

    def _importances(self, validation: Sequence[Part | None]) -> NDArray[np.float64]:
        """What shuffling a column costs networks on their validation rows, weighed as they are."""
        groups = self._columns.encoded_by_column
        falls, shares = [], []
        for member, predictor, share, part in zip(
            self._members,
            self._ensemble.predictors,
            self._ensemble.weights,
            validation,
            strict=True,
        ):
            if part is None or share == 0:
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
            shares.append(share)
        if not falls:
            raise ValueError(
                "compute_importances needs validation rows: early_stopping=True and ten rows, or "
                "X_val and y_val"
            )
        mean: NDArray[np.float64] = np.average(falls, axis=0, weights=shares)
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
                splits = [Split(None, None)] * int(self._setting("n_estimators"))
                self._new_members(X, targets, weights, splits, None, random_state)
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
            self._trained_on = None  # nothing is held out
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
        reject_missing(y, "y_val")
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
        none = [Split(None, given)] * n_members
        if given is not None or not self.early_stopping or n_rows < 10:
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
        splits: Sequence[Split],
        rows: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> None:
        """New networks, started from their own training rows; `rows` are those of them all."""
        columns, inputs = self._columns, self._scaling.engine
        self._members: list[Member] = []
        self.out_activation_ = self._link
        recipes = [self._recipe(place) for place in self._places(splits, X.shape[0])]
        knots: Sequence[Sequence[float]] = ()
        if any(recipe.embeds("piecewise_linear", columns.n_numeric) for recipe in recipes):
            knots = learn_knots(X, self._scaling, rows, weights)
        for (own, _), recipe in zip(splits, recipes, strict=True):
            layers = network_layers(
                recipe,
                knots,
                columns.n_numeric,
                columns.n_flags,
                columns.category_sizes,
                self._network_outputs,
            )
            network = Network(layers, dtype=self.dtype, random_state=random_state)
            if recipe.tabular:
                n_rows = X.shape[0] if own is None else own.size
                chosen: Any = random_state.randint(n_rows, size=min(n_rows, _START_ROWS))
                chosen = chosen.astype(np.uint32) if own is None else own[chosen]
                network._engine.initialise_from(X, chosen, inputs)
            self._initialise_output(network, targets.values, weights)
            options = self._optimizer_options(recipe, layers)
            self._members.append(Member(network, Optimizer(network, **options), recipe, options))

    def _places(self, splits: Sequence[Split], n_rows: int) -> list[Place]:
        """The places of new networks that are validated like this."""
        n_folds = 0
        if self.preset != "plain" and splits[0].validation is not None:
            n_folds = n_folds_of(n_rows, self._setting("validation_fraction"))
        n = len(splits)
        return [Place(number, kind_of(number, n, n_folds), n_rows) for number in range(n)]

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
            recipe = self._recipe(before.place)
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
            member.recipe = self._recipe(member.recipe.place)
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
            "n_iter_no_change": int(min(recipe.n_iter_no_change, LARGEST)),
            "patience_growth": recipe.patience_growth,
            "early_stopping": bool(self.early_stopping),
            "average_epochs": recipe.average_epochs,
            "anneals": recipe.tabular and recipe.learning_rate != "constant",
            "samples_seen": 0.0,
        }

    def _train(self, jobs: Sequence[Job], *, stacklevel: int) -> None:
        """Run the engine's loops and take down what they tell."""
        before = [job.member.history.n_iter for job in jobs]
        epochs = [job.options["max_iter"] for job in jobs]
        progress = Progress(self.verbose, epochs, self._callbacks())
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
        self._ensemble = Ensemble(self._members, self._scaling.engine, self.out_activation_)

    def _predict_outputs(self, X: Any) -> NDArray[Any]:
        """Outputs behind the link function, the mean over the networks: (n_samples, outputs)."""
        check_is_fitted(self, "_ensemble")
        return self._ensemble.predict(self._encoded(X, reset=False), n_threads(self.n_jobs))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_ensemble", None)  # made anew from the networks
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
            self._members,
            list(self._ensemble.weights),
            scaled.get(self._standardized, "as it is"),
            self.fit_seconds_,
        )

    # ---- fitted attributes that the networks hold

    @property
    def networks_(self) -> list[Network]:
        """Copies of the networks: layers, parameters, forward passes."""
        check_is_fitted(self, "_members")
        return [deepcopy(member.network) for member in self._members]

    @property
    def estimator_weights_(self) -> NDArray[np.float64]:
        """What each network weighs in the mean, together 1."""
        check_is_fitted(self, "_ensemble")
        return self._ensemble.weights

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
