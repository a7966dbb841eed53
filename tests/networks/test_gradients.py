"""Losses against their formulas, gradients against central differences, in float64."""

import numpy as np
import pytest
from scipy.special import gammaln, log_softmax, logsumexp
from scipy.stats import norm
from sklearn.metrics import mean_tweedie_deviance

from fastmlp import Dense, Dropout, Network
from fastmlp.networks.layers import ACTIVATIONS

LOSSES = (
    "squared_error",
    "absolute_error",
    "huber",
    "quantile",
    "log_cosh",
    "expectile",
    "poisson",
    "gamma",
    "tweedie",
    "binary_cross_entropy",
    "cross_entropy",
    "binary_focal",
    "focal",
    "gaussian",
)
OF_CLASSES = ("cross_entropy", "focal")
# Not the defaults, so that a parameter that is not passed on is found.
OPTIONS = {
    "delta": 0.8,
    "quantile": 0.3,
    "tweedie_power": 1.3,
    "expectile": 0.2,
    "focal_gamma": 1.4,
    "label_smoothing": 0.0,
}

EPS = 1e-6
KINKED = {"relu", "leaky_relu", "selu"}  # a jump in the derivative at 0
ROWS, INPUTS = 9, 5
PENALTIES = {
    "no penalty": {},
    "l1": {"alpha": 0.7, "l1_ratio": 1.0},
    "l2": {"alpha": 0.7, "l1_ratio": 0.0},
    "both": {"alpha": 0.7, "l1_ratio": 0.3},
}


def data(loss: str, outputs: int, rows: int = ROWS, seed: int = 0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, INPUTS))
    if loss in OF_CLASSES:
        return X, rng.integers(outputs, size=rows)
    if loss == "binary_cross_entropy":
        return X, rng.uniform(size=(rows, outputs))
    if loss == "binary_focal":
        return X, rng.integers(2, size=(rows, outputs)).astype(float)
    if loss == "gaussian":
        return X, rng.normal(size=(rows, outputs // 2))
    if loss in ("poisson", "tweedie"):
        return X, rng.poisson(2.0, size=(rows, outputs)).astype(float)
    if loss == "gamma":
        return X, rng.gamma(2.0, size=(rows, outputs))
    return X, rng.normal(scale=2.0, size=(rows, outputs))


def hidden_inputs(network: Network, X: np.ndarray):
    """What goes into every hidden activation, by networks cut off before it."""
    for position, layer in enumerate(network.layers):
        if not isinstance(layer, Dense):
            continue
        cut = [*network.layers[:position], Dense(layer.inputs, layer.outputs)]
        front = Network(cut, dtype="float64", random_state=0)
        assert front._engine.seed == network._engine.seed  # so the same dropout masks
        for own, other in zip(front.parameters, network.parameters, strict=False):
            own[...] = other
        yield layer.activation, front.forward(X, training=True)


def assert_smooth(network: Network, X: np.ndarray, y: np.ndarray, options: dict):
    """The point must be farther from every kink than the differences reach."""
    for activation, z in hidden_inputs(network, X):
        if activation in KINKED:
            assert np.abs(z[z != 0]).min() > 1e-4
    loss = options["loss"]
    if loss in ("absolute_error", "quantile", "huber"):
        distance = np.abs(network.forward(X, training=True) - y)
        if loss == "huber":
            distance = np.abs(distance - options["delta"])
        assert np.nanmin(distance) > 1e-4
    if options.get("alpha"):
        assert min(np.abs(w).min() for w in network.parameters[::2]) > 1e-5


def central_differences(network: Network, X, y, options) -> list[np.ndarray]:
    found = []
    for values in network.parameters:
        derivative = np.empty(values.shape)
        for index in np.ndindex(values.shape):
            value = values[index]
            values[index] = value + EPS
            above = network.backward(X, y, **options)
            values[index] = value - EPS
            below = network.backward(X, y, **options)
            values[index] = value
            derivative[index] = (above - below) / (2 * EPS)
        found.append(derivative)
    return found


def check(network: Network, X, y, **options):
    # Weights of one size everywhere, whatever the initialisation is.
    rng = np.random.default_rng(2)
    for values in network.parameters:
        values[...] = rng.normal(scale=0.5, size=values.shape)
    assert_smooth(network, X, y, options)
    network.backward(X, y, **options)
    gradients = [np.array(g) for g in network.gradients_]
    for exact, difference in zip(
        gradients, central_differences(network, X, y, options), strict=True
    ):
        np.testing.assert_allclose(exact, difference, rtol=1e-6, atol=2e-9)
    assert max(np.abs(g).max() for g in gradients) > 1e-3


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_loss_and_penalty(activation, loss, penalty):
    outputs = 4 if loss == "gaussian" else 3
    layers = [Dense(INPUTS, 7, activation), Dense(7, 6, activation), Dense(6, outputs)]
    network = Network(layers, dtype="float64", random_state=0)
    X, y = data(loss, outputs)
    check(network, X, y, loss=loss, **OPTIONS, **PENALTIES[penalty])


# Layers of at most four outputs are stored the other way round.
@pytest.mark.parametrize(
    ("loss", "outputs"),
    # A loss over one class is always 0, and Gaussians have two outputs each.
    [
        (a, n)
        for a in LOSSES
        for n in (1, 2, 3, 4, 5, 9)
        if (n > 1 or a not in OF_CLASSES) and (n % 2 == 0 or a != "gaussian")
    ],
)
def test_numbers_of_outputs_with_weights_and_dropout(loss, outputs):
    layers = [Dense(INPUTS, 11, "tanh"), Dropout(0.3), Dense(11, outputs, "softplus")]
    layers += [Dropout(0.2), Dense(outputs, 3, "silu"), Dense(3, outputs)]
    network = Network(layers, dtype="float64", random_state=0)
    X, y = data(loss, outputs)
    weights = np.random.default_rng(1).uniform(0.2, 3.0, size=ROWS)
    weights[2] = 0.0
    check(network, X, y, loss=loss, sample_weight=weights, alpha=0.1, **OPTIONS)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("label_smoothing", [0.1, 0.9])
def test_label_smoothing(loss, label_smoothing):
    network = Network([Dense(INPUTS, 6, "silu"), Dense(6, 4)], dtype="float64", random_state=0)
    X, y = data(loss, 4)
    check(network, X, y, loss=loss, label_smoothing=label_smoothing)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("classes", [2, 5, 17])
def test_cross_entropy_of_probabilities(classes, label_smoothing):
    network = Network(
        [Dense(INPUTS, 6, "silu"), Dense(6, classes)], dtype="float64", random_state=0
    )
    X, labels = data("cross_entropy", classes)
    y = np.random.default_rng(1).dirichlet(np.full(classes, 0.3), size=ROWS)
    weights = np.random.default_rng(2).uniform(size=ROWS)
    options = {"loss": "cross_entropy", "label_smoothing": label_smoothing}
    check(network, X, y, sample_weight=weights, **options)
    smooth = y * (1 - label_smoothing) + label_smoothing / classes
    expected = -(smooth * log_softmax(network.forward(X), axis=1)).sum(axis=1)
    np.testing.assert_allclose(network.backward(X, y, **options), expected.mean(), rtol=1e-13)

    certain = np.eye(classes)[labels]
    of_labels = network.backward(X, labels, **options)
    np.testing.assert_allclose(network.backward(X, certain, **options), of_labels, rtol=1e-13)


@pytest.mark.parametrize("widths", [(1, 1), (3, 17), (16, 33), (65, 2), (4, 4)])
def test_odd_widths(widths):
    first, second = widths
    layers = [Dense(INPUTS, first, "mish"), Dense(first, second, "gelu"), Dense(second, 2)]
    network = Network(layers, dtype="float64", random_state=0)
    X, y = data("squared_error", 2)
    check(network, X, y, loss="squared_error", alpha=0.2, l1_ratio=0.5)


def test_single_layer_and_single_row():
    network = Network([Dense(INPUTS, 1)], dtype="float64", random_state=0)
    X, y = data("squared_error", 1, rows=1)
    check(network, X, y, loss="squared_error")


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


def test_many_rows_are_the_mean_of_their_parts():
    # More rows than the engine takes through the layers at once.
    rows = 20_011
    layers = [Dense(INPUTS, 40, "gelu"), Dense(40, 3)]
    network = Network(layers, dtype="float64", random_state=0)
    X, y = data("squared_error", 3, rows=rows)
    loss = network.backward(X, y)
    whole = [np.array(g) for g in network.gradients_]
    parts = [np.zeros_like(g) for g in whole]
    total = 0.0
    for first in range(0, rows, 500):
        part = slice(first, first + 500)
        share = len(X[part]) / rows
        total += share * network.backward(X[part], y[part])
        for sum_, gradient in zip(parts, network.gradients_, strict=True):
            sum_ += share * gradient
    np.testing.assert_allclose(loss, total, rtol=1e-12)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_gradient_is_the_float64_one(activation):
    layers = [Dense(INPUTS, 33, activation), Dense(33, 17, activation), Dense(17, 2)]
    single, double = (Network(layers, dtype=d, random_state=0) for d in ("float32", "float64"))
    for own, other in zip(double.parameters, single.parameters, strict=True):
        own[...] = other
    X, y = data("squared_error", 2)
    X = X.astype(np.float32)
    single.backward(X, y)
    double.backward(X, y)
    for one, other in zip(single.gradients_, double.gradients_, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6 * np.abs(other).max())
