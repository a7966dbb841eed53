"""Gradients against central differences, in float64."""

import numpy as np
import pytest
from checked_gradients import INPUTS, LOSSES, OF_CLASSES, OPTIONS, ROWS, check, data
from scipy.special import log_softmax

from fastmlp import Dense, Dropout, Network
from fastmlp.networks.layers import ACTIVATIONS

PENALTIES = {
    "no penalty": {},
    "l1": {"alpha": 0.7, "l1_ratio": 1.0},
    "l2": {"alpha": 0.7, "l1_ratio": 0.0},
    "both": {"alpha": 0.7, "l1_ratio": 0.3},
}


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
