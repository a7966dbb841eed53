"""Losses and their derivatives against their formulas, in float64."""

import numpy as np
import pytest
from checked_gradients import INPUTS, LOSSES, OF_CLASSES, OPTIONS, check, data
from scipy.special import gammaln, log_softmax, logsumexp
from scipy.stats import norm
from sklearn.metrics import mean_tweedie_deviance

from fastmlp import Dense, Dropout, Network


def loss_formula(
    loss, z, y, *, delta, quantile, tweedie_power, expectile, focal_gamma, label_smoothing
):
    """Loss of every row, the mean over outputs, written as in the textbooks."""
    if loss == "focal":
        p = np.exp(log_softmax(z, axis=1))[np.arange(len(z)), y]
        return -((1 - p) ** focal_gamma) * np.log(p)
    if loss == "cross_entropy":
        classes = z.shape[1]
        target = np.eye(classes)[y] * (1 - label_smoothing) + label_smoothing / classes
        return -(target * log_softmax(z, axis=1)).sum(axis=1)
    if loss == "gaussian":
        mean, spread = np.split(z, 2, axis=1)
        std = np.logaddexp(0, spread) + 1e-3
        u = (y - mean) / std
        return (std * (u * (2 * norm.cdf(u) - 1) + 2 * norm.pdf(u) - 1 / np.sqrt(np.pi))).mean(
            axis=1
        )
    d = z - y
    if loss == "squared_error":
        terms = d**2
    elif loss == "absolute_error":
        terms = np.abs(d)
    elif loss == "huber":
        terms = np.where(np.abs(d) <= delta, d**2 / 2, delta * (np.abs(d) - delta / 2))
    elif loss == "quantile":
        terms = np.maximum(quantile * -d, (1 - quantile) * d)
    elif loss == "poisson":  # half the deviance
        terms = np.exp(z) - y * z - y + np.where(y > 0, y * np.log(np.maximum(y, 1)), 0)
    elif loss in ("gamma", "tweedie"):
        power = 2.0 if loss == "gamma" else tweedie_power
        terms = np.vectorize(
            lambda true, mean: mean_tweedie_deviance([true], [mean], power=power) / 2
        )(y, np.exp(z))
    elif loss == "log_cosh":
        terms = np.log(np.cosh(d))
    elif loss == "expectile":
        terms = np.where(d < 0, expectile, 1 - expectile) * d**2
    elif loss == "binary_focal":
        p = np.where(y == 1, 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z)))
        terms = -((1 - p) ** focal_gamma) * np.log(p)
    else:
        smooth = y * (1 - label_smoothing) + label_smoothing / 2
        log_p = -np.logaddexp(0, -z)
        terms = -smooth * log_p - (1 - smooth) * (log_p - z)
    return terms.mean(axis=1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [2, 6])
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_is_its_formula(loss, outputs, weighted):
    smoothing = 0.2 if "cross" in loss else 0.0
    options = OPTIONS | {"label_smoothing": smoothing}
    layers = [Dense(INPUTS, 6, "tanh"), Dense(6, outputs)]
    network = Network(layers, dtype="float64", random_state=0)
    X, y = data(loss, outputs, rows=31)
    weights = np.random.default_rng(1).uniform(size=31) if weighted else None
    value = network.backward(
        X, y, loss=loss, sample_weight=weights, alpha=0.3, l1_ratio=0.25, **options
    )
    terms = loss_formula(loss, network.forward(X), y, **options)
    total = 31 if weights is None else weights.sum()
    matrices = network.parameters[::2]
    penalty = 0.3 * sum(0.75 / 2 * (w**2).sum() + 0.25 * np.abs(w).sum() for w in matrices) / total
    expected = np.average(terms, weights=weights) + penalty
    np.testing.assert_allclose(value, expected, rtol=1e-13)


@pytest.mark.parametrize("outputs", [2, 6])
@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss not in OF_CLASSES])
def test_missing_true_values_count_nothing(loss, outputs):
    network = Network(
        [Dense(INPUTS, 6, "silu"), Dense(6, outputs)], dtype="float64", random_state=0
    )
    X, y = data(loss, outputs, rows=31)
    weights = np.random.default_rng(1).uniform(0.5, 2, size=31)
    known = np.random.default_rng(3).uniform(size=y.shape) < 0.6
    known[4], known[5] = False, True
    known[6] = known[6] | ~known[6].any()
    y[~known] = np.nan
    check(network, X, y, loss=loss, sample_weight=weights, **OPTIONS)
    value = network.backward(X, y, loss=loss, sample_weight=weights, **OPTIONS)
    z = network.forward(X)
    n = y.shape[1]  # of Gaussians half of the outputs: column j has the outputs j and j + n
    terms = [
        loss_formula(loss, z[i : i + 1, j::n], y[i : i + 1, j : j + 1], **OPTIONS)[0]
        for i, j in np.argwhere(known)
    ]
    of_entries = (weights[:, None] * known)[known]
    np.testing.assert_allclose(value, np.average(terms, weights=of_entries), rtol=1e-12)


@pytest.mark.parametrize("loss", OF_CLASSES)
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_heads_are_classifications_side_by_side(loss, label_smoothing):
    """Their losses are the mean; the class number -1 counts nothing."""
    heads, options = (3, 17, 2), {"label_smoothing": label_smoothing * (loss == "cross_entropy")}
    network = Network([Dense(INPUTS, 6, "silu"), Dense(6, 22)], dtype="float64", random_state=0)
    X, _ = data(loss, 2, rows=31)
    rng = np.random.default_rng(1)
    y = np.column_stack([rng.integers(-1, n, size=31) for n in heads])
    weights = rng.uniform(0.5, 2, size=31)
    check(network, X, y, loss=loss, sample_weight=weights, heads=heads, **options)
    value = network.backward(X, y, loss=loss, sample_weight=weights, heads=heads, **options)
    terms, counted = [], []
    for z, labels in zip(np.split(network.forward(X), (3, 20), axis=1), y.T, strict=True):
        known = labels >= 0
        terms.append(
            loss_formula(loss, z[known], labels[known], **OPTIONS | {"focal_gamma": 2.0} | options)
        )
        counted.append(weights[known])
    expected = np.average(np.concatenate(terms), weights=np.concatenate(counted))
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_heads_that_do_not_fit():
    network = Network([Dense(INPUTS, 5)], dtype="float64", random_state=0)
    X, y = np.ones((4, INPUTS)), np.ones((4, 2), dtype=int)
    with pytest.raises(ValueError, match="heads must add up to the network's outputs, 5"):
        network.backward(X, y, loss="cross_entropy", heads=(3, 3))
    with pytest.raises(ValueError, match="heads must add up to the network's outputs, 5"):
        network.backward(X, y[:, [0] * 5] * 0, loss="cross_entropy", heads=(2**62,) * 4 + (5,))
    with pytest.raises(ValueError, match="heads must be empty for the loss 'squared_error'"):
        network.backward(X, y, heads=(3, 2))
    with pytest.raises(ValueError, match="class numbers from 0 to 1; got 2 in row 1"):
        network.backward(X, y + np.eye(4, 2, -1, dtype=int), loss="focal", heads=(2, 3))
    with pytest.raises(ValueError, match="loss must not be 'gaussian' for a network of 5 outputs"):
        network.backward(X, np.ones((4, 2)), loss="gaussian")


def test_poisson_loss_is_the_likelihood_but_for_a_constant():
    network = Network([Dense(INPUTS, 1)], dtype="float64", random_state=0)
    X, y = data("poisson", 1)
    z = network.forward(X)
    negative_log_likelihood = np.exp(z) - y * z + gammaln(y + 1)
    saturated = np.where(y > 0, y - y * np.log(np.maximum(y, 1)), 0) + gammaln(y + 1)
    np.testing.assert_allclose(
        network.backward(X, y, loss="poisson"),
        np.mean(negative_log_likelihood - saturated),
        rtol=1e-13,
    )


@pytest.mark.parametrize("shift", [-800.0, 800.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", "binary_focal", "focal"])
def test_losses_of_extreme_logits(loss, dtype, shift):
    network = Network([Dense(1, 2)], dtype=dtype, random_state=0)
    network.parameters[0][...] = [[0, shift]]
    network.parameters[1][...] = 0
    X = np.ones((1, 1))
    y = np.array([1]) if loss in OF_CLASSES else np.array([[1.0, 1.0]])
    z = np.array([0.0, shift])
    expected = logsumexp(z) - z[1]
    if loss.startswith("binary"):
        expected = np.logaddexp(0, -z)
    if "focal" in loss:
        expected = expected * (1 - np.exp(-expected)) ** 2
    value = network.backward(X, y, loss=loss)
    tolerance = (4 if "focal" in loss else 1) * np.finfo(dtype).eps
    np.testing.assert_allclose(value, np.mean(expected), rtol=tolerance, atol=1e-300)
    assert all(np.isfinite(g).all() for g in network.gradients_)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tweedie_of_a_total_of_0_that_is_predicted_to_be_0(dtype):
    network = Network([Dense(1, 1)], dtype=dtype, random_state=0)
    network.parameters[0][...] = -1600  # exp(800) times 0 is 0 here
    network.parameters[1][...] = 0
    assert network.backward(np.ones((1, 1)), np.zeros((1, 1)), loss="tweedie") == 0
    assert all(np.all(g == 0) for g in network.gradients_)


def loss_derivative(loss, z, y):
    p = np.exp(log_softmax(z, axis=1))
    if loss == "cross_entropy":
        return (p - np.eye(z.shape[1])[y]) / len(z)
    if loss == "focal":  # of gamma 2
        right = p[np.arange(len(z)), y][:, None]
        by_p = 2 * (1 - right) * np.log(right) - (1 - right) ** 2 / right
        return by_p * right * (np.eye(z.shape[1])[y] - p) / len(z)
    if loss == "gaussian":
        mean, spread = np.split(z, 2, axis=1)
        u = (mean - y) / (np.logaddexp(0, spread) + 1e-3)
        by_deviation = 2 * norm.pdf(u) - 1 / np.sqrt(np.pi)
        by_spread = by_deviation / (1 + np.exp(-spread))
        return np.hstack([2 * norm.cdf(u) - 1, by_spread]) / y.size
    of_one, sign = 1 / (1 + np.exp(-z)), 1
    if loss == "binary_focal":
        sign = 2 * y - 1
        of_one = np.where(y == 1, of_one, 1 - of_one)
    derivative = {
        "squared_error": lambda: 2 * (z - y),
        "absolute_error": lambda: np.sign(z - y),
        "huber": lambda: np.clip(z - y, -1, 1),
        "quantile": lambda: np.where(y > z, -0.5, 0.5),
        "poisson": lambda: np.exp(z) - y,
        "gamma": lambda: 1 - y / np.exp(z),
        "tweedie": lambda: np.exp(z / 2) - y * np.exp(-z / 2),
        "log_cosh": lambda: np.tanh(z - y),
        "expectile": lambda: z - y,
        "binary_focal": lambda: (
            sign
            * (2 * (1 - of_one) * np.log(of_one) - (1 - of_one) ** 2 / of_one)
            * of_one
            * (1 - of_one)
        ),
        "binary_cross_entropy": lambda: 1 / (1 + np.exp(-z)) - y,
    }[loss]()
    return derivative / z.size


@pytest.mark.parametrize("outputs", [2, 6])
@pytest.mark.parametrize("loss", LOSSES)
def test_given_output_gradient_is_the_built_in_loss(loss, outputs):
    layers = [Dense(INPUTS, 8, "silu"), Dropout(0.4), Dense(8, outputs)]
    network = Network(layers, dtype="float64", random_state=0)
    X, y = data(loss, outputs)
    network.backward(X, y, loss=loss)
    built_in = [np.array(g) for g in network.gradients_]
    z = network.forward(X, training=True)
    assert network.backward(X, output_gradient=loss_derivative(loss, z, y)) is None
    for own, other in zip(network.gradients_, built_in, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-12, atol=1e-15)
