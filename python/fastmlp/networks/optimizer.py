"""Optimizer: SGD, Adam and RMSprop on the parameters of a Network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastmlp import _core
from fastmlp.networks.layers import check_numbers
from fastmlp.networks.network import Network

SOLVERS = ("adam", "sgd", "rmsprop")


class Optimizer:
    """Updates a network's parameters from its last gradients.

    Parameters
    ----------
    network : Network
    solver : {"adam", "sgd", "rmsprop"}, default="adam"
    learning_rate_init : float, default=1e-3
        Learning rate, unless `step` gets another one.
    momentum, nesterovs_momentum : float and bool, default=0.9 and True
        Parameters of 'sgd'.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999 and 1e-8
        Parameters of 'adam'; 'rmsprop' uses the last two.
    weight_decay : float, default=0
        Decoupled decay (AdamW, `Loshchilov & Hutter 2019 <https://arxiv.org/abs/1711.05101>`_):
        weights shrink by ``learning_rate * weight_decay`` at every step.
    max_grad_norm : float or None, default=None
        Gradients with a larger norm, of all parameters together, are scaled down to it.
    learning_rate_factors : sequence of float or (float, float), default=None
        A factor on the learning rate of each layer with parameters, or a pair of factors: for its
        weights and for its biases.
    weight_decay_factors : sequence of float or None, default=None
        A factor on the weight decay of each layer with parameters.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    TypeError
        If `network` is not a Network.
    """

    def __init__(
        self,
        network: Network,
        *,
        solver: str = "adam",
        learning_rate_init: float = 1e-3,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        max_grad_norm: float | None = None,
        learning_rate_factors: Sequence[float | tuple[float, float]] | None = None,
        weight_decay_factors: Sequence[float] | None = None,
    ) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"network must be a fastmlp.Network; got {network!r}")
        check_numbers(
            learning_rate_init=learning_rate_init,
            momentum=momentum,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            **({} if max_grad_norm is None else {"max_grad_norm": max_grad_norm}),
        )
        if not isinstance(solver, str):
            raise TypeError(f"solver must be a string; got {solver!r}")
        if not 0 < learning_rate_init < np.inf:
            raise ValueError(
                f"learning_rate_init must be positive and finite; got {learning_rate_init}"
            )
        if max_grad_norm is not None and not max_grad_norm > 0:
            raise ValueError(f"max_grad_norm must be positive or None; got {max_grad_norm}")
        self._network = network
        self.learning_rate_init = learning_rate_init
        self.max_grad_norm = max_grad_norm
        self._options: dict[str, Any] = {
            "solver": solver,
            "momentum": momentum,
            "nesterov": bool(nesterovs_momentum),
            "beta_1": beta_1,
            "beta_2": beta_2,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
            "learning_rate_factors": [
                tuple(map(float, np.broadcast_to(factor, 2)))  # weights', biases'
                for factor in (() if learning_rate_factors is None else learning_rate_factors)
            ],
            "weight_decay_factors": list(
                map(float, () if weight_decay_factors is None else weight_decay_factors)
            ),
        }
        self._build()

    @property
    def network(self) -> Network:
        """The network whose parameters are updated."""
        return self._network

    def _build(self) -> None:
        engine: Callable[..., Any] = (
            _core.OptimizerF32 if self._network.dtype == np.float32 else _core.OptimizerF64
        )
        self._engine = engine(self._network._engine, **self._options)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_engine"}
        moments = [np.array(moment) for moment in self._engine.moments()]
        return state | {"moments": moments, "steps": self._engine.steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        moments, steps = state.pop("moments"), state.pop("steps")
        self.__dict__.update(state)
        self._build()
        self._engine.steps = steps
        for own, saved in zip(self._engine.moments(), moments, strict=True):
            own[...] = saved

    def step(self, learning_rate: float | None = None) -> float:
        """Update the parameters once.

        Parameters
        ----------
        learning_rate : float, optional
            Used instead of `learning_rate_init`.

        Returns
        -------
        float
            Norm of the whole gradient before clipping.

        Raises
        ------
        ValueError
            If `learning_rate` is not positive and finite.
        """
        rate = self.learning_rate_init if learning_rate is None else learning_rate
        check_numbers(learning_rate=rate)
        if not 0 < rate < np.inf:
            raise ValueError(f"learning_rate must be positive and finite; got {rate}")
        norm: float = self._engine.step(self._network._engine, rate, self.max_grad_norm or 0.0)
        return norm
