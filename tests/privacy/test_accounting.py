"""Epsilon by the accountant: known values, a second library, the noise for an epsilon."""

import math
import sys

import pytest
from scipy.optimize import brentq
from scipy.special import ndtr

from fastmlp import privacy

pytest.importorskip("dp_accounting")


def exact_epsilon(noise_multiplier, delta, n_steps):
    """Of the Gaussian mechanism, in closed form (Balle & Wang 2018, theorem 8)."""
    mu = math.sqrt(n_steps) / noise_multiplier

    def excess(eps):
        return ndtr(mu / 2 - eps / mu) - math.exp(eps) * ndtr(-mu / 2 - eps / mu) - delta

    return brentq(excess, 0, 200)


@pytest.mark.parametrize(
    ("noise", "delta", "n_steps"), [(1.0, 1e-5, 1), (5.0, 1e-5, 50), (20.0, 1e-3, 30)]
)
def test_without_sampling_epsilon_is_that_of_the_closed_form(noise, delta, n_steps):
    found = privacy.epsilon(noise, delta=delta, n_steps=n_steps)
    exact = exact_epsilon(noise, delta, n_steps)
    assert exact - 1e-6 <= found <= 1.001 * exact  # an upper bound


# By prv-accountant 0.2.0, whose bounds are 0.01 apart.
SAMPLED = [(1.0, 0.1, 100, 7.04728), (1.0, 0.01, 10_000, 6.18771), (0.8, 0.05, 2000, 26.57693)]


@pytest.mark.parametrize(("noise", "rate", "n_steps", "theirs"), SAMPLED)
def test_with_sampling_epsilon_is_that_of_a_second_library(noise, rate, n_steps, theirs):
    found = privacy.epsilon(noise, delta=1e-5, n_steps=n_steps, sampling_rate=rate)
    assert found == pytest.approx(theirs, abs=0.011)


def test_the_second_library_says_so_where_it_is_installed():
    prv = pytest.importorskip("prv_accountant")
    noise, rate, n_steps, theirs = SAMPLED[0]
    step = prv.PoissonSubsampledGaussianMechanism(noise_multiplier=noise, sampling_probability=rate)
    accountant = prv.PRVAccountant(
        prvs=[step], max_self_compositions=[n_steps], eps_error=0.01, delta_error=1e-8
    )
    low, estimate, high = accountant.compute_epsilon(1e-5, [n_steps])
    assert estimate == pytest.approx(theirs, abs=1e-5)
    assert low <= privacy.epsilon(noise, delta=1e-5, n_steps=n_steps, sampling_rate=rate) <= high


@pytest.mark.parametrize(("target", "rate"), [(1.0, 1.0), (3.0, 0.1)])
def test_the_noise_for_an_epsilon_is_just_enough(target, rate):
    about = {"delta": 1e-5, "n_steps": 4, "sampling_rate": rate}
    noise = privacy.noise_multiplier(target, **about)
    assert privacy.epsilon(noise, **about) <= target
    assert privacy.epsilon(noise - 2e-3, **about) > target


def test_more_steps_cost_more_and_no_noise_protects_nothing():
    few, many = (privacy.epsilon(3.0, delta=1e-5, n_steps=n) for n in (10, 40))
    assert few < many < math.inf
    assert privacy.epsilon(0.0, delta=1e-5, n_steps=1) == math.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise_multiplier": -1.0}, "noise_multiplier must be finite and >= 0; got -1.0"),
        ({"noise_multiplier": math.nan}, "noise_multiplier must be finite and >= 0; got nan"),
        ({"delta": 0.0}, r"delta must be in \(0, 1\); got 0.0"),
        ({"n_steps": 0}, "n_steps must be at least 1; got 0"),
        ({"sampling_rate": 1.5}, r"sampling_rate must be in \(0, 1\]; got 1.5"),
    ],
)
def test_wrong_arguments_are_errors(change, message):
    about = {"noise_multiplier": 1.0, "delta": 1e-5, "n_steps": 5, "sampling_rate": 1.0} | change
    with pytest.raises(ValueError, match=message):
        privacy.epsilon(about.pop("noise_multiplier"), **about)


def test_an_epsilon_that_cannot_be_is_an_error():
    with pytest.raises(ValueError, match="epsilon must be positive and finite; got 0"):
        privacy.noise_multiplier(0, delta=1e-5, n_steps=5)


def test_without_the_library_an_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(ImportError, match=r'pip install "fastmlp\[privacy\]"'):
        privacy.epsilon(1.0, delta=1e-5, n_steps=1)
