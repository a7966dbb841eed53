"""Regressor and Classifier whose `fit` takes sites."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from fastmlp import estimators
from fastmlp._threads import n_threads
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out_learning import LearntFromHeldOut
from fastmlp.ensemble.progress import Callback, Progress
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.checked_arguments import check_given_targets, checked_targets
from fastmlp.estimators.parameters import checked_callbacks, checked_settings
from fastmlp.estimators.unknown_names import explains_keywords
from fastmlp.estimators.ways_of_fitting import FEDERATED
from fastmlp.federated.clipped_mean import ClippedMean
from fastmlp.federated.exchange import SiteExchange
from fastmlp.federated.options import FederationOptions
from fastmlp.federated.site import Site, sites_of
from fastmlp.federated.sketch import MergedTable
from fastmlp.rounds.averaging import Average, weighted_mean
from fastmlp.rounds.coordinator import Coordinator
from fastmlp.rounds.options import AveragingOptions
from fastmlp.rounds.plan import Plan, networks_for_rounds
from fastmlp.rounds.training import train_in_rounds, trained_members
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.training_range import TrainingRange
from fastmlp.tasks import Task
from fastmlp.tasks.target_names import target_names_of

if TYPE_CHECKING:
    from typing import Self

_REPRESENTATIVE_ROWS = (64, 8192)  # at least and at most, to start networks with


class _Columns(NamedTuple):
    """What is known about the columns before training."""

    encoder: DenseEncoder
    task: Task
    rows: RowSubset  # that represent the table, encoded, with targets
    n_rows: int  # that the recipe is for


class FederatedMLP(BaseMLP):
    """The `fit` of `fastmlp.federated.Regressor` and `Classifier`."""

    epsilon_: float

    @explains_keywords
    def fit(  # type: ignore[override]
        self,
        sites: Sequence[Site | tuple[Any, ...] | str | Path],
        y: str | None = None,
        *,
        sample_weight: str | None = None,
        schema: tuple[Any, Any] | None = None,
        local_epochs: float = 1.0,
        outer_rate: float = 1.0,
        outer_momentum: float = 0.0,
        site_fraction: float = 1.0,
        max_update_norm: float | None = None,
        noise_multiplier: float = 0.0,
        delta: float | None = None,
        noise_random_state: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> Self:
        """Train on the rows of all sites, which do not leave their sites.

        In each round, every site starts from the common parameters, trains for some epochs on its
        own rows, and returns its parameters. The next round starts from their mean, weighted by
        rows. The rounds make up `max_iter` epochs, unless the loss on held-out rows of the sites
        ends training early; the best parameters are kept.

        Without `schema` or noise, sites also send: 33 quantiles of each column of numbers, all
        labels of other columns with their counts, how many values are missing, the same of y, and
        the number of rows; in each round the losses on training rows and held-out rows.
        docs/federated.md says how to avoid this.

        After any exception the estimator is as it was before. A site that cannot be reached in a
        round (its `train` raises OSError or EOFError) is left out of that round; a warning at the
        end names such sites and rounds.

        Parameters
        ----------
        sites : sequence of Site, (X, y), (X, y, sample_weight) or path
            Objects with the methods of `fastmlp.federated.Site`, which may stand for rows
            elsewhere; or tables in memory, or files that pyarrow reads (Parquet, CSV, folders of
            them), for simulations.
        y, sample_weight : str or None, default=None
            Names of the target column and of the weights, of sites that are files.
        schema : (X, y) or None, default=None
            Rows that may be public: synthetic, or published before. Columns, categories, classes,
            the scales of the columns and of the target, the range of predictions and the sizes that
            are "auto" are learnt from them, and sites send nothing about their columns.
        local_epochs : float, default=1.0
            Epochs of a round at each site. More epochs save messages, but the sites drift apart,
            the more so the less alike their rows are.
        outer_rate, outer_momentum : float, default=1.0 and 0.0
            Rate and Nesterov momentum of the steps towards the mean of the sites. The defaults are
            FedAvg ([1]_); 0.7 and 0.9 are those of DiLoCo ([2]_), for rounds of many epochs or
            steps.
        site_fraction : float, default=1.0
            Probability with which a site is asked in a round, independently of the others. Below 1,
            epsilon is lower as long as nobody learns which sites were asked; this needs hundreds of
            sites.
        max_update_norm : float or None, default=None
            Each site's change of a network's parameters is scaled down to this L2 norm. None: no
            limit.
        noise_multiplier : float, default=0.0
            Standard deviation of the normal noise that the coordinator adds to the sum of the
            changes, as a multiple of `max_update_norm` ([3]_). Then `schema`, `max_update_norm` and
            `delta` must be given, every site has the same weight, and sites send no losses, so no
            rows are held out and training does not stop early. `epsilon_` bounds what the model
            reveals about whether a site took part; the coordinator itself sees each update.
        delta : float or None, default=None
            The delta for which `epsilon_` is computed, in (0, 1); well below 1 / (number of sites).
        noise_random_state : int or None, default=None
            None: noise, and the choice of sites, from the operating system's cryptographic random
            numbers. A number makes them reproducible, for tests only: whoever knows it can subtract
            the noise.
        callbacks : callable, sequence of callables or None, default=None
            Called with an EpochRecord after each round, of each network.

        Returns
        -------
        self
            The fitted estimator. `epsilon_` is infinite without noise; with noise it is that of all
            rounds that were planned, also if a callback or Ctrl-C ended training.

        Raises
        ------
        ValueError, TypeError
            If an argument or parameter is invalid, or sites differ in their columns;
            messages name the site. Parameters that need all rows in one place are errors: functions
            as `loss`, `eval_metric`, `compute_importances`, ``calibrate=True``,
            ``extrapolation="linear"``, ``learning_rate="adaptive"``, `warm_start`, `init_model` and
            `time_limit`.
        ConnectionError
            If no site answers.
        ImportError
            If noise is asked for without ``pip install "fastmlp[privacy]"``.

        References
        ----------
        .. [1] McMahan et al. 2017, "Communication-efficient learning of deep networks from
           decentralized data", https://arxiv.org/abs/1602.05629
        .. [2] Douillard et al. 2023, "DiLoCo: distributed low-communication training of language
           models", https://arxiv.org/abs/2311.08105
        .. [3] McMahan et al. 2018, "Learning differentially private recurrent language models",
           https://arxiv.org/abs/1710.06963
        """
        averaging = AveragingOptions(local_epochs, outer_rate, outer_momentum)
        options = FederationOptions(site_fraction, max_update_norm, noise_multiplier, delta)
        settings = checked_settings(self)
        self._check_federated(options, schema)
        called = [*checked_callbacks(self.callbacks), *checked_callbacks(callbacks)]
        known = sites_of(sites, y, sample_weight, 1)
        random_state = check_random_state(self.random_state)
        random: Random = SystemRandom()
        if not options.is_private:
            random = Random(random_state.randint(2**31))
        elif noise_random_state is not None:
            random = Random(noise_random_state)
        start = time.perf_counter()
        with SiteExchange(
            known, n_threads(self.n_jobs), fraction=site_fraction, random=random
        ) as exchange:
            columns = self._columns(exchange, settings, schema, random_state)
            plan = _plan(self, columns, settings, averaging, options.is_private, random_state)
            # Of all rounds: if training ends early, that may depend on what was learnt.
            epsilon = options.epsilon(max(plan.n_rounds), len(plan.members))
            exchange.prepare(plan)
            coordinators = plan.coordinators(_average(options, len(known), noise_random_state))
            progress = Progress(self.verbose, plan.n_rounds, called, plan.task.shown_error)
            train_in_rounds(coordinators, exchange.train, progress)
        exchange.warn_of_missed()
        seconds = time.perf_counter() - start
        self._model = _fitted(columns, plan, coordinators, seconds)
        self.epsilon_ = epsilon
        return self

    def _check_federated(self, options: FederationOptions, schema: Any) -> None:
        """Raise for parameters that need the rows in one place."""
        FEDERATED.check_parameters(self)
        if not isinstance(self.loss, str):
            raise ValueError(
                "loss must be a name in federated training: a site does not run functions that "
                "others send"
            )
        for name in self._needs_held_out():
            raise ValueError(f"{name} needs all rows in one place, but rows stay at their sites")
        if schema is not None and not (isinstance(schema, tuple) and len(schema) == 2):
            raise TypeError(f"schema must be a tuple (X, y); got {type(schema).__name__}")
        if options.is_private and schema is None:
            raise ValueError(
                "noise_multiplier needs schema, rows that may be public: without schema, sites "
                "send statistics of their columns, which have no noise"
            )

    def _columns(
        self,
        exchange: SiteExchange,
        settings: Settings,
        schema: tuple[Any, Any] | None,
        random_state: np.random.RandomState,
    ) -> _Columns:
        """Learn the columns from the sketches of all sites, or from public rows."""
        names = None
        if schema is None:
            sketches = exchange.sketches(self.categorical_features, classifies=self._classifies)
            n_rows = sum(sketch.n_rows for sketch in sketches)
            least, most = _REPRESENTATIVE_ROWS
            merged = MergedTable.of(sketches, min(max(n_rows, least), most), random_state)
            encoder, rows, y = merged.encoder, merged.rows, merged.y
        else:
            X, given = schema
            check_given_targets(given, "y of schema")
            encoder, rows = DenseEncoder.learn(X, self.categorical_features, name="X of schema")
            y, names = checked_targets(given, rows, 2, self), target_names_of(given)
            n_rows = len(y)
        task, targets = self._new_task(y, settings)
        task = task.with_target_names(names)
        return _Columns(encoder, task.balanced_by(y, None), RowSubset(rows, targets, None), n_rows)


class Regressor(FederatedMLP, estimators.Regressor):
    """`fastmlp.Regressor`, trained on rows that never leave their sites.

    Its parameters, and all of its methods except `fit`, are those of `fastmlp.Regressor`. The
    networks of the ensemble have equal weights, because weights would have to be learnt from rows
    in one place. It is saved and loaded as a `fastmlp.Regressor`.

    Attributes
    ----------
    epsilon_ : float
        Of (epsilon, delta)-differential privacy; infinite without noise.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from fastmlp import federated
    >>> X, y = load_diabetes(return_X_y=True)
    >>> hospitals = [(X[k::3], y[k::3]) for k in range(3)]
    >>> model = federated.Regressor(preset="fast", n_estimators=1, random_state=0)
    >>> model.fit(hospitals, local_epochs=2).score(X, y) > 0.4
    True
    """


class Classifier(FederatedMLP, estimators.Classifier):
    """`fastmlp.Classifier`, trained on rows that never leave their sites.

    Its parameters, and all of its methods except `fit`, are those of `fastmlp.Classifier`. The
    networks of the ensemble have equal weights and probabilities are not calibrated, because both
    would have to be learnt from rows in one place. It is saved and loaded as a
    `fastmlp.Classifier`.

    Attributes
    ----------
    epsilon_ : float
        Of (epsilon, delta)-differential privacy; infinite without noise.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from fastmlp import federated
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> hospitals = [(X[k::5], y[k::5]) for k in range(5)]
    >>> model = federated.Classifier(preset="fast", n_estimators=1, random_state=0)
    >>> model.fit(hospitals, local_epochs=4).score(X, y) > 0.95
    True
    """


def _plan(
    estimator: BaseMLP,
    columns: _Columns,
    settings: Settings,
    averaging: AveragingOptions,
    is_private: bool,
    random_state: np.random.RandomState,
) -> Plan:
    """Make the networks, with initial weights for the rows that represent the table."""
    data, encoder = columns.rows, columns.encoder
    task = columns.task.scaled_to(data.y, None, None, None).with_range_of(data.y, None)
    held_out = settings.early_stopping and not is_private
    new = networks_for_rounds(
        data, columns.n_rows, settings, encoder, task, random_state, held_out=held_out
    )
    return Plan(
        estimator=type(estimator).__name__,
        settings=settings,
        encoder=encoder,
        task=task,
        scaling=new.scaling,
        members=new.members,
        averaging=averaging,
        seed=random_state.randint(2**31),
        tells_losses=not is_private,
    )


def _average(options: FederationOptions, n_sites: int, noise_random_state: int | None) -> Average:
    """How sites are averaged."""
    if options.max_update_norm is None:
        return weighted_mean
    return ClippedMean(
        options.max_update_norm,
        options.noise_multiplier,
        n_sites * options.site_fraction,
        None if noise_random_state is None else np.random.default_rng(noise_random_state),
    )


def _fitted(
    columns: _Columns, plan: Plan, coordinators: Sequence[Coordinator], seconds: float
) -> FittedModel:
    """The model with the parameters that training ended with."""
    members = trained_members(plan.members, coordinators, seconds)
    nothing = TrainingRange.of_no_rows(columns.encoder.n_numeric)
    seen = replace(nothing.widened(columns.rows.X, None), n_rows=columns.n_rows)
    return FittedModel.of_rows_elsewhere(
        LearntFromHeldOut(WeightedEnsemble(members, plan.scaling, plan.task.link), plan.task),
        columns.encoder,
        plan.scaling,
        plan.settings,
        seen,
        n_estimators=len(plan.members),
        fit_seconds=seconds,
    )
