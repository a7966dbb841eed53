"""Growth: networks that are added to a fitted model, whose own networks do not change."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice

from fastmlp.ensemble.encoded_table import EncodedTable
from fastmlp.ensemble.fit_plan import FitPlan
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.more_epochs import LEAST_GAIN, gain_of_last_cycle
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.presets import MemberSpec, longer_spec
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import AssignedRows, Splits, fingerprint
from fastmlp.table.rows import Digest


class Growth:
    """Which networks join a fitted model until it has as many as the settings ask for.

    Parameters
    ----------
    model : FittedModel
    settings : Settings

    Attributes
    ----------
    assignment : AssignmentSeed
        From what rows are assigned to all networks; existing networks keep their rows.
    indices : list of int
        Indices of the new networks: the lowest that no existing network has.

    Raises
    ------
    ValueError
        If it is not known how rows were assigned to the existing networks.
    """

    def __init__(self, model: FittedModel, settings: Settings) -> None:
        if model.assignment is None or model.fingerprint is None:
            why = (
                "several networks, or to one that was fitted with warm_start=True and X_val"
                if model.n_estimators == 1
                else "those of a fit whose rows are known. These were trained on others too, by a "
                "warm start on other rows, by partial_fit, with time, on a stream, or by an older "
                "version of fastmlp"
            )
            raise ValueError(
                f"n_estimators was {model.n_estimators}, and networks can be added only to {why}"
            )
        self._model, self._settings = model, settings
        taken = {member.recipe.spec.index for member in model.members}
        free = (index for index in count() if index not in taken)
        n_networks = settings.n_networks(model.n_rows)
        self.indices = list(islice(free, n_networks - len(taken)))
        n_assigned = max(model.assignment.n_networks, self.indices[-1] + 1)
        self.assignment = replace(model.assignment, n_networks=n_assigned)

    def check_rows(self, table: EncodedTable, rows: Digest, splits: Splits) -> None:
        """Raise unless the existing networks had the same rows, and held out the same ones.

        Only then is each network weighed and calibrated on rows that it was not trained on.

        Parameters
        ----------
        table : EncodedTable
        rows : Digest
            Digest of the table's rows; see `fastmlp.ensemble.splits.digest_of_rows`.
        splits : Splits
            The splits of all networks.
        """
        assert self._model.assignment is not None
        n_before = self._model.assignment.n_networks
        known = fingerprint(rows, splits.each[:n_before])
        if table.is_cross_fitted and known == self._model.fingerprint:
            return
        advice = (
            "A single network holds out another part of the rows than several do: pass X_val, or "
            "begin with n_estimators=2"
            if n_before == 1
            else "Pass the same X and y (and groups, or cv), and do not change what is held out"
        )
        raise ValueError(
            f"n_estimators was {self._model.n_estimators}, and networks can be added only on the "
            f"rows that these were trained on. {advice}"
        )

    def plan(self, table: EncodedTable, rows: AssignedRows) -> FitPlan:
        """Plan a fit that trains the new networks alone."""
        model, scaling, splits = self._model, self._model.scaling, rows.splits
        # As in scikit-learn's forests: new networks must not begin as the existing ones did.
        rows.random_state.randint(2**31 - 1, size=len(model.members))
        new = NewNetworks(
            table.data,
            splits.each,
            splits.rows_of_all,
            self._settings,
            table.encoder,
            scaling,
            table.task,
            rows.random_state,
            eval_sets=table.eval_sets,
        )
        added = enumerate(new.runs(self._specs(splits)))
        runs = [replace(run, index=position) for position, run in added]
        return FitPlan(runs, scaling, table.task, splits.each, kept=model.members)

    def _specs(self, splits: Splits) -> list[MemberSpec]:
        """The new networks, each of the kind that it would have in a fit of all networks."""
        settings, members = self._settings, self._model.members
        planned = settings.specs(
            self.assignment.n_networks,
            self._model.n_rows,
            held_out=splits.each[0].validation is not None,
            n_folds=splits.n_folds,
        )
        specs = [planned[index] for index in self.indices]
        kinds = {member.recipe.spec.kind for member in members}
        if "balanced" in kinds:  # which are not weighed against others
            return [replace(spec, kind="balanced") for spec in specs]
        if settings.adapts(planned) and len(kinds) == 1:  # a first round, which decides now
            are_long = gain_of_last_cycle(members) >= LEAST_GAIN
        else:
            are_long = "long" in kinds
        if not are_long:
            return specs
        return [longer_spec(spec, classifies=settings.classifies) for spec in specs]
