"""Networks made and gone on with: layers, starts, optimisers, options of the engine's loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._given import Given, Split, Targets
from fastmlp._knots import learn_knots
from fastmlp._network import Layer, Network, Optimizer
from fastmlp._parameters import LARGEST
from fastmlp._recipe import MADE_OF, Place, Recipe, kind_of, network_layers, rate_factors
from fastmlp._rows import n_folds_of
from fastmlp._scaling import Scaling, learn_scaling
from fastmlp._training import Member

_START_ROWS = 1024  # that the initial weights are fitted to


class Building(Given):
    """An estimator that makes its networks."""

    # ---- what a subclass says about its outputs

    @property
    @abstractmethod
    def _engine_loss(self) -> str:
        """The engine's name of the loss."""

    @property
    @abstractmethod
    def _link(self) -> str:
        """Function between the last layer and the prediction."""

    @property
    def _network_outputs(self) -> int:
        """Units of the output layer."""
        return int(self.n_outputs_)

    @property
    def _quantiles(self) -> list[float]:
        """Of the quantile loss: one, or one for each unit of the output layer."""
        return [0.5]

    def _initialise_output(
        self, network: Network, y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> None:
        """Give a new network's output layer a start that suits the targets."""

    # ---- scaling

    def _standardise(
        self,
        X: NDArray[Any],
        targets: NDArray[Any],
        rows: NDArray[Any] | None,
        weights: NDArray[Any] | None,
    ) -> None:
        """Learn centre and scale of inputs and targets from the training rows."""
        standardize = self._standardized = self._setting("standardize")
        n_numeric = self._columns.n_numeric
        self._scaling = Scaling(np.empty(0), np.empty(0), n_numeric)
        if standardize:
            self._scaling = learn_scaling(
                X, n_numeric, rows, weights, robust=standardize == "robust"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            self._standardise_targets(targets, rows, weights)

    def _standardise_targets(
        self, targets: NDArray[Any], rows: NDArray[Any] | None, weights: Any
    ) -> None:
        """Learn the scale of the targets from the training rows."""

    # ---- networks

    def _new_members(
        self,
        X: NDArray[Any],
        targets: Targets,
        weights: NDArray[Any] | None,
        splits: Sequence[Split],
        rows: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> None:
        """New networks, started from their own training rows; `rows` are those of them all."""
        columns, inputs = self._columns, self._scaling.engine
        self._members: list[Member] = []
        self.out_activation_ = self._link
        recipes = [self._recipe(place) for place in self._places(splits, X.shape[0])]
        knots: Sequence[Sequence[float]] = ()
        if any(recipe.embeds("piecewise_linear", columns.n_numeric) for recipe in recipes):
            knots = learn_knots(X, self._scaling, rows, weights)
        for (own, _), recipe in zip(splits, recipes, strict=True):
            layers = network_layers(
                recipe,
                knots,
                columns.n_numeric,
                columns.n_flags,
                columns.category_sizes,
                self._network_outputs,
            )
            network = Network(layers, dtype=self.dtype, random_state=random_state)
            if recipe.tabular:
                n_rows = X.shape[0] if own is None else own.size
                chosen: Any = random_state.randint(n_rows, size=min(n_rows, _START_ROWS))
                chosen = chosen.astype(np.uint32) if own is None else own[chosen]
                network._engine.initialise_from(X, chosen, inputs)
            self._initialise_output(network, targets.values, weights)
            options = self._optimizer_options(recipe, layers)
            self._members.append(Member(network, Optimizer(network, **options), recipe, options))

    def _places(self, splits: Sequence[Split], n_rows: int) -> list[Place]:
        """The places of new networks that are validated like this."""
        n_folds = 0
        if self.preset != "plain" and splits[0].validation is not None:
            n_folds = n_folds_of(n_rows, self._setting("validation_fraction"))
        n = len(splits)
        return [Place(number, kind_of(number, n, n_folds), n_rows) for number in range(n)]

    def _check_same_network(self, n_inputs: int) -> None:
        """Check that training can go on; optimisers whose parameters changed start anew."""
        n_networks = self._dealt[0] if hasattr(self, "_dealt") else len(self._members)
        for name, was, becomes in (
            ("preset", self._members[0].recipe.preset, self.preset),
            ("n_estimators", n_networks, self._setting("n_estimators")),
            ("standardize", self._standardized, self._setting("standardize")),
        ):
            if was != becomes:
                raise ValueError(
                    f"{name} was {was} when the network was made and cannot become {becomes} "
                    "while training goes on with it"
                )
        recipes = [self._recipe(member.recipe.place) for member in self._members]
        for member, recipe in zip(self._members, recipes, strict=True):
            before = member.recipe
            made = {name: (getattr(before, name), getattr(recipe, name)) for name in MADE_OF}
            made["dtype"] = (member.network.dtype.name, self.dtype)
            for name, (was, becomes) in made.items():
                if was != becomes:
                    raise ValueError(
                        f"{name} was {was} when the network was made and cannot become {becomes} "
                        "while training goes on with it"
                    )
        if self._link != self.out_activation_:
            raise ValueError(
                f"the network to go on with was trained for outputs behind {self.out_activation_}; "
                f"loss now asks for {self._link}"
            )
        engine = self._members[0].network._engine
        if (engine.inputs, engine.outputs) != (n_inputs, self._network_outputs):
            raise ValueError(
                f"the network to go on with takes {engine.inputs} numbers and has {engine.outputs} "
                f"outputs (for columns or classes of y, or quantiles); now there are {n_inputs} "
                f"and {self._network_outputs}"
            )
        for member, recipe in zip(self._members, recipes, strict=True):
            member.recipe = recipe
            options = self._optimizer_options(recipe, member.network.layers)
            if options != member.optimizer_options:
                member.optimizer_options = options
                member.renew_optimizer()

    def _optimizer_options(self, recipe: Recipe, layers: Sequence[Layer]) -> dict[str, Any]:
        names = ("solver", "momentum", "nesterovs_momentum", "beta_1", "epsilon")
        given = self.learning_rate_factors
        return (
            {name: getattr(self, name) for name in names}
            | {"beta_2": recipe.beta_2, "weight_decay": recipe.weight_decay}
            | rate_factors(recipe, layers, given, self.solver)
        )

    def _options(self, recipe: Recipe, n_rows: int) -> dict[str, Any]:
        """Options of the engine's loop over so many rows, but for seed, threads and time."""
        return {
            "loss": self._engine_loss,
            "delta": float(getattr(self, "delta", 1.0)),
            "quantiles": self._quantiles,
            "label_smoothing": float(getattr(self, "label_smoothing", 0.0)),
            "l1": float(self.alpha * self.l1_ratio),
            "l2": float(self.alpha * (1 - self.l1_ratio)),
            "max_grad_norm": float(self.max_grad_norm or 0.0),
            "learning_rate": recipe.learning_rate,
            "learning_rate_init": recipe.learning_rate_init,
            "power_t": float(self.power_t),
            "warmup_fraction": float(self.warmup_fraction),
            "max_iter": recipe.max_iter,
            "batch_size": self._batch_size(recipe, n_rows),
            "shuffle": bool(self.shuffle),
            "tol": float(self.tol),
            "n_iter_no_change": int(min(recipe.n_iter_no_change, LARGEST)),
            "patience_growth": recipe.patience_growth,
            "early_stopping": bool(self.early_stopping),
            "average_epochs": recipe.average_epochs,
            "anneals": recipe.tabular and recipe.learning_rate != "constant",
            "samples_seen": 0.0,
        }
