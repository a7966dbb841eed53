"""Final networks: trained on all rows, for the epochs and with the weights that validated ones
found.

Where later rows validate earlier ones, no validated network was trained on the last rows. So
validated networks only determine the number of epochs and the weight of each kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from fastmlp._user_warnings import warn
from fastmlp.ensemble.ensemble_trainer import EnsembleTrainer, Training
from fastmlp.ensemble.history import History
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.presets import MemberSpec, longer_spec
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import ALL_ROWS, Splits
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.prediction.link import Link


def with_final(splits: Splits, specs: Sequence[MemberSpec]) -> tuple[Splits, list[MemberSpec]]:
    """Validate each kind of network on every split, and then train networks on all rows.

    Parameters
    ----------
    splits : Splits
        The splits of one round.
    specs : sequence of MemberSpec
        The final networks.

    Returns
    -------
    splits : Splits
        The splits of the validated networks, followed by those of the final ones.
    specs : list of MemberSpec
        The networks that are validated.
    """
    kinds = dict.fromkeys(spec.kind for spec in specs)
    own = [replace(specs[0], kind=kind) for kind in kinds for _ in splits.each]
    validated = [replace(spec, index=index) for index, spec in enumerate(own)]
    each = splits.each * len(kinds) + [ALL_ROWS] * len(specs)
    return splits._replace(each=each), validated


def final_runs(
    new: NewNetworks,
    specs: Sequence[MemberSpec],
    validated: Sequence[TrainingRun],
    ensemble: WeightedEnsemble,
) -> list[TrainingRun]:
    """Make networks, and the runs that train them on all rows.

    Those of a kind are trained for the median of the best epochs of its validated networks, with
    the whole schedule. Kinds that do not count are left out.

    Parameters
    ----------
    new : NewNetworks
        Makes them; their splits are the last ones.
    specs : sequence of MemberSpec
        The final networks.
    validated : sequence of TrainingRun
    ensemble : WeightedEnsemble
        The validated networks, with their weights.
    """
    epochs = _best_epochs(validated)
    counts = _weight_of_kinds(ensemble)
    chosen = []
    for spec in specs:
        longer = longer_spec(spec, classifies=new.settings.classifies)
        kind = longer.kind if longer.kind in epochs else spec.kind
        if counts.get(kind, 0.0) > 0:
            chosen.append(replace(spec, kind=kind))
    return new.runs(chosen, epochs=epochs, first=len(new.splits) - len(specs))


def _best_epochs(runs: Sequence[TrainingRun]) -> dict[str, int]:
    """The median over the networks of each kind of the epoch whose weights were kept."""
    return {
        kind: max(1, round(median(one.best_iteration or one.n_iter for one in histories)))
        for kind, histories in _histories_of_kinds(runs).items()
    }


def _histories_of_kinds(runs: Sequence[TrainingRun]) -> dict[str, list[History]]:
    by_kind: dict[str, list[History]] = {}
    for run in runs:
        by_kind.setdefault(run.latest.recipe.spec.kind, []).append(run.latest.history)
    return by_kind


def _weight_of_kinds(ensemble: WeightedEnsemble) -> dict[str, float]:
    weights = dict.fromkeys(ensemble.kinds, 0.0)
    for member, weight in zip(ensemble.members, ensemble.weights.tolist(), strict=True):
        weights[member.recipe.spec.kind] += weight
    return weights


def trained_on_all_rows(
    validated: WeightedEnsemble,
    before: Sequence[TrainingRun],
    runs: Sequence[TrainingRun],
    trainer: EnsembleTrainer,
    link: Link,
) -> tuple[WeightedEnsemble, Training]:
    """Train the final networks; each kind counts as much as its validated networks do.

    Parameters
    ----------
    validated : WeightedEnsemble
    before : sequence of TrainingRun
        Runs of the validated networks, whose epochs the progress counts too.
    runs : sequence of TrainingRun
        See `final_runs`.
    trainer : EnsembleTrainer
    link : Link

    Returns
    -------
    ensemble : WeightedEnsemble
        The validated networks if Ctrl-C came before there were others.
    training : Training
        How the final networks were trained.
    """
    for run in before:
        trainer.progress.skip(run.options["max_iter"])
        trainer.progress.ended(run.stop_reason)
    try:
        training = trainer.train(runs, may_leave_out=True)
    except KeyboardInterrupt:
        warn(
            "Training interrupted by user before networks were trained on all rows. The validated "
            "networks were kept."
        )
        return validated, Training([], 0.0, is_whole=False)
    of_kind = _weight_of_kinds(validated)
    histories = _histories_of_kinds(before)
    members = [
        replace(one, history=one.history.validated_by(histories[one.recipe.spec.kind]))
        for one in (member.after_fit() for member in training.members)
    ]
    kinds = [member.recipe.spec.kind for member in members]
    weights = np.array([of_kind[kind] / kinds.count(kind) for kind in kinds])
    ensemble = WeightedEnsemble(members, trainer.scaling, link, weights / weights.sum())
    return ensemble, training


def share_of_validated(
    runs: Sequence[TrainingRun], settings: Settings, specs: Sequence[MemberSpec]
) -> float:
    """Share of all training that these runs are, if the specs are those of the final networks."""
    own = sum(run.n_rows * run.options["max_iter"] for run in runs)
    others = sum(spec.n_rows * settings.recipe(spec).max_iter for spec in specs)
    return float(own / (own + others))
