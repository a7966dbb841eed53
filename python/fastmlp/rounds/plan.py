"""Plan: what participants get before the first round, and the networks they make from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from numpy.random import RandomState
from sklearn.utils import check_random_state

from fastmlp.ensemble.member import Member
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import ALL_ROWS, RowSubset, Split, split_rows
from fastmlp.ensemble.training_run import runs_of_fit
from fastmlp.rounds.averaging import Average, weighted_mean
from fastmlp.rounds.coordinator import Coordinator
from fastmlp.rounds.options import AveragingOptions
from fastmlp.rounds.participant import HeldOutLoss, Participant
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.scaling import Scaling
from fastmlp.tasks import Task


class NetworksForRounds(NamedTuple):
    """Networks that participants are to train, and the scaling of the numbers that they read."""

    scaling: Scaling
    members: tuple[Member, ...]


def networks_for_rounds(
    data: RowSubset,
    n_rows: int,
    settings: Settings,
    encoder: DenseEncoder,
    task: Task,
    random_state: RandomState,
    *,
    held_out: bool,
) -> NetworksForRounds:
    """Make networks with initial weights for rows that represent the table.

    Parameters
    ----------
    data : RowSubset
        Rows that represent the table.
    n_rows : int
        Rows of the table, of all participants together.
    held_out : bool
        Whether participants hold out rows.
    """
    scaling = settings.learn_scaling(data.X, encoder.n_numeric, None, data.sample_weight)
    n_networks = settings.n_networks(n_rows)
    specs = settings.specs(n_networks, n_rows, held_out=held_out)
    splits = [ALL_ROWS] * n_networks
    new = NewNetworks(data, splits, None, settings, encoder, scaling, task, random_state)
    return NetworksForRounds(scaling, tuple(new.members(specs)))


@dataclass(frozen=True, eq=False)
class Plan:
    """What all participants get before the first round. Immutable, picklable.

    Attributes
    ----------
    estimator : str
        Name of the estimator, for messages.
    settings : Settings
        The parameters of the fit.
    encoder : DenseEncoder
        From raw rows to numbers.
    task : Task
        From y to targets.
    scaling : Scaling
        From encoded numbers to those that networks read.
    members : tuple of Member
        The networks, untrained, with their recipes.
    averaging : AveragingOptions
    seed : int
        Seed for the order of rows, the held-out rows and dropout; each participant derives its
        own from it.
    tells_losses : bool, default=True
        Whether participants hold out rows, and send losses, learning rates and the weight of their
        rows.
    """

    estimator: str
    settings: Settings
    encoder: DenseEncoder
    task: Task
    scaling: Scaling
    members: tuple[Member, ...]
    averaging: AveragingOptions
    seed: int
    tells_losses: bool = True

    @property
    def n_rounds(self) -> list[int]:
        """Rounds of each network, at most."""
        return [self.averaging.n_rounds(member.recipe) for member in self.members]

    def coordinators(self, average: Average = weighted_mean) -> list[Coordinator]:
        """A coordinator for each network."""
        return [
            Coordinator(
                member.network.parameters,
                self.averaging.rounds(member.recipe, self.settings, validates=self.tells_losses),
                network=network,
                average=average,
            )
            for network, member in enumerate(self.members)
        ]

    def participants(self, data: RowSubset, number: int) -> tuple[list[Participant], list[Split]]:
        """Make a participant for each network, and choose the rows that it holds out.

        Parameters
        ----------
        data : RowSubset
            The rows of the participant, encoded, with targets that are not scaled.
        number : int
            Number of the participant.
        """
        random_state = check_random_state((self.seed + number) % 2**32)
        splits = split_rows(
            data,
            self.task.strata(data.y),
            None,
            self.settings.held_out_fraction if self.tells_losses else None,
            len(self.members),
            random_state,
        ).each
        runs = runs_of_fit(
            self.members,
            range(len(self.members)),
            splits,
            data,
            settings=self.settings,
            task=self.task,
            random_state=random_state,
        )
        inputs = self.scaling.engine
        participants = [
            Participant(
                number,
                run,
                inputs,
                n_rounds=n_rounds,
                epochs=self.averaging.local_epochs,
                held_out=split.validation and HeldOutLoss(split.validation, self.task, inputs),
                tells_losses=self.tells_losses,
            )
            for run, n_rounds, split in zip(runs, self.n_rounds, splits, strict=True)
        ]
        return participants, splits
