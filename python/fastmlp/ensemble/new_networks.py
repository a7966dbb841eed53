"""NewNetworks: makes the networks of an ensemble, and the runs that train them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastmlp.ensemble.constrained_units import warn_of_many_groups
from fastmlp.ensemble.constraints import Constraints
from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.presets import MemberSpec, shrinks_vectors
from fastmlp.ensemble.recipe import network_layers
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.ensemble.state_keeper import StateKeeper
from fastmlp.ensemble.training_run import TrainingRun, runs_of_fit
from fastmlp.networks import Embedding, Network, Optimizer
from fastmlp.table.bin_edges import learn_bin_edges
from fastmlp.table.rows import Rows, rows_with_weight
from fastmlp.table.scaling import Scaling
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.tasks import Task

_ORDERED_LINKS = ("identity", "exponential", "logistic")  # a prediction rises with its output
_START_ROWS = 1024  # that initial weights are fitted to
_MANY_LABELS = 100  # of a column: more have few rows each


@dataclass(frozen=True, eq=False)
class NewNetworks:
    """Everything that new networks of a fit have in common.

    Attributes
    ----------
    data : RowSubset
        All rows, with targets that are not scaled.
    splits : sequence of Split
        The split of each network, at its index.
    rows : ndarray or None
        Training rows of all networks together (None: all), which bin edges are learnt from.
    settings : Settings
    encoder : Encoder
    scaling : Scaling
    task : Task
    random_state : RandomState
    keeper : StateKeeper or None
        Stores the state of their training.
    eval_sets : sequence of EvalSet
        Rows to measure them on after each epoch.
    """

    data: RowSubset
    splits: Sequence[Split]
    rows: Rows | None
    settings: Settings
    encoder: Encoder
    scaling: Scaling
    task: Task
    random_state: np.random.RandomState
    keeper: StateKeeper | None = None
    eval_sets: Sequence[EvalSet] = ()

    @classmethod
    def scaled_to(
        cls,
        data: RowSubset,
        splits: Sequence[Split],
        rows: Rows | None,
        settings: Settings,
        encoder: Encoder,
        task: Task,
        random_state: np.random.RandomState,
        keeper: StateKeeper | None = None,
        eval_sets: Sequence[EvalSet] = (),
    ) -> NewNetworks:
        """Learn the scaling of table and targets from the training rows, for new networks."""
        scaling = settings.learn_scaling(data.X, encoder.n_numeric, rows, data.sample_weight)
        task = task.scaled_to(data.y, rows, data.sample_weight, data.offset)
        task = task.with_range_of(data.y, data.sample_weight)
        return cls(
            data, splits, rows, settings, encoder, scaling, task, random_state, keeper, eval_sets
        )

    @cached_property
    def _constraints(self) -> Constraints | None:
        constraints = self.settings.constraints(self.encoder)
        link = self.task.link
        if constraints and constraints.is_monotonic and link.name not in _ORDERED_LINKS:
            what = "loss='gaussian'" if link.name == "gaussian" else "multiclass classification"
            if link.heads:
                what = "several columns of labels, unless they are zeros and ones"
            raise ValueError(f"monotonic constraints are not supported for {what}.")
        if constraints:
            warn_of_many_groups(constraints)
        return constraints

    @cached_property
    def _bin_edges(self) -> Sequence[Sequence[float]]:
        """Learnt once, for networks that are made later too."""
        return learn_bin_edges(self.data.X, self.scaling, self.rows, self.data.sample_weight)

    def members(
        self,
        specs: Sequence[MemberSpec],
        epochs: Mapping[str, int] | None = None,
        first: int = 0,
    ) -> list[Member]:
        """Make networks, each with initial weights that are fitted to its own training rows.

        Parameters
        ----------
        specs : sequence of MemberSpec
        epochs : mapping of str to int or None, default=None
            How many epochs each kind is trained for without validation rows. None: as the settings
            say.
        first : int, default=0
            Position in `splits` of the split of the network with index 0.
        """
        data = self.data
        recipes = [self.settings.recipe(spec) for spec in specs]
        if epochs is not None:
            recipes = [recipe.for_epochs(epochs[recipe.spec.kind]) for recipe in recipes]
        bin_edges: Sequence[Sequence[float]] = ()
        if any(recipe.embeds("piecewise_linear", self.encoder.n_numeric) for recipe in recipes):
            bin_edges = self._bin_edges
        members = []
        for recipe in recipes:
            layers = network_layers(
                recipe,
                self.encoder,
                bin_edges,
                self.task.n_network_outputs,
                self._constraints,
            )
            network = Network(layers, dtype=self.settings.dtype, random_state=self.random_state)
            if recipe.tabular:
                train = rows_with_weight(
                    self.splits[first + recipe.spec.index].train, data.sample_weight
                )
                n_rows = data.X.shape[0] if train is None else train.size
                chosen: Any = self.random_state.randint(n_rows, size=min(n_rows, _START_ROWS))
                chosen = (chosen if train is None else train[chosen]).astype(np.uint32)
                network._engine.initialise_from(data.X, chosen, self.scaling.engine)
                if shrinks_vectors(recipe.spec, classifies=self.settings.classifies):
                    _shrink_vectors(network)
            self.task.initialise_output(network, data.y, data.sample_weight, data.offset)
            options = self.settings.optimizer_options(recipe, layers)
            optimizer = Optimizer(network, **options)
            members.append(
                Member(network, optimizer, recipe, options, constraints=self._constraints)
            )
        return members

    def runs(
        self,
        specs: Sequence[MemberSpec],
        n_rows: int | None = None,
        epochs: Mapping[str, int] | None = None,
        first: int = 0,
    ) -> list[TrainingRun]:
        """Make networks, and the run that trains each on its split.

        Parameters
        ----------
        specs : sequence of MemberSpec
        n_rows : int or None
            Training rows of an epoch, if `data` is a sample of them.
        epochs : mapping of str to int or None, default=None
        first : int, default=0
            As for `members`.
        """
        return runs_of_fit(
            self.members(specs, epochs, first),
            [first + spec.index for spec in specs],
            self.splits,
            self.data,
            settings=self.settings,
            task=self.task,
            random_state=self.random_state,
            n_rows=n_rows,
            keeper=self.keeper,
            eval_sets=self.eval_sets,
        )


def _shrink_vectors(network: Network) -> None:
    """Start the vectors of columns with many labels at 0, where that of unknown labels stays.

    So a label differs from others as much as its own rows make it; from a random start few rows do
    not lead back. (Compared in docs/tabular.md.)
    """
    first = network.layers[0]
    if isinstance(first, Embedding):
        sizes = [size for size, width in first.categories if width > 0]
        for size, vectors in zip(sizes, network.parameters_of("vectors"), strict=True):
            if size > _MANY_LABELS:
                vectors[:] = 0
