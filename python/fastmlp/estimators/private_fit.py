"""A private fit: columns are learnt from public rows, and networks from noisy gradients."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fastmlp import privacy
from fastmlp._threads import n_threads
from fastmlp._user_warnings import warn
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out_learning import LearntFromHeldOut
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.presets import MemberSpec
from fastmlp.ensemble.private_training import PrivateRun
from fastmlp.ensemble.progress import Callback, Progress
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.estimators.checked_arguments import (
    check_given_targets,
    checked_targets,
    checked_weights,
    weights_by_class,
)
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.ways_of_fitting import PRIVATE
from fastmlp.privacy import Privacy, PrivacyGuarantee
from fastmlp.streaming.sources.recognition import is_stream
from fastmlp.table.column import ColumnKindError
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.feature_names import feature_names_of
from fastmlp.table.reading import read_table
from fastmlp.table.scaling import Scaling
from fastmlp.table.sparse import is_sparse
from fastmlp.table.training_range import TrainingRange
from fastmlp.tasks import RegressionTask, Task
from fastmlp.tasks.target_names import check_target_names, target_names_of

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP

# Numbers about as large as 1, for what is fitted to rows (bin edges) where there is no schema.
_MADE_UP = np.linspace(-2, 2, 33)


class _Columns(NamedTuple):
    """What is known of columns and targets before training, none of it from the rows."""

    encoder: DenseEncoder
    scaling: Scaling
    task: Task
    rows: RowSubset  # public or synthetic, encoded, with targets
    training_range: TrainingRange


def fit_privately(estimator: BaseMLP, given: FitArguments) -> FittedModel:
    """Fit an estimator with differential privacy."""
    wanted = Privacy.of(given.dp)
    PRIVATE.check_arguments(given)
    called = given.called_after(estimator.callbacks)
    X, y = given.X, given.y
    settings = estimator._settings(X, None)
    _check_supported(estimator, settings, X)
    check_given_targets(y, "y")
    if wanted.schema is None:
        columns = _unscaled_columns(estimator, settings, X, y)
    else:
        columns = _columns_of(estimator, settings, wanted.schema)
    data = _encoded(estimator, settings, columns, X, y, given.sample_weight)
    if wanted.delta >= 1 / data.n_rows:
        warn(
            f"dp has delta={wanted.delta:g} for {data.n_rows} rows: a model that publishes one row "
            "as it is has a delta of 1 / (number of rows). Choose a much smaller one"
        )
    random_state = check_random_state(estimator.random_state)
    n_networks = int(settings.of("n_estimators", _spec(0, data.n_rows)))
    members = _members(settings, columns, n_networks, data.n_rows, random_state)
    options = _options(settings, columns.task, members[0], data.n_rows, wanted)
    # A callback may stop for a reason that has to do with the rows, so the planned steps count.
    rate, n_steps = options["sampling_rate"], n_networks * options["n_steps"]
    noise = privacy.noise_multiplier(
        wanted.epsilon, delta=wanted.delta, n_steps=n_steps, sampling_rate=rate
    )
    epsilon = privacy.epsilon(noise, delta=wanted.delta, n_steps=n_steps, sampling_rate=rate)
    options["noise_multiplier"] = noise
    scaled = data._replace(y=columns.task.scale(data.y, members[0].network.dtype))
    runs = [
        PrivateRun(member, scaled, options, key, index)
        for index, (member, key) in enumerate(zip(members, _keys(wanted, n_networks), strict=True))
    ]
    trained = _train(estimator, runs, columns.scaling, called)
    ensemble = WeightedEnsemble(trained, columns.scaling, columns.task.link)
    return FittedModel.of_rows_elsewhere(
        LearntFromHeldOut(ensemble, columns.task),
        columns.encoder,
        columns.scaling,
        settings,
        columns.training_range,
        n_estimators=n_networks,
        fit_seconds=0.0,  # the time may reveal something about the rows
        privacy=PrivacyGuarantee(
            epsilon=epsilon,
            delta=wanted.delta,
            noise_multiplier=noise,
            max_grad_norm=float(wanted.max_grad_norm),
            sampling_rate=rate,
            n_steps=n_steps,
        ),
    )


def _check_supported(estimator: BaseMLP, settings: Settings, X: Any) -> None:
    """Raise for what would look at the rows without noise."""
    PRIVATE.check_parameters(estimator)
    for name in estimator._needs_held_out():
        raise ValueError(
            f"{name} is not supported with dp: it needs validation rows, which dp does not protect"
        )
    if not isinstance(estimator.loss, str):
        raise ValueError("loss must be a name with dp: a function might mix rows of a minibatch")
    if np.any(np.asarray(settings.of("dropout", _spec(0, 1))) != 0):
        raise ValueError(
            f"dropout must be 0 with dp; got {estimator.dropout!r}: the units that are left out "
            "for a row depend on the seed and the row's position in its minibatch, so one more row "
            "changes the gradients of others"
        )
    if estimator.get_params(deep=False).get("class_weight") == "balanced":
        raise ValueError(
            "class_weight must not be 'balanced' with dp: it counts the rows of each class. Pass a "
            "dict of weights"
        )
    if is_stream(X) or is_sparse(X):
        raise TypeError("dp needs a dense table in memory; X is a stream, or sparse")


def _columns_of(estimator: BaseMLP, settings: Settings, schema: tuple[Any, Any]) -> _Columns:
    """Learn the columns and targets from rows that may be public."""
    X, given = schema
    check_given_targets(given, "y of schema")
    encoder, rows = DenseEncoder.learn(X, estimator.categorical_features, name="X of schema")
    y = checked_targets(given, rows, 2, estimator)
    task, targets = estimator._new_task(y, settings)
    scaling = settings.learn_scaling(rows, encoder.n_numeric, None, None)
    task = task.scaled_to(targets, None, None, None).with_range_of(targets, None)
    task = task.with_target_names(target_names_of(given))
    nothing = TrainingRange.of_no_rows(encoder.n_numeric)
    data = RowSubset(rows, targets, None)
    return _Columns(encoder, scaling, task, data, nothing.widened(rows, None))


def _unscaled_columns(estimator: BaseMLP, settings: Settings, X: Any, y: Any) -> _Columns:
    """What is assumed of columns and targets: numbers about as large as 1, classes 0 and 1."""
    listed = estimator.categorical_features
    if not (isinstance(listed, str) and listed == "from_dtype"):
        raise ValueError(
            "categorical_features must be 'from_dtype' with dp, unless dp is a fastmlp.Privacy "
            "with a schema, which lists the categories"
        )
    n_columns = read_table(X, "X").n_columns
    encoder = DenseEncoder(feature_names_of(X), n_columns, n_columns)
    names = target_names_of(y)
    y = checked_targets(y, np.empty((len(y), 0)), 2, estimator)
    if estimator._classifies and not np.isin(y, (0, 1)).all():
        raise ValueError(
            "y must hold the classes 0 and 1 with dp, unless dp is a fastmlp.Privacy with a "
            "schema, which lists the classes"
        )
    task, _ = estimator._new_task(y, settings, [0, 1] if y.ndim == 1 else None)
    task = task.with_target_names(names)
    if isinstance(task, RegressionTask):
        # Only the shape of y was learnt, so its values have to be checked here.
        task = replace(task, clips=False, varied=np.ones_like(task.varied))
    table = np.tile(_MADE_UP[:, None], (1, n_columns))
    rows = RowSubset(table, _made_up_targets(task), None)
    scaling = Scaling(
        np.empty(0),
        np.empty(0),
        n_columns,
        clips=True,
        keeps_order=settings.monotonic_cst is not None,
    )
    return _Columns(encoder, scaling, task, rows, TrainingRange.of_no_rows(n_columns))


def _made_up_targets(task: Task) -> NDArray[Any]:
    """Targets of the synthetic rows: 1, so that counts begin at 1."""
    return np.ones((_MADE_UP.size, task.n_outputs))


def _encoded(
    estimator: BaseMLP, settings: Settings, columns: _Columns, X: Any, y: Any, sample_weight: Any
) -> RowSubset:
    """The training rows, by what is known of columns and targets."""
    name = type(estimator).__name__
    check_target_names(columns.task.target_names, y, "y")
    columns.encoder.check_features(X, name)
    try:
        table = columns.encoder.encode(X)
    except ColumnKindError as error:
        raise ValueError(
            f"{error}. With dp, columns must hold what they hold in the schema of fastmlp.Privacy, "
            "or numbers if there is no schema"
        ) from None
    y = checked_targets(y, table, 2, estimator)
    dtype = np.dtype(settings.dtype)
    targets = columns.task.encode(y, dtype)
    weights = checked_weights(sample_weight, table, dtype)
    return RowSubset(table, targets, weights_by_class(columns.task, y, weights, dtype))


def _spec(index: int, n_rows: int) -> MemberSpec:
    return MemberSpec(index, "private", n_rows)


def _members(
    settings: Settings,
    columns: _Columns,
    n_networks: int,
    n_rows: int,
    random_state: np.random.RandomState,
) -> list[Member]:
    """New networks; what their initial weights are fitted to is public."""
    new = NewNetworks(
        columns.rows,
        [Split(None, None)] * n_networks,
        None,
        settings,
        columns.encoder,
        columns.scaling,
        columns.task,
        random_state,
    )
    return new.members([_spec(index, n_rows) for index in range(n_networks)])


def _options(
    settings: Settings, task: Task, member: Member, n_rows: int, wanted: Privacy
) -> dict[str, Any]:
    """The engine's options of a private training, but not the noise."""
    options = settings.training_options(member.recipe, n_rows)
    rate = min(1.0, options["batch_size"] / n_rows)
    per_epoch = round(1 / rate)
    return (
        options
        | task.loss_options
        | settings.penalty(task.penalty_factor)
        | {
            "sampling_rate": rate,
            "n_steps": per_epoch * member.recipe.max_iter,
            "average_steps": per_epoch * member.recipe.average_epochs,
            "max_row_norm": float(wanted.max_grad_norm),
        }
    )


def _train(
    estimator: BaseMLP, runs: Sequence[PrivateRun], scaling: Scaling, callbacks: Sequence[Callback]
) -> list[Member]:
    """Train one network after the other."""
    progress = Progress(estimator.verbose, [run.n_epochs for run in runs], callbacks)
    try:
        members = [run.run(scaling.engine, n_threads(estimator.n_jobs), progress) for run in runs]
    finally:
        progress.close()
    if not all(np.isfinite(member.network._engine.flat()).all() for member in members):
        raise ValueError(
            "training diverged: the weights are no longer finite. A smaller learning_rate_init "
            f"(now {runs[0].options['learning_rate_init']}) helps"
        )
    return members


def _keys(wanted: Privacy, n_networks: int) -> list[bytes]:
    """A key of 32 random bytes for each network."""
    if wanted.noise_random_state is None:
        return [os.urandom(32) for _ in range(n_networks)]
    generator = np.random.default_rng(int(wanted.noise_random_state))
    return [generator.bytes(32) for _ in range(n_networks)]
