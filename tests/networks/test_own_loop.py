"""Training loops of one's own: Network and Optimizer."""

import copy
import pickle

import numpy as np
import pytest
from small_networks import small

from fastmlp import Dense, Network, Optimizer

DTYPES = ["float32", "float64"]


def test_learning_rate_factors_as_an_array(X):
    trained = []
    for factors in (np.array([1.0, 0.5, 0.0]), [1.0, 0.5, 0.0]):
        network = small()
        network.backward(X, np.ones((40, 3)))
        Optimizer(network, learning_rate_factors=factors).step()
        trained.append(network.parameters)
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop"])
def test_own_loop_with_a_numpy_loss_is_the_built_in_one(solver, dtype, X):
    y = np.random.default_rng(1).normal(size=(40, 3))
    own, built_in = small(dtype), small(dtype)
    optimizers = [Optimizer(network, solver=solver) for network in (own, built_in)]
    losses = []
    for _ in range(30):
        difference = own.forward(X, training=True) - y
        assert own.backward(X, output_gradient=2 * difference / y.size) is None
        losses.append(built_in.backward(X, y))
        norms = [optimizer.step() for optimizer in optimizers]
        np.testing.assert_allclose(*norms, rtol=1e-3 if dtype == "float32" else 1e-10)
    tolerance = {"float32": 1e-3, "float64": 1e-9}[dtype]
    for one, other in zip(own.parameters, built_in.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance / 10)
    assert losses[-1] < losses[0]


def test_step_returns_the_norm_before_clipping(X):
    network = small()
    network.backward(X, np.ones((40, 3)))
    norm = np.sqrt(sum((g**2).sum() for g in network.gradients_))
    before = [np.array(p) for p in network.parameters]
    optimizer = Optimizer(
        network, solver="sgd", momentum=0.0, learning_rate_init=0.5, max_grad_norm=0.01
    )
    np.testing.assert_allclose(optimizer.step(), norm, rtol=1e-12)
    moved = [own - old for own, old in zip(network.parameters, before, strict=True)]
    np.testing.assert_allclose(np.sqrt(sum((m**2).sum() for m in moved)), 0.5 * 0.01, rtol=1e-12)


def duplicate_by_pickle(pair):
    return pickle.loads(pickle.dumps(pair))


@pytest.mark.parametrize("duplicate", [duplicate_by_pickle, copy.deepcopy])
@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_copy_goes_on_with_the_same_bits(dtype, solver, duplicate, X):
    y = np.zeros((40, 3))
    network = small(dtype)
    optimizer = Optimizer(network, solver=solver)

    def train(network, optimizer):
        for _ in range(3):
            network.backward(X, y)
            optimizer.step()

    train(network, optimizer)
    other, other_optimizer = duplicate((network, optimizer))
    assert other_optimizer.network is other
    assert not any(
        np.shares_memory(a, b) for a, b in zip(network.parameters, other.parameters, strict=True)
    )
    train(network, optimizer)
    train(other, other_optimizer)
    for one, two in zip(network.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(
        network.forward(X, training=True), other.forward(X, training=True)
    )


def test_optimizer_keeps_to_its_network():
    small_one = Network([Dense(2, 1)], random_state=0)
    large = Network([Dense(200, 100)], random_state=0)
    optimizer = Optimizer(small_one)
    with pytest.raises(AttributeError, match="network"):
        optimizer.network = large
    with pytest.raises(ValueError, match="network must be the one"):
        optimizer._engine.step(large._engine, 0.1, 0.0)
