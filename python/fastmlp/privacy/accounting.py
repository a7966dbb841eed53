"""The accountant: epsilon of sums to which noise was added, and the noise for an epsilon.

Google's `dp-accounting` does the computation.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import Any

# Privacy losses are rounded up to a multiple of it. Epsilon is an upper bound for any; finer ones
# lower it by less than a thousandth and take ten times as long.
_INTERVAL = 1e-3


def epsilon(
    noise_multiplier: float, *, delta: float, n_steps: int, sampling_rate: float = 1.0
) -> float:
    """Compute epsilon of (epsilon, delta)-differential privacy for a number of noisy sums.

    Each step adds up one contribution of bounded norm from each unit in its sample, and normal
    noise. A unit is what is protected, such as a row or a site; two data sets are neighbours if one
    has one unit more. The bound is tight: privacy loss distributions (`dp_accounting.pld`, see
    Koskela, Jälkö & Honkela 2020, "Computing tight differential privacy guarantees using FFT",
    https://arxiv.org/abs/1906.03049).

    Parameters
    ----------
    noise_multiplier : float
        Standard deviation of the noise on the sum, divided by the largest norm of a contribution.
        If neighbours may also differ by the *change* of a unit, which moves its contribution by up
        to twice that norm, pass half of it.
    delta : float
        In (0, 1). Well below the inverse of the number of units.
    n_steps : int
        Number of sums that are published, or that anything published was computed from.
    sampling_rate : float, default=1.0
        Probability with which a unit is in a step's sample, independently of the others (Poisson
        sampling). A smaller rate lowers epsilon only if nobody learns who is in a sample.

    Returns
    -------
    float
        Epsilon; infinity without noise.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    ImportError
        Without `dp-accounting`, which ``pip install "fastmlp[privacy]"`` installs.

    Examples
    --------
    >>> from fastmlp import privacy
    >>> print(f"{privacy.epsilon(1.0, delta=1e-5, n_steps=100, sampling_rate=0.1):.2f}")
    7.05
    """
    _check(noise_multiplier=noise_multiplier, delta=delta)
    _check_steps(n_steps, sampling_rate)
    if noise_multiplier == 0:
        return inf
    _library()
    return _epsilon(float(noise_multiplier), float(delta), int(n_steps), float(sampling_rate))


def noise_multiplier(
    epsilon: float, *, delta: float, n_steps: int, sampling_rate: float = 1.0
) -> float:
    """Compute the least noise for which a number of noisy sums is (epsilon, delta)-private.

    Parameters
    ----------
    epsilon : float
        Positive.
    delta, n_steps, sampling_rate
        As for `epsilon`.

    Returns
    -------
    float
        The noise multiplier, at most a thousandth above the least one.

    Raises
    ------
    ValueError, ImportError
        As `epsilon`.

    Examples
    --------
    >>> from fastmlp import privacy
    >>> print(f"{privacy.noise_multiplier(7.05, delta=1e-5, n_steps=100, sampling_rate=0.1):.2f}")
    1.00
    """
    if not 0 < epsilon < inf:
        raise ValueError(f"epsilon must be positive and finite; got {epsilon!r}")
    _check(delta=delta)
    _check_steps(n_steps, sampling_rate)
    _library()
    return _noise_multiplier(float(epsilon), float(delta), int(n_steps), float(sampling_rate))


@lru_cache(maxsize=256)  # seconds each, and the same for every candidate of a search
def _epsilon(noise_multiplier: float, delta: float, n_steps: int, sampling_rate: float) -> float:
    accountant = _accountant()
    accountant.compose(_step(noise_multiplier, sampling_rate), n_steps)
    return float(accountant.get_epsilon(delta))


@lru_cache(maxsize=256)
def _noise_multiplier(epsilon: float, delta: float, n_steps: int, sampling_rate: float) -> float:
    library = _library()
    return float(
        library.calibrate_dp_mechanism(
            _accountant,
            lambda multiplier: library.SelfComposedDpEvent(
                _step(multiplier, sampling_rate), n_steps
            ),
            epsilon,
            delta,
            library.LowerEndpointAndGuess(0.0, 1.0),
            tol=1e-3,
        )
    )


def _step(noise_multiplier: float, sampling_rate: float) -> Any:
    library = _library()
    noisy = library.GaussianDpEvent(noise_multiplier)
    return noisy if sampling_rate == 1 else library.PoissonSampledDpEvent(sampling_rate, noisy)


def _accountant() -> Any:
    _library()
    from dp_accounting.pld import PLDAccountant

    return PLDAccountant(value_discretization_interval=_INTERVAL)


def _library() -> Any:
    try:
        import dp_accounting
    except ImportError as error:
        raise ImportError(
            'epsilon is computed by dp-accounting: pip install "fastmlp[privacy]"'
        ) from error
    return dp_accounting


def _check(*, delta: float, noise_multiplier: float = 1.0) -> None:
    if not 0 <= noise_multiplier < inf:
        raise ValueError(f"noise_multiplier must be finite and >= 0; got {noise_multiplier!r}")
    if not 0 < delta < 1:
        raise ValueError(f"delta must be in (0, 1); got {delta!r}")


def _check_steps(n_steps: int, sampling_rate: float) -> None:
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1; got {n_steps!r}")
    if not 0 < sampling_rate <= 1:
        raise ValueError(f"sampling_rate must be in (0, 1]; got {sampling_rate!r}")
