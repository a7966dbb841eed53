"""Rows for every loss of the engine, and gradients against central differences in float64."""

import numpy as np

from fastmlp import Dense, Network

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
