"""Network: its parameters, its passes, dropout, the tables it takes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import coo_array, csc_array, csr_array
from small_networks import small

from fastmlp import Dense, Dropout, Network, Optimizer

DTYPES = ["float32", "float64"]


def test_repr_is_what_makes_such_a_network():
    network = small("float32")
    made = eval(repr(network), {"Network": Network, "Dense": Dense, "Dropout": Dropout})
    assert (made.layers, made.dtype) == (network.layers, network.dtype)


@pytest.mark.parametrize("outputs", [1, 3, 4, 5, 17])
@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters_are_views_of_the_network(dtype, outputs, X):
    network = Network([Dense(6, 9, "relu"), Dense(9, outputs)], dtype=dtype, random_state=0)
    shapes = [(6, 9), (9,), (9, outputs), (outputs,)]
    assert [p.shape for p in network.parameters] == shapes
    assert [g.shape for g in network.gradients_] == shapes
    assert {p.dtype for p in network.parameters + network.gradients_} == {np.dtype(dtype)}
    rng = np.random.default_rng(1)
    for p in network.parameters:
        p[...] = rng.normal(size=p.shape)
    W1, b1, W2, b2 = (np.array(p, dtype=np.float64) for p in network.parameters)
    X = X.astype(dtype)
    expected = np.maximum(X @ W1 + b1, 0) @ W2 + b2
    tolerance = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(network.forward(X), expected, rtol=tolerance, atol=tolerance)
    network.parameters[3][0] += 1
    expected[:, 0] += 1
    np.testing.assert_allclose(network.forward(X), expected, rtol=tolerance, atol=tolerance)


def test_views_outlive_the_network(X):
    network = small()
    parameters, copies = network.parameters, [np.array(p) for p in network.parameters]
    del network
    for own, other in zip(parameters, copies, strict=True):
        np.testing.assert_array_equal(own, other)


def test_gradients_views_are_filled_in_place(X):
    network = small()
    views = network.gradients_
    assert all((g == 0).all() for g in views)
    network.backward(X, np.zeros((40, 3)))
    assert all(g.any() for g in views)
    assert all(a is b for a, b in zip(views, network.gradients_, strict=True))


@pytest.mark.parametrize(
    ("activation", "variance", "bias_bound"),
    [
        ("relu", 1 / 900, 1 / np.sqrt(300)),
        ("silu", 1 / 900, 1 / np.sqrt(300)),
        ("selu", 1 / 300, 1 / np.sqrt(300)),
        ("tanh", 2 / 500, 1 / np.sqrt(300)),
        ("logistic", 2 / 500, 1 / np.sqrt(300)),
        ("identity", 0.01 / 300, 0.0),
    ],
)
def test_initial_weights(activation, variance, bias_bound):
    """Uniform, with the variances that Dense::initialise states."""
    network = Network([Dense(300, 200, activation)], dtype="float64", random_state=0)
    weights, bias = network.parameters
    assert np.abs(weights).max() <= np.sqrt(3 * variance)
    assert 0.9 * bias_bound <= np.abs(bias).max() <= bias_bound
    # Mean and variance within five standard errors of 60,000 draws.
    assert abs(weights.mean()) < 5 * np.sqrt(variance / weights.size)
    assert abs(weights.var() / variance - 1) < 5 * np.sqrt(0.8 / weights.size)


def test_float32_starts_with_the_weights_of_float64():
    for single, double in zip(small("float32").parameters, small().parameters, strict=True):
        np.testing.assert_array_equal(single, double.astype(np.float32))


def test_training_masks_are_those_of_the_gradients(X):
    """The last layer's gradient is inputs' outer product, so it shows the masked inputs."""
    network = small()
    y = np.random.default_rng(1).normal(size=(40, 3))
    for _ in range(3):
        outputs = network.forward(X, training=True)
        np.testing.assert_array_equal(network.forward(X, training=True), outputs)
        loss = network.backward(X, y)
        np.testing.assert_allclose(loss, np.mean((outputs - y) ** 2), rtol=1e-13)
        bias = 2 * (outputs - y).sum(axis=0) / y.size
        np.testing.assert_allclose(network.gradients_[-1], bias, rtol=1e-12)
        Optimizer(network, learning_rate_init=1e-300, solver="sgd").step()
        assert not np.array_equal(network.forward(X, training=True), outputs)


def test_masks_of_many_rows_do_not_depend_on_blocks():
    """forward and gradients cut 5,000 rows differently."""
    layers = [Dense(2, 64, "relu"), Dropout(0.5), Dense(64, 1)]
    network = Network(layers, dtype="float64", random_state=0)
    X = np.random.default_rng(0).normal(size=(5003, 2))
    loss = network.backward(X, np.zeros(5003))
    np.testing.assert_allclose(loss, np.mean(network.forward(X, training=True) ** 2), rtol=1e-12)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_rate_and_scale(rate):
    layers = [Dense(1, 400), Dropout(rate)]
    rate = np.floor(rate * 2**16) / 2**16  # 16 random bits decide on a value
    network = Network(layers, dtype="float64", random_state=0)
    network.parameters[0][...] = 0
    network.parameters[1][...] = 1
    X = np.ones((500, 1))
    np.testing.assert_array_equal(network.forward(X), 1)
    outputs = network.forward(X, training=True)
    kept = outputs != 0
    np.testing.assert_allclose(outputs[kept], 1 / (1 - rate), rtol=1e-15)
    error = np.sqrt(rate * (1 - rate) / outputs.size)
    assert abs(kept.mean() - (1 - rate)) <= 5 * error
    if rate:
        # Rows and columns are independent: no row or column is far from the rate.
        for axis in (0, 1):
            share = kept.mean(axis=axis)
            error = np.sqrt(rate * (1 - rate) / kept.shape[axis])
            assert np.abs(share - (1 - rate)).max() < 5 * error


@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "?", ">f4", ">i2"]
)
@pytest.mark.parametrize("own", DTYPES)
def test_dtypes_of_the_table(dtype, own, X):
    table = np.abs(X * 3).astype(dtype)
    network = small(own)
    np.testing.assert_array_equal(network.forward(table), network.forward(table.astype("f8")))


def test_memory_orders_of_the_table(X):
    network = small()
    expected = network.forward(X)
    wide = np.zeros((80, 12))
    wide[::2, ::-2] = X
    for table in (np.asfortranarray(X), wide[::2, ::-2], X.tolist()):
        np.testing.assert_array_equal(network.forward(table), expected)


def test_no_rows(X):
    network = small()
    assert network.forward(X[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match="X must have at least one row"):
        network.backward(X[:0], np.zeros((0, 3)))


def test_several_networks_share_nothing(X):
    one, two = small(), small()
    one.parameters[0][...] = 0
    assert not np.array_equal(one.forward(X), two.forward(X))


def test_prediction_ignores_what_other_layers_left_in_memory():
    layers = [Dense(16, 16, "relu"), Dense(16, 16, "tanh"), Dense(16, 3, "relu"), Dense(3, 1)]
    network = Network(layers, random_state=0)
    X = np.ones((5, 16), dtype="float32")
    network.parameters[0][:, 5] = 3e38  # this output of the first layer overflows
    assert np.isfinite(network.forward(X, training=True)).all()
    np.testing.assert_array_equal(network.forward(X), network.forward(X, training=True))


def test_parameters_are_replaced_in_place_only():
    network = Network([Dense(2, 1)], random_state=0)
    with pytest.raises(AttributeError):
        network.parameters = []


def sparse_network(dtype="float64") -> Network:
    layers = [Dense(6, 10, "silu", parametric=True, sparse=True), Dropout(0.3), Dense(10, 2)]
    return Network(layers, dtype=dtype, random_state=0)


@pytest.mark.parametrize("form", [csr_array, csc_array, coo_array])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_rows_pass_like_dense_ones(dtype, form, X):
    X = np.where(X > 0.5, X, 0)
    sparse = sparse_network(dtype)
    first, *others = sparse.layers
    dense = Network([replace(first, sparse=False), *others], dtype=dtype, random_state=0)
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-10}
    for training in (False, True):
        np.testing.assert_allclose(
            sparse.forward(form(X), training=training),
            dense.forward(X, training=training),
            **tolerance,
        )
    y = np.ones((40, 2))
    assert sparse.backward(form(X), y) == pytest.approx(dense.backward(X, y))
    for own, other in zip(sparse.gradients_, dense.gradients_, strict=True):
        np.testing.assert_allclose(own, other, **tolerance)


def test_sparse_rows_and_dense_ones_do_not_fit_each_others_networks(X):
    with pytest.raises(ValueError, match="X must be sparse, as the network is"):
        sparse_network().forward(X)
    with pytest.raises(ValueError, match="X must not be sparse"):
        small().forward(csr_array(X))
    with pytest.raises(ValueError, match="only the first layer can"):
        Network([Dense(6, 4), Dense(4, 1, sparse=True)])
