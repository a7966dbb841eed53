"""Normal noise from the operating system's random numbers."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

_BITS = 52  # of a uniform number: half a step more is then exact too, and below 1


def normal_noise(
    shape: tuple[int, ...], generator: np.random.Generator | None = None
) -> NDArray[np.float64]:
    """Standard normal numbers that nobody can compute again.

    Parameters
    ----------
    shape : tuple of int
    generator : Generator or None, default=None
        None: the operating system's cryptographic random numbers (`os.urandom`), as normal numbers
        by the inverse of their distribution function. A generator makes the noise reproducible, for
        tests: whoever knows its seed can subtract the noise.

    Notes
    -----
    Sums of floats with noise are not quite the real numbers that proofs are about: their last bits
    depend on the sum (Mironov 2012, "On significance of the least significant bits for differential
    privacy", https://doi.org/10.1145/2382196.2382264). Noise is therefore added in float64 and the
    result is rounded to the networks' type; float32 drops the last 29 bits. That reduces the leak
    but proves nothing.
    """
    if generator is not None:
        return generator.standard_normal(shape)
    words = np.frombuffer(os.urandom(8 * int(np.prod(shape))), dtype=np.uint64)
    uniform = ((words >> np.uint64(64 - _BITS)) + 0.5) * 2.0**-_BITS
    noise: NDArray[np.float64] = ndtri(uniform).reshape(shape)
    return noise
