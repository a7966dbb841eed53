"""FitPlan: the networks that a fit trains, new ones or those of a model that is trained further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastmlp.ensemble.encoded_table import EncodedTable
from fastmlp.ensemble.ensemble_trainer import Replan, Training
from fastmlp.ensemble.final_networks import with_final
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.more_epochs import longer_runs
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.presets import MemberSpec
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import AssignedRows, RowSubset, Split
from fastmlp.ensemble.state_keeper import StateKeeper
from fastmlp.ensemble.training_run import TrainingRun, runs_of_fit
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.table.scaling import Scaling
from fastmlp.tasks import Task


@dataclass(frozen=True, eq=False)
class FitPlan:
    """The networks that a fit trains, and how they are combined afterwards.

    Attributes
    ----------
    runs : list of TrainingRun
    scaling : Scaling
    task : Task
    splits : sequence of Split
        The split of each network, at the index in its recipe.
    kept : sequence of Member
        Networks of an earlier fit, which are not trained further.
    weighed : WeightedEnsemble or None
        The networks that are trained further. They keep their weights, unless new ones are learnt
        from held-out rows.
    longer : callable or None
        Chooses after the first round how the other networks are trained.
    new : NewNetworks or None
        Makes the final networks.
    final : sequence of MemberSpec
        Those that are trained on all rows, once others have been validated.
    """

    runs: list[TrainingRun]
    scaling: Scaling
    task: Task
    splits: Sequence[Split]
    kept: Sequence[Member] = ()
    weighed: WeightedEnsemble | None = None
    longer: Replan | None = None
    new: NewNetworks | None = None
    final: Sequence[MemberSpec] = ()

    @property
    def may_leave_out(self) -> bool:
        """Whether networks may be left out for want of time: not if they were trained before."""
        return self.weighed is None

    def ensemble_of(self, training: Training) -> WeightedEnsemble:
        """The networks that were not trained, followed by those that were."""
        members = [*self.kept, *(member.after_fit() for member in training.members)]
        weights = None if self.weighed is None else training.weights_of(self.weighed)
        return WeightedEnsemble(members, self.scaling, self.task.link, weights)

    def validation_of(self, ensemble: WeightedEnsemble) -> list[RowSubset | None]:
        """The validation rows of each network."""
        return [self.splits[member.recipe.spec.index].validation for member in ensemble.members]


def plan_of_new_networks(
    table: EncodedTable, rows: AssignedRows, settings: Settings, keeper: StateKeeper | None
) -> FitPlan:
    """Plan a fit that makes its networks."""
    splits = rows.splits
    specs = final = settings.specs(
        rows.assignment.n_networks,
        table.data.n_rows,
        held_out=splits.each[0].validation is not None,
        n_folds=splits.n_folds if splits.are_folds else None,
    )
    if not splits.are_folds:
        splits, specs = with_final(splits, final)
    new = NewNetworks.scaled_to(
        table.data,
        splits.each,
        splits.rows_of_all,
        settings,
        table.encoder,
        table.task,
        rows.random_state,
        keeper,
        table.eval_sets,
    )
    return FitPlan(
        runs=new.runs(specs),
        scaling=new.scaling,
        task=new.task,
        splits=splits.each,
        longer=partial(longer_runs, new) if settings.adapts(specs) else None,
        new=new,
        final=() if splits.are_folds else final,
    )


def plan_of_going_on(
    before: FittedModel, table: EncodedTable, rows: AssignedRows, settings: Settings
) -> FitPlan:
    """Plan a fit that trains copies of all networks of a model further."""
    splits = rows.splits.each
    scaling, task, members = before.continued(table.data, settings, table.task)
    runs = runs_of_fit(
        members,
        range(len(members)),
        [splits[member.recipe.spec.index] for member in members],
        table.data,
        settings=settings,
        task=task,
        random_state=rows.random_state,
        eval_sets=table.eval_sets,
    )
    return FitPlan(runs, scaling, task, splits, weighed=before.ensemble)
