"""The noise is normal, and nobody knows it before."""

import numpy as np
from scipy.stats import kstest

from fastmlp.privacy.noise import normal_noise


def test_noise_is_normal():
    noise = normal_noise((100, 200))
    assert noise.shape == (100, 200)
    assert kstest(noise.ravel(), "norm").pvalue > 1e-6  # fails once in a million runs


def test_extreme_random_numbers_are_finite(monkeypatch):
    for byte in (b"\x00", b"\xff"):
        monkeypatch.setattr("os.urandom", lambda n, byte=byte: byte * n)
        noise = normal_noise((3,))
        assert np.all((np.abs(noise) > 8) & np.isfinite(noise))


def test_noise_does_not_depend_on_numpys_seed():
    np.random.seed(0)  # noqa: NPY002
    first = normal_noise((5,))
    np.random.seed(0)  # noqa: NPY002
    assert not np.array_equal(normal_noise((5,)), first)


def test_a_generator_makes_it_reproducible():
    first, second = (normal_noise((5,), np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
