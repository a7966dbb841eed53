"""Privacy: the options of a private fit. PrivacyGuarantee: what holds for the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from numbers import Integral, Real
from typing import Any


@dataclass(frozen=True)
class Privacy:
    """Options of a private fit, ``fit(..., dp=...)``, beyond (epsilon, delta).

    Parameters
    ----------
    epsilon : float
        Bound on what the model reveals about any single row; positive. 1 is strict, 10 is loose.
    delta : float
        Probability with which it may reveal more, in (0, 1); well below 1 / (number of rows).
    schema : (X, y) or None, default=None
        Rows that may be public: synthetic, or published before, such as the smallest and the
        largest possible value of each column, with all categories and classes. Columns, categories,
        classes, scales and the range of predictions are learnt from them. None: columns are numbers
        about as large as 1, classes are 0 and 1, and targets of a regression are about as large as
        1; no scales are learnt.
    max_grad_norm : float, default=1.0
        The gradient of each row is scaled down to this norm. Noise is in proportion to it.
    noise_random_state : int or None, default=None
        None: the noise and the choice of minibatches come from the operating system's cryptographic
        random numbers. A number makes them reproducible, for tests only: whoever knows it can
        subtract the noise.

    Raises
    ------
    ValueError, TypeError
        If a parameter is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import Privacy
    >>> ages_and_incomes = np.array([[0.0, 0.0], [100.0, 200_000.0]])
    >>> Privacy(2.0, 1e-5, schema=(ages_and_incomes, ["no", "yes"])).max_grad_norm
    1.0
    """

    epsilon: float
    delta: float
    schema: tuple[Any, Any] | None = field(default=None, repr=False)
    max_grad_norm: float = 1.0
    noise_random_state: int | None = None

    def __post_init__(self) -> None:
        _check("epsilon", self.epsilon, inf, "a positive number")
        _check("delta", self.delta, 1, "in (0, 1)")
        _check("max_grad_norm", self.max_grad_norm, inf, "a positive number")
        if self.schema is not None and not (
            isinstance(self.schema, tuple | list) and len(self.schema) == 2
        ):
            raise TypeError(
                f"schema of dp must be (X, y), rows that may be public; got {self.schema!r:.80}"
            )
        seed = self.noise_random_state
        if seed is not None and not (isinstance(seed, Integral) and seed >= 0):
            raise ValueError(f"noise_random_state of dp must be None or an int >= 0; got {seed!r}")

    @classmethod
    def of(cls, dp: Any) -> Privacy:
        """What the argument `dp` stands for."""
        if isinstance(dp, cls):
            return dp
        if isinstance(dp, tuple | list) and len(dp) == 2:
            return cls(*dp)
        raise TypeError(f"dp must be (epsilon, delta) or a fastmlp.Privacy; got {dp!r:.80}")


def _check(name: str, value: object, limit: float, expected: str) -> None:
    if not (isinstance(value, Real) and 0 < float(value) < limit):
        raise ValueError(f"{name} of dp must be {expected}; got {value!r}")


@dataclass(frozen=True)
class PrivacyGuarantee:
    """The guarantee of a private fit: the model is (epsilon, delta)-differentially private.

    Whether any one row was among the training rows changes the probability of any set of models by
    a factor of at most exp(epsilon), plus delta.

    Attributes
    ----------
    epsilon, delta : float
        The guarantee for all networks together.
    noise_multiplier : float
        Standard deviation of the noise on each sum of gradients, divided by `max_grad_norm`.
    max_grad_norm : float
        Largest norm of a row's gradient.
    sampling_rate : float
        Probability with which a row is in a minibatch.
    n_steps : int
        Minibatches that were planned, of all networks together. Stopping earlier does not lower
        epsilon.
    """

    epsilon: float
    delta: float
    noise_multiplier: float
    max_grad_norm: float
    sampling_rate: float
    n_steps: int
