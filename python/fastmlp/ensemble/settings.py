"""Settings: the parameters of one fit, as they were when it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.constraints import Constraints
from fastmlp.ensemble.presets import (
    FEW_ROWS,
    MemberSpec,
    kind_of,
    preset_batch_size,
    preset_settings,
)
from fastmlp.ensemble.recipe import Recipe, rate_factors
from fastmlp.ensemble.splitters import n_folds_of
from fastmlp.networks import Layer
from fastmlp.table.rows import Table
from fastmlp.table.scaling import Scaling, learn_scaling
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder

LARGEST = 2**62  # number that the engine counts in 64 bits
_PATIENCE = 40  # fewest epochs without progress before training ends, if presets set "auto"
_ANY = MemberSpec()  # for settings that are the same for all networks


def is_auto(value: Any) -> bool:
    """Whether a parameter is left to the preset."""
    return isinstance(value, str) and value == "auto"


@dataclass(frozen=True)
class Settings:
    """A copy of an estimator's parameters, taken when a fit begins.

    `of` replaces "auto" by the preset's value for a network.

    Parameters that are about targets belong to the task, `categorical_features` to the encoder,
    `random_state` to the assignment of rows.
    """

    # What "auto" stands for depends on these.
    classifies: bool
    sparse: bool  # whether the table is
    hidden_layer_sizes: Any
    activation: Any
    preset: str
    n_estimators: Any
    numeric_embedding: str | None
    solver: str
    alpha: float
    l1_ratio: float
    weight_decay: Any
    dropout: Any
    mixup: float
    input_noise: float
    swap_noise: float
    batch_size: Any
    learning_rate: str
    learning_rate_init: Any
    learning_rate_factors: Sequence[float] | None
    power_t: float
    warmup_fraction: float
    max_iter: Any
    time_limit: float | None
    shuffle: bool
    tol: float
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: Any
    eval_metric: Any
    compute_importances: bool
    beta_1: float
    beta_2: Any
    epsilon: float
    n_iter_no_change: Any
    max_grad_norm: float | None
    standardize: Any
    monotonic_cst: Any
    interaction_cst: Any
    extrapolation: Literal["clip", "linear"]
    dtype: Literal["float32", "float64"]

    def of(self, name: str, spec: MemberSpec = _ANY) -> Any:
        """A parameter or, if it is "auto", what the preset sets for that network and table."""
        value = getattr(self, name)
        return self._preset(spec)[name] if is_auto(value) else value

    def _preset(self, spec: MemberSpec) -> dict[str, Any]:
        return preset_settings(
            self.preset,
            self.solver,
            spec,
            classifies=self.classifies,
            sparse=self.sparse,
            monotone=self.monotonic_cst is not None,
        )

    @property
    def held_out_fraction(self) -> float | None:
        """Fraction of the rows to hold out for validation; None: hold out none."""
        return float(self.of("validation_fraction")) if self.early_stopping else None

    # ---- networks

    def constraints(self, encoder: Encoder) -> Constraints | None:
        """The constraints that networks on these columns must satisfy."""
        if isinstance(encoder, SparseEncoder) or (
            self.monotonic_cst is None and self.interaction_cst is None
        ):
            return None
        return Constraints.learn(self.monotonic_cst, self.interaction_cst, encoder)

    def n_networks(self, n_rows: int) -> int:
        """Number of networks for a table of so many rows."""
        return int(self.of("n_estimators", MemberSpec(n_rows=n_rows)))

    def specs(
        self, n_networks: int, n_rows: int, *, held_out: bool, n_folds: int | None = None
    ) -> list[MemberSpec]:
        """The networks of a new ensemble, in order.

        Parameters
        ----------
        n_networks, n_rows : int
        held_out : bool
            Whether there are validation rows.
        n_folds : int or None, default=None
            Number of folds of a round. None: as many as `validation_fraction` says.
        """
        if self.preset == "plain":  # which has no kinds
            return [MemberSpec(index, n_rows=n_rows) for index in range(n_networks)]
        if self.sparse:
            return [MemberSpec(index, "sparse", n_rows) for index in range(n_networks)]
        if not held_out:
            n_folds = 0
        elif n_folds is None:
            n_folds = n_folds_of(n_rows, self.of("validation_fraction"))
        kinds = [
            kind_of(index, n_networks, n_folds, n_rows, classifies=self.classifies)
            for index in range(n_networks)
        ]
        return [MemberSpec(index, kind, n_rows) for index, kind in enumerate(kinds)]

    def adapts(self, specs: Sequence[MemberSpec]) -> bool:
        """Whether what the first networks gain decides how long the others are trained.

        Only if the preset chooses epochs and schedule, there are networks of two kinds, and the
        table is so small that they are quick.
        """
        chosen = is_auto(self.max_iter) and is_auto(self.learning_rate)
        few = specs[0].n_rows <= FEW_ROWS
        return chosen and few and len({spec.kind for spec in specs}) > 1

    def recipe(self, spec: MemberSpec) -> Recipe:
        """The recipe of one network."""
        factors, n_layers = self.learning_rate_factors, len(self.layer_sizes(spec)) + 1
        if factors is not None and len(factors) != n_layers:
            raise ValueError(
                f"learning_rate_factors must hold one number for each of the {n_layers} layers; "
                f"got {len(factors)}"
            )
        patience = self.of("n_iter_no_change")
        preset = self._preset(spec)
        return Recipe(
            hidden_layer_sizes=self.layer_sizes(spec),
            activation=self.per_hidden_layer("activation", str, spec),
            dropout=tuple(map(float, self.per_hidden_layer("dropout", Real, spec))),
            numeric_embedding=self.of("numeric_embedding", spec),
            sigma=preset["sigma"],
            preset=self.preset,
            spec=spec,
            learning_rate=self.of("learning_rate", spec),
            learning_rate_init=float(self.of("learning_rate_init", spec)),
            beta_2=float(self.of("beta_2")),
            weight_decay=float(self.of("weight_decay")),
            max_iter=int(self.of("max_iter", spec)),
            # "auto" in a preset: 40 epochs, and one more for each epoch before the best one
            n_iter_no_change=_PATIENCE if is_auto(patience) else patience,
            patience_growth=1.0 if is_auto(patience) else 0.0,
            average_epochs=preset["average_epochs"],
        )

    def layer_sizes(self, spec: MemberSpec) -> tuple[int, ...]:
        """Units of each hidden layer."""
        sizes = self.of("hidden_layer_sizes", spec)
        return tuple(int(s) for s in ((sizes,) if isinstance(sizes, int | np.integer) else sizes))

    def per_hidden_layer(self, name: str, kind: type, spec: MemberSpec = _ANY) -> tuple[Any, ...]:
        """A parameter as one value for each hidden layer."""
        value = self.of(name, spec)
        n_hidden = len(self.layer_sizes(spec))
        if isinstance(value, kind):
            return (value,) * n_hidden
        if len(value) != n_hidden or not all(isinstance(v, kind) for v in value):
            chosen = (
                " that the preset chose for this table; set hidden_layer_sizes too"
                if is_auto(self.hidden_layer_sizes)
                else ""
            )
            raise ValueError(
                f"{name} must be one value or one for each of the {n_hidden} hidden layers"
                f"{chosen}; got {value!r}"
            )
        return tuple(value)

    # ---- training

    def learn_scaling(
        self,
        X: Table,
        n_numeric: int,
        rows: NDArray[Any] | None,
        weights: NDArray[Any] | None,
    ) -> Scaling:
        """Learn the scaling of the table's columns from the training rows (None: all).

        The encoder has scaled a sparse table already.
        """
        standardize = self.of("standardize")
        if self.sparse or not standardize:
            return Scaling(np.empty(0), np.empty(0), n_numeric)
        scaling = learn_scaling(X, n_numeric, rows, weights, robust=standardize == "robust")
        return replace(scaling, keeps_order=self.monotonic_cst is not None)

    def optimizer_options(self, recipe: Recipe, layers: Sequence[Layer]) -> dict[str, Any]:
        """Options of the Optimizer of a network with these layers."""
        return {
            "solver": self.solver,
            "momentum": self.momentum,
            "nesterovs_momentum": self.nesterovs_momentum,
            "beta_1": self.beta_1,
            "epsilon": self.epsilon,
            "beta_2": recipe.beta_2,
            "weight_decay": recipe.weight_decay,
            **rate_factors(recipe, layers, self.learning_rate_factors, self.solver),
        }

    def training_options(self, recipe: Recipe, n_rows: int) -> dict[str, Any]:
        """Options of the engine's training loop over so many rows.

        Loss, penalty, seed and time are added by the caller.
        """
        return {
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
            "mixup": float(self.mixup),
            "input_noise": float(self.input_noise),
            "swap_noise": float(self.swap_noise),
            "anneals": recipe.tabular and recipe.learning_rate != "constant",
            "samples_seen": 0.0,
        }

    def penalty(self, factor: float) -> dict[str, float]:
        """The engine's options "l1" and "l2" of the penalty.

        Parameters
        ----------
        factor : float
            The engine's loss divided by scikit-learn's; the penalty is multiplied by it.
        """
        return {
            "l1": float(factor * self.alpha * self.l1_ratio),
            "l2": float(factor * self.alpha * (1 - self.l1_ratio)),
        }

    def _batch_size(self, recipe: Recipe, n_rows: int) -> int:
        if not is_auto(self.batch_size):
            return int(min(self.batch_size, n_rows))
        size = preset_batch_size(recipe.preset, recipe.spec, n_rows)
        if not recipe.tabular:
            return min(size, n_rows)
        n_batches = max(1, round(n_rows / size))
        return -(-n_rows // n_batches)  # so that none of them is much smaller than the others
