"""Network and Optimizer: for those who write their own training loop."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

from fastmlp import Dense, Dropout, Network, Optimizer

DTYPES = ["float32", "float64"]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(40, 6))


def small(dtype="float64", seed=0, rate=0.3) -> Network:
    layers = [Dense(6, 10, "silu"), Dropout(rate), Dense(10, 7, "tanh"), Dropout(rate)]
    return Network([*layers, Dense(7, 3)], dtype=dtype, random_state=seed)


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
    network.gradients(X, np.zeros((40, 3)))
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


# ---- dropout


def test_training_masks_are_those_of_the_gradients(X):
    """The last layer's gradient is inputs' outer product, so it shows the masked inputs."""
    network = small()
    y = np.random.default_rng(1).normal(size=(40, 3))
    for _ in range(3):
        outputs = network.forward(X, training=True)
        np.testing.assert_array_equal(network.forward(X, training=True), outputs)
        loss = network.gradients(X, y)
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
    loss = network.gradients(X, np.zeros(5003))
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


# ---- inputs


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
        network.gradients(X[:0], np.zeros((0, 3)))


# ---- errors


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "layers must hold at least one layer"),
        ([Dropout(0.1), Dense(1, 1)], r"layers\[0\]"),
        ([Dense(1, 2), Dense(3, 1)], r"layers\[1\] takes 3 inputs.*gives 2"),
        ([Dense(0, 2)], "inputs must be at least 1"),
        ([Dense(2, -1)], "outputs must be at least 1"),
        ([Dense(1, 1, "swish")], "activation must be one of .*'silu'.*'swish'"),
        ([Dense(1, 1), Dropout(1.0)], r"must be in \[0, 1\)"),
        ([Dense(1, 1), Dropout(-0.1)], r"must be in \[0, 1\)"),
        ([Dense(1, 1), Dropout(float("nan"))], r"must be in \[0, 1\)"),
        ([Dense(2**62, 2)], "too large"),
        ([Dense(2**40, 2**40)], "too large"),
    ],
)
def test_bad_layers(layers, message):
    with pytest.raises(ValueError, match=message):
        Network(layers)


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([3], "layers"),
        (["dense"], "layers"),
        ([Dense(2.5, 3)], "inputs"),
        ([Dense("a", 3)], "inputs"),
        ([Dense(3, None)], "outputs"),
        ([Dense(2**70, 3)], "inputs"),
        ([Dense(1, 3, 5)], "activation"),
        ([Dense(1, 3), Dropout("x")], "rate|dropout"),
        (Dense(2, 3), "a sequence of layers; got one: Dense"),
    ],
)
def test_layers_of_the_wrong_type(layers, name):
    with pytest.raises((TypeError, ValueError), match=name):
        Network(layers)


def test_not_enough_memory():
    """The error comes before anything of that size has been filled."""
    script = """
import resource
from fastmlp import Dense, Network, Regressor
resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
for make in (
    lambda: Network([Dense(3, 2**31)]),
    lambda: Network([Dense(3, 2**40)]),
    lambda: Regressor(hidden_layer_sizes=2**40).fit([[0.0], [1.0]], [0.0, 1.0]),
):
    try:
        make()
    except (MemoryError, ValueError) as error:  # too large for this machine, or for any
        assert "layer" in str(error), error
    else:
        raise AssertionError
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # KiB
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2**20


@pytest.mark.parametrize("dtype", ["float16", "int32", None, "foo"])
def test_bad_dtype(dtype):
    with pytest.raises((TypeError, ValueError), match="dtype"):
        Network([Dense(1, 1)], dtype=dtype)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (np.zeros(6), ValueError, r"X must be 2-D.*\(6,\)"),
        (np.zeros((2, 5)), ValueError, r"X must have 6 columns.*\(2, 5\)"),
        (np.zeros((2, 6, 1)), ValueError, "X must be 2-D"),
        ([["a"] * 6], TypeError, "X must hold numbers"),
        (np.zeros((2, 6), dtype=object), TypeError, "X must hold numbers"),
        (np.zeros((2, 6), dtype=complex), TypeError, "X must hold numbers"),
        (np.zeros((2, 6), dtype="M8[D]"), TypeError, "X must hold numbers"),
    ],
)
def test_bad_table(table, error, message):
    with pytest.raises(error, match=message):
        small().forward(table)
    with pytest.raises(error, match=message):
        small().gradients(table, np.zeros((2, 3)))


ROWS = 4
GOOD = np.zeros((ROWS, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of y and output_gradient"),
        ({"y": GOOD, "output_gradient": GOOD}, "exactly one of y and output_gradient"),
        ({"y": np.zeros((3, ROWS))}, r"y must .*\(3, 4\)"),
        ({"y": np.zeros(ROWS)}, r"y must .*\(4,\)"),
        ({"y": np.zeros((ROWS, 1, 3))}, r"y must"),
        ({"y": 5.0}, "y must"),
        ({"y": GOOD, "loss": "l2"}, "loss must be one of 'squared_error'.*'l2'"),
        ({"y": GOOD, "loss": "huber", "delta": 0.0}, "delta must be a positive"),
        ({"y": GOOD, "loss": "huber", "delta": np.nan}, "delta must be a positive"),
        ({"y": GOOD, "loss": "quantile", "quantile": 1.0}, "quantile must be in"),
        ({"y": GOOD, "label_smoothing": 1.0}, "label_smoothing must be in"),
        ({"y": GOOD, "alpha": -1.0}, "alpha must be"),
        ({"y": GOOD, "alpha": np.nan}, "alpha must be"),
        ({"y": GOOD, "alpha": np.inf}, "alpha must be"),
        ({"y": GOOD, "l1_ratio": 1.1}, "l1_ratio"),
        ({"y": GOOD, "sample_weight": np.ones(ROWS - 1)}, r"sample_weight must .*\(3,\)"),
        ({"y": GOOD, "sample_weight": np.ones((ROWS, 1))}, "sample_weight must"),
        ({"output_gradient": np.zeros((ROWS, 2))}, r"output_gradient must be of shape \(4, 3\)"),
        ({"y": [0.5, 1, 2, 0], "loss": "cross_entropy"}, "y must hold integer class"),
        ({"y": [0, 1, 2, 3], "loss": "cross_entropy"}, "y must hold class.*0 to 2; got 3 in row 3"),
        ({"y": [0, 1, 2, -1], "loss": "cross_entropy"}, "got -1 in row 3"),
        ({"y": [0, 1, 2, 2**32], "loss": "cross_entropy"}, "y must hold class"),
        ({"y": [[0], [1], [2], [0]], "loss": "cross_entropy"}, "y must be a 1-D"),
    ],
)
def test_bad_arguments_of_gradients(options, message):
    network = small()
    with pytest.raises(ValueError, match=message):
        network.gradients(np.zeros((ROWS, 6)), **options)
    assert not any(g.any() for g in network.gradients_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "lbfgs"}, "solver must be one of 'sgd', 'adam', 'rmsprop'; got 'lbfgs'"),
        ({"learning_rate_init": 0.0}, "learning_rate_init must be positive"),
        ({"learning_rate_init": np.nan}, "learning_rate_init must be positive"),
        ({"learning_rate_init": np.inf}, "learning_rate_init must be"),
        ({"momentum": 1.5}, r"momentum must be in \[0, 1\]"),
        ({"beta_1": 1.0}, r"beta_1 must be in \[0, 1\)"),
        ({"beta_2": -0.1}, r"beta_2 must be in \[0, 1\)"),
        ({"epsilon": 0.0}, "epsilon must be a positive"),
        ({"weight_decay": -1.0}, "weight_decay must be"),
        ({"max_grad_norm": 0.0}, "max_grad_norm must be positive or None"),
        ({"max_grad_norm": np.nan}, "max_grad_norm must be positive or None"),
        ({"learning_rate_factors": [1.0]}, "learning_rate_factors must hold one number for each"),
        ({"learning_rate_factors": [1.0, -1.0, 1.0]}, "learning_rate_factors must be"),
        ({"learning_rate_factors": [1.0, np.nan, 1.0]}, "learning_rate_factors must be"),
    ],
)
def test_bad_arguments_of_the_optimizer(options, message):
    with pytest.raises(ValueError, match=message):
        Optimizer(small(), **options)


def test_learning_rate_factors_as_an_array(X):
    network = small()
    Optimizer(network, learning_rate_factors=np.array([1.0, 0.5, 0.0]))


def test_optimizer_of_something_else():
    with pytest.raises(TypeError, match=r"network must be a fastmlp\.Network; got 'network'"):
        Optimizer("network")


@pytest.mark.parametrize("rate", [-1.0, 0.0, np.nan, np.inf])
def test_bad_rate_of_a_step(rate, X):
    network = small()
    optimizer = Optimizer(network)
    network.gradients(X, np.zeros((40, 3)))
    before = [np.array(p) for p in network.parameters]
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.step(rate)
    for own, other in zip(network.parameters, before, strict=True):
        np.testing.assert_array_equal(own, other)


# ---- loops and copies


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop"])
def test_own_loop_with_a_numpy_loss_is_the_built_in_one(solver, dtype, X):
    y = np.random.default_rng(1).normal(size=(40, 3))
    own, built_in = small(dtype), small(dtype)
    optimizers = [Optimizer(network, solver=solver) for network in (own, built_in)]
    losses = []
    for _ in range(30):
        difference = own.forward(X, training=True) - y
        assert own.gradients(X, output_gradient=2 * difference / y.size) is None
        losses.append(built_in.gradients(X, y))
        norms = [optimizer.step() for optimizer in optimizers]
        np.testing.assert_allclose(*norms, rtol=1e-3 if dtype == "float32" else 1e-10)
    tolerance = {"float32": 1e-3, "float64": 1e-9}[dtype]
    for one, other in zip(own.parameters, built_in.parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance / 10)
    assert losses[-1] < losses[0]


def test_step_returns_the_norm_before_clipping(X):
    network = small()
    network.gradients(X, np.ones((40, 3)))
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
            network.gradients(X, y)
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


def test_optimizer_keeps_to_its_network():
    small_one = Network([Dense(2, 1)], random_state=0)
    large = Network([Dense(200, 100)], random_state=0)
    optimizer = Optimizer(small_one)
    with pytest.raises(AttributeError):
        optimizer.network = large
    with pytest.raises(ValueError, match="network must be the one"):
        optimizer._engine.step(large._engine, 0.1, 0.0)


def test_parameters_are_replaced_in_place_only():
    network = Network([Dense(2, 1)], random_state=0)
    with pytest.raises(AttributeError):
        network.parameters = []
