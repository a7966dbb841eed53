"""Embedding, Scale and parametric Dense layers against NumPy: passes, gradients, steps."""

import copy
import pickle

import numpy as np
import pytest
from embedded_networks import EMBEDDINGS, network_on, width_of
from scipy.special import erf, expit

from fastmlp import Dense, Dropout, Embedding, Network, Optimizer, Scale

EPS = 1e-5
ROWS = 9
ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "selu": lambda z: (
        1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))
    ),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    "silu": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "tanh": np.tanh,
    "logistic": expit,
    "softplus": lambda z: np.logaddexp(0, z),
}


def periodic_features(x, weights, bias):
    """Feature 0 of all numbers (n, n_numbers), then feature 1 of all, then feature 2."""
    frequencies, mixing = weights[:16], weights[16:].reshape(3, 16, -1)
    cosines = np.cos(2 * np.pi * frequencies * x[:, None] + bias[:16])
    return (np.einsum("nfj,kfj->nkj", cosines, mixing) + bias[16:]).reshape(len(x), -1)


def piecewise_linear_features(x, edges, weights):
    """Feature 0 of all numbers (n, n_numbers), then feature 1 and so on."""
    start, width = edges[:, :-1], np.diff(edges)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.clip((x[..., None] - start) / width, 0, 1)
    steps = np.where(width > 0, steps, 0)  # (n, features, steps)
    return np.einsum("nfs,ksf->nkf", steps, weights.reshape(4, -1, len(edges))).reshape(len(x), -1)


def embed(layer, X, parameters):
    plain = layer.n_numbers + layer.n_flags
    blocks = [X[:, :plain]]
    if layer.periodic and layer.n_numbers:
        blocks.insert(
            0, periodic_features(X[:, : layer.n_numbers], next(parameters), next(parameters))
        )
    if layer.bin_edges:
        numbers, edges = X[:, : layer.n_numbers], np.array(layer.bin_edges)
        blocks.insert(-1, piecewise_linear_features(numbers, edges, next(parameters)))
    for codes, (size, width) in zip(X[:, plain:].T.astype(int), layer.categories, strict=True):
        vectors = next(parameters) if width else np.eye(size + 1)[:, 1:]
        blocks.append(vectors[codes])
    return np.hstack(blocks)


def forward(network, X):
    parameters = iter(network.parameters)
    for layer in network.layers:
        if isinstance(layer, Embedding):
            X = embed(layer, X, parameters)
        elif isinstance(layer, Scale):
            X = X * next(parameters)
        elif isinstance(layer, Dense):
            X = X @ next(parameters) + next(parameters)
            slope = next(parameters) if layer.parametric else 1
            if layer.activation != "identity":
                X = X + slope * (ACTIVATIONS[layer.activation](X) - X)
    return X


def table(layer, rows=ROWS, seed=0):
    """Numbers, flags and codes, unknown ones among them."""
    rng = np.random.default_rng(seed)
    codes = [rng.integers(size + 1, size=rows) for size, _ in layer.categories]
    numbers = rng.normal(size=(rows, layer.n_numbers))
    flags = rng.integers(-1, 2, size=(rows, layer.n_flags))
    return np.column_stack([numbers, flags, *codes])


@pytest.mark.parametrize("rows", [1, 200])
@pytest.mark.parametrize("layer", EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_embedding_is_its_docstring(layer, rows):
    X = table(layer, rows)
    network = Network([layer, Dense(width_of(layer), width_of(layer))], dtype="float64")
    network.parameters[-2][...] = np.eye(width_of(layer))
    network.parameters[-1][...] = 0
    expected = embed(layer, X, iter(network.parameters))
    np.testing.assert_allclose(network.forward(X), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_is_numpys(activation):
    layer = EMBEDDINGS["everything"]
    X, network = table(layer, rows=50), network_on(layer, activation)
    np.testing.assert_allclose(network.forward(X), forward(network, X), rtol=1e-12, atol=1e-12)
    single = network_on(layer, activation, dtype="float32")
    np.testing.assert_allclose(single.forward(X), forward(network, X), rtol=1e-4, atol=1e-4)


def test_slopes_start_as_the_activation_itself():
    X = np.random.default_rng(0).normal(size=(20, 4))
    bent, plain = (
        Network([Dense(4, 5, "mish", parametric), Dense(5, 2)], dtype="float64", random_state=0)
        for parametric in (True, False)
    )
    np.testing.assert_allclose(bent.forward(X), plain.forward(X), rtol=1e-14, atol=1e-14)
    bent.parameters_of("slopes")[0][...] = 0  # then the layer is linear
    straight = X @ bent.parameters[0] + bent.parameters[1]
    np.testing.assert_allclose(
        bent.forward(X), straight @ bent.parameters[3] + bent.parameters[4], rtol=1e-12
    )


def test_scale_starts_at_one():
    X = np.random.default_rng(0).normal(size=(20, 4))
    np.testing.assert_array_equal(Network([Scale(4)], dtype="float64").forward(X), X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("code", [-1, -0.5, 5, 1e9, np.nan])
def test_codes_that_there_are_not_are_unknown(code, dtype):
    layer = Embedding(0, categories=((4, 0), (4, 3)))
    network = Network([layer], dtype=dtype, random_state=0)
    X = np.full((2, 2), code)
    unknown = np.concatenate([np.zeros(4), network.parameters[0][0]])
    np.testing.assert_array_equal(network.forward(X), np.tile(unknown, (2, 1)))


def test_bin_edges_are_kept_as_tuples():
    table = np.array([[0.0, 1, 2], [3, 4, 5]])
    given = [table, table.tolist(), list(table), tuple(map(tuple, table.tolist()))]
    layers = {Embedding(2, bin_edges=edges) for edges in given}
    assert len(layers) == 1
    table[0, 0] = 7
    assert layers.pop().bin_edges == ((0, 1, 2), (3, 4, 5))


def test_initial_values():
    edges = [[0.0, 1.0, 2.0, 3.0, 4.0]] * 4000
    layer = Embedding(4000, sigma=0.3, bin_edges=edges, categories=((999, 20),))
    network = Network([layer], random_state=0)
    weights, bias, linear, vectors = network.parameters
    assert np.std(weights[:16]) == pytest.approx(0.3, rel=0.02)
    assert np.std(vectors) == pytest.approx(1, rel=0.02)
    for uniform, bound in (
        (bias[:16], np.pi),
        (bias[16:], 0.25),
        (weights[16:], 0.25),
        (linear, 0.5),
    ):
        assert np.abs(uniform).max() <= bound * (1 + 1e-6)
        assert np.std(uniform) == pytest.approx(bound / np.sqrt(3), rel=0.02)


def check_gradients(network, X, y, **options):
    network.backward(X, y, **options)
    exact = [np.array(gradient) for gradient in network.gradients_]
    for values, gradient in zip(network.parameters, exact, strict=True):
        for index in np.ndindex(values.shape):
            value, losses = values[index], []
            for step in (EPS, -EPS):
                values[index] = value + step
                losses.append(network.backward(X, y, **options))
            values[index] = value
            difference = (losses[0] - losses[1]) / (2 * EPS)
            assert gradient[index] == pytest.approx(difference, rel=1e-6, abs=5e-9)
    assert all(gradient.any() for gradient in exact)


@pytest.mark.parametrize("layer", EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_gradients(layer):
    network = network_on(layer, dropout=[Dropout(0.3)])
    X = table(layer)
    weights = np.random.default_rng(2).uniform(0.2, 3, size=ROWS)
    check_gradients(network, X, np.ones((ROWS, 2)), sample_weight=weights)


@pytest.mark.parametrize("activation", ["elu", "gelu", "silu", "mish", "logistic", "softplus"])
def test_gradients_of_slopes(activation):
    layer = EMBEDDINGS["flags"]
    check_gradients(network_on(layer, activation), table(layer), np.ones((ROWS, 2)))


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
@pytest.mark.parametrize("loss", ["quantile", "cross_entropy", "binary_cross_entropy", "poisson"])
def test_gradients_of_losses_and_penalties(loss, l1_ratio):
    layer = Embedding(2, 1, categories=((3, 2),))
    y = np.arange(ROWS * 2).reshape(ROWS, 2) % 2
    y = y[:, 0] if loss == "cross_entropy" else y + (0.25 if loss == "quantile" else 0.0)
    options = {"loss": loss, "quantile": [0.2, 0.7], "alpha": 0.3, "l1_ratio": l1_ratio}
    check_gradients(network_on(layer), table(layer), y, **options)


def test_many_rows_are_the_mean_of_their_parts():
    layer = EMBEDDINGS["everything"]
    network, X = network_on(layer, "mish"), table(layer, rows=700)
    network.backward(X, np.zeros((700, 2)))
    whole = [np.array(gradient) for gradient in network.gradients_]
    sums = [np.zeros_like(gradient) for gradient in whole]
    for rows in np.array_split(np.arange(700), 7):
        network.backward(X[rows], np.zeros((100, 2)))
        for total, gradient in zip(sums, network.gradients_, strict=True):
            total += gradient / 7
    for total, gradient in zip(sums, whole, strict=True):
        np.testing.assert_allclose(gradient, total, rtol=1e-9, atol=1e-12)


RATE, DECAY = 0.05, 0.2


# Embedding, Scale, Dense, Scale, Dense, Dense
RATE_FACTORS = [0.1, 6.0, (0.5, 0.2), (2.0, 3.0), (1.0, 0.0), 1.5]
DECAY_FACTORS = [0.1, 6.0, 1.0, 0.0, 3.0, 2.0]
BY_LAYER = {
    "learning_rate_init": RATE,
    "weight_decay": DECAY,
    "learning_rate_factors": RATE_FACTORS,
    "weight_decay_factors": DECAY_FACTORS,
}
ARE_BIASES = ("periodic bias", "bias", "slopes")


def moved(solver, parameters, moments, gradients, names, t):
    """One step, each array with the factors of its layer."""
    beta_1, beta_2 = 0.9, 0.99
    for value, gradient, (layer, name), moment in zip(
        parameters, gradients, names, moments, strict=True
    ):
        is_bias = name in ARE_BIASES
        rate = RATE * np.broadcast_to(RATE_FACTORS[layer], 2)[int(is_bias)]
        decay = 0 if is_bias else rate * DECAY * DECAY_FACTORS[layer]
        value *= 1 - decay
        moment[1] = beta_2 * moment[1] + (1 - beta_2) * gradient**2
        if solver == "adam":
            moment[0] = beta_1 * moment[0] + (1 - beta_1) * gradient
            rate *= np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
            value -= rate * moment[0] / (np.sqrt(moment[1]) + 1e-8)
        elif solver == "rmsprop":
            value -= rate * gradient / (np.sqrt(moment[1]) + 1e-8)
        else:
            moment[0] = 0.8 * moment[0] - rate * gradient
            value += moment[0]


@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop"])
def test_factors_of_layers(solver):
    layer = EMBEDDINGS["everything"]
    network, X = network_on(layer), table(layer)
    options = {"beta_2": 0.99, "momentum": 0.8, "nesterovs_momentum": False, **BY_LAYER}
    optimizer = Optimizer(network, solver=solver, **options)
    names = [(number, name) for number, name, _, _ in network._engine.arrays()]
    parameters = [np.array(values) for values in network.parameters]
    moments = [[np.zeros_like(v), np.zeros_like(v)] for v in parameters]
    for t in range(1, 6):
        network.backward(X, np.ones((ROWS, 2)))
        moved(solver, parameters, moments, network.gradients_, names, t)
        optimizer.step()
        for own, expected in zip(network.parameters, parameters, strict=True):
            np.testing.assert_allclose(own, expected, rtol=1e-10, atol=1e-12)


def test_vectors_of_codes_that_do_not_come_stay_without_decay():
    layer = Embedding(0, categories=((5, 2),))
    network = Network([layer, Dense(2, 1)], dtype="float64", random_state=0)
    before = np.array(network.parameters[0])
    optimizer = Optimizer(network, weight_decay=0.1, weight_decay_factors=[0.0, 1.0])
    network.backward([[2], [4]], [1.0, 2.0])
    optimizer.step()
    changed = (network.parameters[0] != before).any(axis=1)
    np.testing.assert_array_equal(changed, np.isin(np.arange(6), [2, 4]))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copy_goes_on_with_the_same_bits(duplicate):
    layer = EMBEDDINGS["everything"]
    network, X = network_on(layer, dropout=[Dropout(0.3)]), table(layer)
    optimizer = Optimizer(network, **BY_LAYER)
    for _ in range(2):
        network.backward(X, np.ones((ROWS, 2)))
        optimizer.step()
    other = duplicate(optimizer)
    assert other.network is not network
    assert other.network.layers == network.layers
    for _ in range(2):
        for one in (optimizer, other):
            one.network.backward(X, np.ones((ROWS, 2)))
            one.step()
    for own, copied in zip(network.parameters, other.network.parameters, strict=True):
        np.testing.assert_array_equal(own, copied)
