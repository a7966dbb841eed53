"""Networks and optimisers say what is wrong."""

import numpy as np
import pytest
from embedded_networks import EMBEDDINGS, network_on
from small_networks import small

from fastmlp import Dense, Dropout, Embedding, Network, Optimizer, Scale


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
    ("layers", "error", "message"),
    [
        ([3], TypeError, "layers must hold fastmlp.Dense, .*; got int"),
        (["dense"], TypeError, "layers must hold fastmlp.Dense, .*; got str"),
        ([Dense(2.5, 3)], TypeError, "Dense.inputs must be an integer; got 2.5"),
        ([Dense("a", 3)], TypeError, "Dense.inputs must be an integer; got 'a'"),
        ([Dense(3, None)], TypeError, "Dense.outputs must be an integer; got None"),
        ([Dense(2**70, 3)], ValueError, "Dense.inputs is too large"),
        ([Dense(1, 3, 5)], TypeError, "Dense.activation must be a string; got 5"),
        ([Dense(1, 3), Dropout("x")], TypeError, "Dropout.rate must be a number; got 'x'"),
        (Dense(2, 3), TypeError, "a sequence of layers; got one: Dense"),
    ],
)
def test_layers_of_the_wrong_type(layers, error, message):
    with pytest.raises(error, match=message):
        Network(layers)


def test_not_enough_memory(forked):
    """The error comes before anything of that size has been filled."""
    script = """
import resource
from fastmlp import Dense, Network, Regressor
resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
for make, expected in (
    (lambda: Network([Dense(3, 2**31)]), MemoryError),
    (lambda: Network([Dense(3, 2**40)]), ValueError),  # of parameters no table has use for
    (lambda: Regressor(hidden_layer_sizes=2**40).fit([[0.0], [1.0]], [0.0, 1.0]), ValueError),
):
    try:
        make()
    except expected as error:
        assert "layer" in str(error), error
    else:
        raise AssertionError
# Not ru_maxrss: that is of the process that started this one, if it was larger.
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))  # KiB
"""
    done = forked(script)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2**20


@pytest.mark.parametrize("dtype", ["float16", "int32", None, "foo"])
def test_bad_dtype(dtype):
    with pytest.raises(ValueError, match=f"dtype must be 'float32' or 'float64'; got {dtype!r}"):
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
        small().backward(table, np.zeros((2, 3)))


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
        network.backward(np.zeros((ROWS, 6)), **options)
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


def test_optimizer_of_something_else():
    with pytest.raises(TypeError, match=r"network must be a fastmlp\.Network; got 'network'"):
        Optimizer("network")


@pytest.mark.parametrize("rate", [-1.0, 0.0, np.nan, np.inf])
def test_bad_rate_of_a_step(rate, X):
    network = small()
    optimizer = Optimizer(network)
    network.backward(X, np.zeros((40, 3)))
    before = [np.array(p) for p in network.parameters]
    with pytest.raises(ValueError, match="learning_rate must be positive and finite"):
        optimizer.step(rate)
    for own, other in zip(network.parameters, before, strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate_factors": [1.0] * 5}, "learning_rate_factors must hold one number for"),
        ({"weight_decay_factors": [1.0] * 7}, "weight_decay_factors must hold one number for"),
        ({"learning_rate_factors": [(1.0, -1.0)] * 6}, "learning_rate_factors must be numbers"),
        ({"weight_decay_factors": [np.nan] * 6}, "weight_decay_factors must be numbers"),
    ],
)
def test_factors_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        Optimizer(network_on(EMBEDDINGS["numbers"]), **options)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([Dense(2, 2), Embedding(2)], ValueError, r"layers\[1\] must not be an embedding"),
        ([Embedding(2), Dense(2, 1)], ValueError, r"layers\[1\] takes 2 inputs.*gives 8"),
        ([Scale(3), Dense(2, 1)], ValueError, r"layers\[1\] takes 2 inputs.*gives 3"),
        ([Embedding(-1)], ValueError, "Embedding must have numbers of columns >= 0"),
        ([Embedding(2, -1)], ValueError, "Embedding must have numbers of columns >= 0"),
        ([Embedding(0)], ValueError, "Embedding must have at least one output"),
        ([Embedding(2.0)], TypeError, "Embedding.n_numbers must be an integer; got 2.0"),
        ([Embedding(2, None)], TypeError, "Embedding.n_flags must be an integer; got None"),
        ([Embedding(2**62)], ValueError, "Embedding layer is too large"),
        ([Embedding(2**64)], ValueError, "Embedding.n_numbers is too large"),
        ([Embedding(2, periodic="no")], TypeError, "Embedding.periodic must be True or False"),
        ([Embedding(2, sigma=-0.1)], ValueError, "Embedding.sigma must be a number >= 0; got -0"),
        ([Embedding(2, sigma=np.nan)], ValueError, "Embedding.sigma must be a number >= 0"),
        ([Embedding(2, sigma="x")], TypeError, "Embedding.sigma must be a number; got 'x'"),
        ([Embedding(2, bin_edges=3)], TypeError, "Embedding.bin_edges must be an array or a seq"),
        ([Embedding(2, bin_edges="")], TypeError, "Embedding.bin_edges must be an array or a seq"),
        (
            [Embedding(2, bin_edges=[1, 2])],
            TypeError,
            "Embedding.bin_edges must be an array or a seq",
        ),
        (
            [Embedding(2, bin_edges=[[1, [2]]])],
            TypeError,
            "Embedding.bin_edges must be an array or a seq",
        ),
        (
            [Embedding(1, bin_edges=[["a", "b"]])],
            TypeError,
            "Embedding.bin_edges must be an array or a seq",
        ),
        ([Embedding(2, bin_edges=[[0, 1]])], ValueError, "for each of the 2 numbers; got 1"),
        (
            [Embedding(1, bin_edges=[[0]])],
            ValueError,
            "Embedding.bin_edges must hold at least two",
        ),
        ([Embedding(1, bin_edges=[[1, 0]])], ValueError, "Embedding.bin_edges must ascend"),
        ([Embedding(1, bin_edges=[[0, np.inf]])], ValueError, "Embedding.bin_edges must be finite"),
        ([Embedding(2, categories=3)], TypeError, "Embedding.categories must be a sequence"),
        ([Embedding(2, categories=[3])], TypeError, "Embedding.categories must be a sequence"),
        ([Embedding(2, categories=[(3,)])], TypeError, "Embedding.categories must be a seq"),
        ([Embedding(2, categories=[(2.5, 1)])], TypeError, "Embedding.categories must be a seq"),
        ([Embedding(2, categories=[(-1, 0)])], ValueError, "Embedding.categories must have sizes"),
        ([Embedding(2, categories=[(2, -1)])], ValueError, "Embedding.categories must have sizes"),
        ([Embedding(2, categories=[(2**25, 0)])], ValueError, "Embedding.categories must have"),
        ([Scale(0)], ValueError, "Scale.width must be at least 1; got 0"),
        ([Scale(-1)], ValueError, "Scale.width must be at least 1; got -1"),
        ([Scale(2.5)], TypeError, "Scale.width must be an integer; got 2.5"),
        ([Scale(True)], TypeError, "Scale.width must be an integer; got True"),
        ([Scale(2**63)], ValueError, "Scale.width is too large"),
        ([Dense(2, 2, "tanh", "yes")], TypeError, "Dense.parametric must be True or False"),
        ([Dense(2, 2, "identity", True)], ValueError, "Dense.parametric must be false where"),
    ],
)
def test_bad_embeddings_scales_and_slopes(layers, error, message):
    with pytest.raises(error, match=message):
        Network(layers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate_init": "x"}, "learning_rate_init must be a number; got 'x'"),
        ({"weight_decay": "auto"}, "weight_decay must be a number; got 'auto'"),
        ({"momentum": None}, "momentum must be a number; got None"),
        ({"max_grad_norm": "x"}, "max_grad_norm must be a number; got 'x'"),
        ({"solver": None}, "solver must be a string; got None"),
    ],
)
def test_parameters_of_the_optimizer_of_another_type(options, message):
    with pytest.raises(TypeError, match=message):
        Optimizer(small(), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": "a"}, "delta must be a number; got 'a'"),
        ({"alpha": "a"}, "alpha must be a number; got 'a'"),
        ({"loss": None}, "loss must be a string; got None"),
    ],
)
def test_parameters_of_backward_of_another_type(options, message, X):
    with pytest.raises(TypeError, match=message):
        small().backward(X, np.zeros((40, 3)), **options)
    with pytest.raises(TypeError, match="learning_rate must be a number; got 'a'"):
        Optimizer(small()).step("a")
    with pytest.raises(TypeError, match="layers must be a sequence of layers; got None"):
        Network(None)
