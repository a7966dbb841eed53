"""Member: one network of an ensemble. Copies of members for further training."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from fastmlp.ensemble.constraints import Constraints
from fastmlp.ensemble.history import History
from fastmlp.ensemble.recipe import FIXED_FIELDS, Recipe
from fastmlp.ensemble.settings import Settings
from fastmlp.networks import Network, Optimizer
from fastmlp.tasks import Task

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
    constraints: Constraints | None = None  # that the signs of the network's weights keep

    def copy(self) -> Member:
        """The member with a network and an optimiser of its own."""
        network, optimizer = deepcopy((self.network, self.optimizer))
        return replace(self, network=network, optimizer=optimizer)

    def with_new_optimizer(self, options: dict[str, Any]) -> Member:
        """The member with a new optimiser, without a state."""
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


def continued_members(
    members: Sequence[Member], *, settings: Settings, task: Task, n_inputs: int
) -> list[Member]:
    """Copies of members to train further, with new optimisers where their options have changed.

    Raises
    ------
    ValueError
        If settings or shapes that are fixed once a network exists have changed.
    """
    recipes = check_recipes(members, settings)
    engine = members[0].network._engine
    if (engine.inputs, engine.outputs) != (n_inputs, task.n_network_outputs):
        raise ValueError(
            f"the existing network takes {engine.inputs} numbers and has {engine.outputs} outputs "
            f"(for columns or classes of y, or quantiles); these data need {n_inputs} and "
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


def check_recipes(members: Sequence[Member], settings: Settings) -> list[Recipe]:
    """Return the members' recipes under these settings; raise if a network itself would change."""
    recipes = [settings.recipe(member.recipe.spec) for member in members]
    for member, recipe in zip(members, recipes, strict=True):
        for name in FIXED_FIELDS:
            check_unchanged(name, getattr(member.recipe, name), getattr(recipe, name))
    return recipes


def check_unchanged(name: str, was: Any, becomes: Any, advice: str = "") -> None:
    """Raise if a parameter has changed that is fixed once networks exist."""
    if was != becomes:
        raise ValueError(
            f"{name} was {was} when the network was made and cannot become {becomes} while "
            f"training goes on with it{advice}"
        )
