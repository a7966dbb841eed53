"""Offsets: numbers of each row that the engine adds to raw outputs, in training and prediction."""

import numpy as np
import pytest
from engine_options import PLAIN
from scipy.special import expit, softmax

from fastmlp import Dense, Network, Optimizer, _core

OPTIONS = PLAIN | {"max_iter": 5, "early_stopping": True, "reports_outputs": True}
ROWS = np.arange(40, dtype="uint32")
HELD_OUT = np.arange(40, 60, dtype="uint32")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def trained(X, y, offset, width=8):
    """Curves, reported outputs and weights of a network that is trained on these rows."""
    layers = [Dense(3, width, "tanh"), Dense(width, width, "tanh"), Dense(width, 2)]
    network = Network(layers, dtype="float64", random_state=0)
    reported = []

    def on_epoch(epoch, loss, validation_loss, rate, seconds, outputs, others):
        reported.append(outputs.copy())
        return False, None

    result = _core.train(
        network._engine,
        Optimizer(network, solver="adam")._engine,
        None,
        (X, y, None, ROWS, offset),
        (X, y, None, HELD_OUT, offset),
        OPTIONS,
        _core.ThreadBudget(1, 1),
        on_epoch,
        None,
    )
    return result, reported, network


@pytest.mark.parametrize("width", [8, 400])  # gradients by rows, and by owning threads
def test_squared_error_is_that_of_the_difference(width, rng):
    X, y, offset = rng.normal(size=(60, 3)), rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    with_offset, reported, one = trained(X, y, offset, width)
    difference, rest, other = trained(X, y - offset, None, width)
    for curve in ("loss_curve", "validation_curve"):
        np.testing.assert_allclose(with_offset[curve], difference[curve])
    np.testing.assert_allclose(reported[-1], rest[-1] + offset[HELD_OUT])
    for own, others in zip(one.parameters, other.parameters, strict=True):
        np.testing.assert_allclose(own, others, atol=1e-9)


@pytest.mark.parametrize(
    ("link", "inverse"),
    [
        ("identity", lambda z: z),
        ("exponential", np.exp),
        ("logistic", expit),
        ("softmax", lambda z: softmax(z, axis=1)),
    ],
)
def test_predictions_have_it_before_the_inverse_link(link, inverse, rng):
    network = Network([Dense(3, 8, "tanh"), Dense(8, 2)], dtype="float64", random_state=0)
    X, offset = rng.normal(size=(500, 3)), rng.normal(size=(500, 2))
    predictor = _core.PredictorF64(network._engine, None, link)
    expected = inverse(network.forward(X) + offset)
    np.testing.assert_allclose(predictor.predict(X, 2, offset), expected)


@pytest.mark.parametrize(
    "bad", [np.zeros((60, 1)), np.zeros((59, 2)), np.zeros(120), np.zeros((60, 2), dtype="float32")]
)
def test_a_wrong_shape_or_type_is_refused(bad, rng):
    X, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    with pytest.raises(ValueError, match="offset_val must be a C-contiguous array"):
        trained(X, y, bad)
    network = Network([Dense(3, 2)], dtype="float64", random_state=0)
    with pytest.raises(ValueError, match="offset must be a C-contiguous array"):
        _core.PredictorF64(network._engine, None, "identity").predict(X, 1, bad)
