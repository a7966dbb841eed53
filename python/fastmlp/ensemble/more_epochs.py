"""Whether the later networks of an ensemble are trained longer, by what the first ones gained."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from fastmlp.ensemble.member import Member
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.presets import longer_spec
from fastmlp.ensemble.training_run import TrainingRun

# The cycles of the schedule double in length: three of them take 7/15 of the epochs, the fourth one
# the others. So the loss after each shows what twice the epochs gain.
_THREE_CYCLES = 7 / 15

# Share of the loss that must be gained. With half of it classification was worse, with 1.5 times
# as much nothing was gained in classification (docs/tabular.md).
LEAST_GAIN = 0.1
# Weights that must keep their sign learn more slowly (docs/constraints.md).
_LEAST_MONOTONE_GAIN = 0.03


def first_round(runs: Sequence[TrainingRun]) -> int:
    """Return the number of networks before the first one of another kind."""
    kind = runs[0].member.recipe.spec.kind
    return len(list(takewhile(lambda run: run.member.recipe.spec.kind == kind, runs)))


def gain_of_last_cycle(members: Sequence[Member]) -> float:
    """Share of the validation loss by which the last cycle of the schedule lowered it.

    The loss, not `eval_metric`, whose scale is not known. If a time limit shortened the schedule,
    its cycles ended earlier, and the gain is underestimated: then nothing is trained longer.
    """
    before = after = 0.0
    for member in members:
        n_epochs = member.recipe.max_iter
        curve = member.history.validation_curve[:n_epochs]  # a warm start may have added others
        if not curve:  # it diverged
            continue
        before += min(curve[: max(1, round(_THREE_CYCLES * n_epochs))])
        after += min(curve)
    return 1 - after / before if before > 0 else 0.0


def longer_runs(
    new: NewNetworks, trained: Sequence[TrainingRun], others: Sequence[TrainingRun]
) -> list[TrainingRun]:
    """Return the remaining runs: networks of the second kind may be replaced by long ones.

    Parameters
    ----------
    new : NewNetworks
        Makes them.
    trained, others : sequence of TrainingRun
        The first round, and what was planned to follow.
    """
    least = LEAST_GAIN if new.settings.monotonic_cst is None else _LEAST_MONOTONE_GAIN
    if not gain_of_last_cycle([run.latest for run in trained]) >= least:  # which NaN is not
        return list(others)
    runs = []
    for run in others:
        spec = run.member.recipe.spec
        longer = longer_spec(spec, classifies=new.settings.classifies)
        runs += [run] if longer == spec else new.runs([longer])
    return runs
