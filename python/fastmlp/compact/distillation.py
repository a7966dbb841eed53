"""Distillation: a network is trained on what a model predicts.

The targets are the model's outputs, for classes its probabilities (Buciluǎ, Caruana &
Niculescu-Mizil 2006, https://doi.org/10.1145/1150402.1150464; Hinton, Vinyals & Dean 2015,
https://arxiv.org/abs/1503.02531). They have no noise to fit, so no rows are held out and the
network is trained for longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastmlp.compact.network_inputs import network_inputs
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.ensemble_trainer import EnsembleTrainer
from fastmlp.ensemble.evaluation import Evaluation
from fastmlp.ensemble.executor import LocalThreads
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.presets import MemberSpec
from fastmlp.ensemble.progress import Callback, Progress
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.prediction.link import Link
from fastmlp.table.training_range import RangeWatch

# Of each inverse link, the loss that is least where a network's outputs are the model's.
_LOSSES = {
    "identity": "squared_error",
    "exponential": "poisson",
    "logistic": "binary_cross_entropy",
    "softmax": "cross_entropy",
}
_PENALTY_FACTORS = {"squared_error": 2.0}  # see Task.penalty_factor
_LONGER = 4  # times the epochs on labels; on sparse rows more of them gain nothing


def distil(
    teacher: FittedModel,
    X: Any,
    settings: Settings,
    *,
    longer: bool,
    estimator: str,
    random_state: np.random.RandomState,
    n_threads: int,
    verbose: int,
    callbacks: Sequence[Callback],
) -> FittedModel:
    """Train one network on what a model predicts.

    Parameters
    ----------
    teacher : FittedModel
    X : array-like, frame or sparse matrix of shape (n_rows, n_columns)
        A raw table.
    settings : Settings
        Settings of the network. It is of the kind that weighs most among the teacher's.
    longer : bool
        Whether to train for more epochs than these settings say.
    estimator : str
        Name of the estimator in messages.
    random_state : RandomState
    n_threads, verbose : int
    callbacks : sequence of callable

    Returns
    -------
    FittedModel
        With the teacher's encoder, scaling, task and linear part.
    """
    loss = _loss_of(teacher.task.link)
    deadline = Deadline.after(settings.time_limit)
    encoder, scaling, task = teacher.encoder, teacher.scaling, teacher.task
    table, offset = network_inputs(teacher, X, estimator)
    data = RowSubset(table, teacher.ensemble.predict(table, n_threads, offset), None, None, offset)
    spec = replace(_kind(teacher), index=0, n_rows=data.n_rows)
    dtype: Any = teacher.dtype.name
    settings = replace(settings, early_stopping=False, dtype=dtype)
    if longer and not encoder.is_sparse:
        settings = replace(settings, max_iter=_LONGER * settings.recipe(spec).max_iter)
    new = NewNetworks(
        data, [Split(None, None)], None, settings, encoder, scaling, task, random_state
    )
    (member,) = new.members([spec])
    options = {
        **settings.training_options(member.recipe, data.n_rows),
        **settings.penalty(_PENALTY_FACTORS.get(loss, 1.0)),
        "loss": loss,
        "seed": int(random_state.randint(np.iinfo(np.int32).max)),
    }
    run = TrainingRun(member, data, None, options, Evaluation(), 0, data.n_rows)
    progress = Progress(verbose, [options["max_iter"]], callbacks)
    trainer = EnsembleTrainer(scaling, LocalThreads(n_threads), progress, deadline)
    training = trainer.train([run], may_leave_out=False)
    trained = [member.after_fit() for member in training.members]
    return FittedModel(
        encoder=encoder,
        scaling=scaling,
        task=task,
        ensemble=WeightedEnsemble(trained, scaling, task.link),
        linear=teacher.linear,
        watch=RangeWatch(teacher.watch.training_range),
        standardize=teacher.standardize,
        n_estimators=1,
        assignment=None,
        fingerprint=None,
        fit_seconds=training.seconds,
    )


def _loss_of(link: Link) -> str:
    """The loss for outputs after an inverse link."""
    if link.name not in _LOSSES or link.heads:
        what = "several columns of labels" if link.heads else f"the link {link.name!r}"
        raise ValueError(f"distilled is not supported for models with {what}")
    return _LOSSES[link.name]


def _kind(teacher: FittedModel) -> MemberSpec:
    """A network of the kind that weighs most, without more epochs than usual."""
    heaviest = teacher.members[int(np.argmax(teacher.ensemble.weights))].recipe.spec
    # Those are networks of the first kind with more epochs.
    return teacher.members[0].recipe.spec if heaviest.kind == "long" else heaviest
