"""Members of an ensemble: new networks, and networks that training goes on with."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fastmlp.ensemble.history import History
from fastmlp.ensemble.recipe import FIXED_FIELDS, Recipe, network_layers
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.networks import Network, Optimizer
from fastmlp.table.bin_edges import learn_bin_edges
from fastmlp.table.encoder import TableEncoder
from fastmlp.table.rows import Rows
from fastmlp.table.scaling import Scaling
from fastmlp.tasks import Task

_START_ROWS = 1024  # that initial weights are fitted to
# Schedules that come down to nearly nothing over all steps.
_FALLING = ("cosine", "one_cycle", "coslog4")
_LATER_SHARE = 0.03  # of the largest learning rate, in partial_fit after such a schedule


@dataclass(frozen=True, eq=False)
class Member:
    """One network of a fitted model, its optimiser, and how its training went.

    Training changes network and optimiser in place, so it works on a `copy` of what a fitted model
    holds.
    """

    network: Network
    optimizer: Optimizer
    recipe: Recipe
    optimizer_options: dict[str, Any]
    history: History = field(default_factory=History)
    samples_seen: int = 0  # over all epochs
    later_rate_share: float = 1.0  # of the largest learning rate, in `partial_fit`

    def copy(self) -> Member:
        """The member with a network and an optimiser of its own."""
        network, optimizer = deepcopy((self.network, self.optimizer))
        return replace(self, network=network, optimizer=optimizer)

    def with_new_optimizer(self, options: dict[str, Any]) -> Member:
        """The member with an optimiser that begins anew."""
        return replace(
            self, optimizer=Optimizer(self.network, **options), optimizer_options=options
        )

    def after_fit(self) -> Member:
        """The member as a `fit` leaves it, with the learning rate for `partial_fit`.

        If the schedule came down, the largest learning rate would undo what was learnt. If training
        was cut short, it had not come down.
        """
        schedule, history = self.recipe.learning_rate, self.history
        share = 1.0
        if schedule == "adaptive" and history.learning_rate_curve:
            share = history.learning_rate_curve[-1] / self.recipe.learning_rate_init
        elif schedule in _FALLING and history.stop_reason not in ("interrupted", "callback"):
            share = _LATER_SHARE
        return replace(self, later_rate_share=share)

    @property
    def partial_fit_recipe(self) -> Recipe:
        """The recipe of one epoch more.

        A schedule over all steps makes no sense if nobody knows how many there will be.
        """
        recipe = self.recipe
        if recipe.learning_rate not in (*_FALLING, "adaptive"):
            return replace(recipe, max_iter=1)
        rate = recipe.learning_rate_init * self.later_rate_share
        return replace(recipe, max_iter=1, learning_rate="constant", learning_rate_init=rate)


def new_members(
    data: RowSubset,
    splits: Sequence[Split],
    rows: Rows | None,
    *,
    settings: Settings,
    encoder: TableEncoder,
    scaling: Scaling,
    task: Task,
    random_state: np.random.RandomState,
) -> list[Member]:
    """Make a network for each split, with initial weights fitted to its own training rows.

    Parameters
    ----------
    data : RowSubset
        All rows, with targets that are not scaled.
    rows : ndarray or None
        Training rows of all networks together (None: all), which bin edges are learnt from.
    """
    specs = settings.specs(len(splits), data.X.shape[0], held_out=splits[0].validation is not None)
    recipes = [settings.recipe(spec) for spec in specs]
    bin_edges: Sequence[Sequence[float]] = ()
    if any(recipe.embeds("piecewise_linear", encoder.n_numeric) for recipe in recipes):
        bin_edges = learn_bin_edges(data.X, scaling, rows, data.sample_weight)
    members = []
    for (train, _), recipe in zip(splits, recipes, strict=True):
        layers = network_layers(recipe, encoder, bin_edges, task.n_network_outputs)
        network = Network(layers, dtype=settings.dtype, random_state=random_state)
        if recipe.tabular:
            n_rows = data.X.shape[0] if train is None else train.size
            chosen: Any = random_state.randint(n_rows, size=min(n_rows, _START_ROWS))
            chosen = chosen.astype(np.uint32) if train is None else train[chosen]
            network._engine.initialise_from(data.X, chosen, scaling.engine)
        task.initialise_output(network, data.y, data.sample_weight)
        options = settings.optimizer_options(recipe, layers)
        members.append(Member(network, Optimizer(network, **options), recipe, options))
    return members


def continued_members(
    members: Sequence[Member], *, settings: Settings, task: Task, n_inputs: int
) -> list[Member]:
    """Copies of members to go on with; optimisers whose parameters changed begin anew.

    Raises
    ------
    ValueError
        If settings or shapes have changed that a network cannot be trained on with.
    """
    recipes = [settings.recipe(member.recipe.spec) for member in members]
    for member, recipe in zip(members, recipes, strict=True):
        for name in FIXED_FIELDS:
            check_unchanged(name, getattr(member.recipe, name), getattr(recipe, name))
    engine = members[0].network._engine
    if (engine.inputs, engine.outputs) != (n_inputs, task.n_network_outputs):
        raise ValueError(
            f"the network to go on with takes {engine.inputs} numbers and has {engine.outputs} "
            f"outputs (for columns or classes of y, or quantiles); now there are {n_inputs} and "
            f"{task.n_network_outputs}"
        )
    continued = []
    for member, recipe in zip(members, recipes, strict=True):
        own = replace(member.copy(), recipe=recipe)
        options = settings.optimizer_options(recipe, own.network.layers)
        if options != own.optimizer_options:
            own = own.with_new_optimizer(options)
        continued.append(own)
    return continued


def check_unchanged(name: str, was: Any, becomes: Any) -> None:
    """Raise if a parameter has changed that is fixed once networks exist."""
    if was != becomes:
        raise ValueError(
            f"{name} was {was} when the network was made and cannot become {becomes} while "
            "training goes on with it"
        )
