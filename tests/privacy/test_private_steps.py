"""A private step by the core: the gradients of single rows, each scaled down, and noise."""

import os

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import kstest

from fastmlp import _core
from fastmlp.networks import Dense, Dropout, Embedding, Network, Optimizer, Scale
from fastmlp.table.engine_array import engine_table

N_ROWS, N_NUMBERS = 40, 3
KEY = bytes(range(32))
EDGES = [[-2.0, -0.5, 0.0, 1.0, 2.0]] * N_NUMBERS


def table():
    """Three numbers, a flag, and two categories."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(N_ROWS, N_NUMBERS))
    flag = rng.integers(0, 2, (N_ROWS, 1))
    codes = np.column_stack([rng.integers(0, 4, N_ROWS), rng.integers(0, 13, N_ROWS)])
    return np.hstack([numbers, flag, codes]).astype(np.float64)


def layers_of(kind, n_outputs):
    """Networks that have each layer between them."""
    embedding = Embedding(N_NUMBERS, 1, False, 0.3, (), ((3, 0), (12, 0)))
    if kind == "dense":
        return [embedding, Dense(19, 7, "tanh"), Dense(7, n_outputs)]
    if kind == "sparse rows":
        return [Dense(6, 7, "relu", sparse=True), Dense(7, n_outputs)]
    if kind == "one output of many inputs":  # stored the other way round
        return [embedding, Dense(19, 40, "relu"), Dense(40, n_outputs)]
    embedding = Embedding(N_NUMBERS, 1, True, 0.3, EDGES, ((3, 0), (12, 8)))
    width = embedding.outputs
    return [
        embedding,
        Scale(width),
        Dense(width, 9, "silu", parametric=True),
        Dropout(0.3),
        Dense(9, 8, "relu", parametric=True),
        Dense(8, n_outputs),
    ]


KINDS = ["dense", "sparse rows", "one output of many inputs", "all layers"]
LOSSES = {
    "squared_error": lambda rng: rng.normal(size=(N_ROWS, 2)),
    "absolute_error": lambda rng: rng.normal(size=(N_ROWS, 1)),
    "huber": lambda rng: rng.normal(size=(N_ROWS, 1)),
    "quantile": lambda rng: rng.normal(size=(N_ROWS, 1)),
    "poisson": lambda rng: rng.poisson(2.0, (N_ROWS, 1)).astype(float),
    "binary_cross_entropy": lambda rng: rng.integers(0, 2, (N_ROWS, 1)).astype(float),
    "cross_entropy": lambda rng: rng.integers(0, 3, N_ROWS).astype(np.int32),
}


def outputs_of(loss, y):
    return 3 if loss == "cross_entropy" else y.shape[1]


def engine_options(loss, **changes):
    options = {
        "loss": loss,
        "delta": 1.0,
        "quantiles": [0.3],
        "label_smoothing": 0.0,
        "l1": 0.0,
        "l2": 0.0,
        "learning_rate": "constant",
        "learning_rate_init": 1.0,
        "power_t": 0.5,
        "warmup_fraction": 0.0,
        "n_steps": 1,
        "sampling_rate": 1.0,
        "max_row_norm": 1.0,
        "noise_multiplier": 0.0,
        "average_steps": 0.0,
    }
    return options | changes


def new_network(kind, loss, y, dtype="float64"):
    layers = layers_of(kind, outputs_of(loss, y))
    network = Network(layers, dtype=dtype, random_state=np.random.RandomState(3))
    for values in network.parameters:
        values += 0.1
    return network


def part_of(kind, y, dtype="float64", weights=None, rows=None):
    y = y if y.dtype == np.int32 else y.astype(dtype)
    X = table().astype(dtype)
    if kind == "sparse rows":
        X = engine_table(csr_array(X), np.dtype(dtype))
    return X, y, weights, rows, None


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float64)


def gradient_of_a_step(
    kind, loss, y, *, weights=None, n_threads=1, dtype="float64", rows=None, **changes
):
    """What steps of plain gradient descent subtract."""
    network = new_network(kind, loss, y, dtype)
    optimizer = Optimizer(network, solver="sgd", momentum=0.0, nesterovs_momentum=False)
    before = flat(network.parameters)
    options = engine_options(loss, **changes)
    part = part_of(kind, y, dtype, weights, rows)
    training = _core.PrivateTraining(
        network._engine, optimizer._engine, None, part, options, KEY, n_threads
    )
    training.run(options["n_steps"])
    training.finish()
    return before - flat(network.parameters)


def gradients_of_rows(kind, loss, y, weights=None):
    """Of each row alone, by the ordinary backward pass."""
    network = new_network(kind, loss, y)
    X, y, _, _, _ = part_of(kind, y)
    gradients = []
    for row in range(N_ROWS):
        weight = 1.0 if weights is None else weights[row]
        alone = np.zeros(N_ROWS)
        alone[row] = 1.0  # in its place of the minibatch, as dropout depends on it
        options = {"loss": loss, "quantiles": [0.3]}
        network._engine.backward(X, y, alone, None, options, 0.0, 0.0, 1)
        gradients.append(weight * flat(network.gradients_))
    return np.array(gradients)


def clipped(gradients, max_norm):
    norms = np.linalg.norm(gradients, axis=1)
    return gradients * np.minimum(1, max_norm / norms)[:, None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradients_of_rows_are_scaled_down_one_by_one(kind, loss):
    y = LOSSES[loss](np.random.default_rng(1))
    rows = gradients_of_rows(kind, loss, y)
    max_norm = float(np.median(np.linalg.norm(rows, axis=1)))  # half of them are scaled
    summed = N_ROWS * gradient_of_a_step(kind, loss, y, max_row_norm=max_norm)
    expected = clipped(rows, max_norm).sum(axis=0)
    np.testing.assert_allclose(summed, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_row_adds_more_than_the_largest_norm(kind, dtype):
    y = 1e3 * LOSSES["squared_error"](np.random.default_rng(1))
    alone = [np.array([row], dtype=np.uint32) for row in range(8)]
    added = [
        gradient_of_a_step(kind, "squared_error", y, rows=rows, dtype=dtype, max_row_norm=0.5)
        for rows in alone
    ]
    norms = np.linalg.norm(added, axis=1)
    assert np.all(norms <= 0.5)
    np.testing.assert_allclose(norms, 0.5, rtol=1e-5)


def test_weights_of_rows_count_before_their_gradients_are_scaled():
    y = LOSSES["squared_error"](np.random.default_rng(1))
    weights = np.random.default_rng(2).uniform(0, 3, N_ROWS)
    rows = gradients_of_rows("dense", "squared_error", y, weights)
    summed = N_ROWS * gradient_of_a_step(
        "dense", "squared_error", y, weights=weights, max_row_norm=0.7
    )
    np.testing.assert_allclose(summed, clipped(rows, 0.7).sum(axis=0), rtol=0, atol=1e-11)


def test_a_row_whose_gradient_is_no_number_adds_nothing():
    y = LOSSES["squared_error"](np.random.default_rng(1))
    broken = y.copy()
    broken[5] = np.inf
    rows = clipped(gradients_of_rows("all layers", "squared_error", y), 1.0)
    rows[5] = 0
    summed = N_ROWS * gradient_of_a_step("all layers", "squared_error", broken)
    np.testing.assert_allclose(summed, rows.sum(axis=0), rtol=0, atol=1e-11)


def noise_of(noise_multiplier=2.0, max_row_norm=0.5, n_steps=1, **changes):
    """The noise that a step added to the sum of the gradients."""
    y = LOSSES["squared_error"](np.random.default_rng(1))
    about = {"max_row_norm": max_row_norm, "n_steps": n_steps, **changes}
    noisy = gradient_of_a_step(
        "all layers", "squared_error", y, noise_multiplier=noise_multiplier, **about
    )
    return N_ROWS * (noisy - gradient_of_a_step("all layers", "squared_error", y, **about))


def test_noise_is_normal_and_of_the_size_that_epsilon_is_computed_for():
    noise = noise_of() / (2.0 * 0.5)
    assert noise.size > 600
    assert kstest(noise, "norm").pvalue > 1e-3
    assert noise.std() == pytest.approx(1, abs=0.1)


def test_every_key_has_its_own_noise(monkeypatch):
    one = noise_of()
    monkeypatch.setattr(f"{__name__}.KEY", os.urandom(32))
    other = noise_of()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2


def test_every_step_has_its_own_noise():
    y = LOSSES["squared_error"](np.random.default_rng(1))
    # No row is in a minibatch: steps are noise alone.
    about = {"sampling_rate": 1e-6, "noise_multiplier": 1.0, "max_row_norm": 1e-6}
    first, both = (
        gradient_of_a_step("all layers", "squared_error", y, n_steps=n, **about) for n in (1, 2)
    )
    assert abs(np.corrcoef(first, both - first)[0, 1]) < 0.2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(dtype):
    y = LOSSES["squared_error"](np.random.default_rng(1))
    about = {"noise_multiplier": 1.0, "sampling_rate": 0.5, "n_steps": 5, "dtype": dtype}
    first, *others = (
        gradient_of_a_step("all layers", "squared_error", y, n_threads=n, **about)
        for n in (1, 2, 3, 4)
    )
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_minibatches_have_each_row_with_the_same_probability():
    # A gradient of its own for each row: one-hot codes and a linear layer.
    n_rows, n_steps, rate = 50, 400, 0.2
    X = np.arange(1, n_rows + 1, dtype=np.float64)[:, None]
    layers = [Embedding(0, 0, False, 0.3, (), ((n_rows, 0),)), Dense(n_rows, 1)]
    counts = np.zeros((n_steps, n_rows))
    network = Network(layers, dtype="float64", random_state=0)
    optimizer = Optimizer(network, solver="sgd", momentum=0.0, nesterovs_momentum=False)
    options = engine_options(
        "absolute_error", sampling_rate=rate, n_steps=n_steps, max_row_norm=1e-3
    )
    part = (X, np.full((n_rows, 1), -1e6), None, None, None)
    training = _core.PrivateTraining(
        network._engine, optimizer._engine, None, part, options, KEY, 1
    )
    weights = network.parameters[0]
    for step in range(n_steps):
        before = weights.copy()
        training.run(1)
        counts[step] = np.ravel(before - weights) > 0
    by_row = counts.sum(axis=0)
    spread = np.sqrt(n_steps * rate * (1 - rate))
    assert np.all(np.abs(by_row - n_steps * rate) < 4.5 * spread)
    assert counts.mean() == pytest.approx(rate, abs=0.01)
    together = np.corrcoef(counts.T)[np.triu_indices(n_rows, 1)]
    assert np.abs(together).max() < 0.25  # independently of each other


def test_a_minibatch_without_rows_is_noise():
    y = LOSSES["squared_error"](np.random.default_rng(1))
    about = {"sampling_rate": 1e-6, "noise_multiplier": 1.0, "max_row_norm": 1e-6}
    noise = gradient_of_a_step("all layers", "squared_error", y, **about)
    assert noise.std() * N_ROWS == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampling_rate": 0.0}, r"sampling_rate must be in \(0, 1\]"),
        ({"max_row_norm": 0.0}, "max_row_norm must be a positive number"),
        ({"noise_multiplier": -1.0}, "noise_multiplier must be a number >= 0"),
        ({"n_steps": 0}, "n_steps must be at least 1"),
        ({"learning_rate": "adaptive"}, "learning_rate must not be 'adaptive'"),
    ],
)
def test_wrong_options_are_errors(change, message):
    y = LOSSES["squared_error"](np.random.default_rng(1))
    with pytest.raises(ValueError, match=message):
        gradient_of_a_step("dense", "squared_error", y, **change)


def test_a_minibatch_that_is_taken_in_chunks_gets_its_noise_once():
    n_rows = 40_000  # of which 2^14 are taken at a time
    X, y = np.full((n_rows, 1), 0.5), np.full((n_rows, 1), 100.0)
    found = []
    for rows, noise in ((1, 0.0), (n_rows, 0.0), (n_rows, 3.0)):
        network = Network([Dense(1, 400, "tanh"), Dense(400, 1)], dtype="float64", random_state=0)
        optimizer = Optimizer(network, solver="sgd", momentum=0.0, nesterovs_momentum=False)
        before = flat(network.parameters)
        options = engine_options("squared_error", noise_multiplier=noise)
        part = (X[:rows], y[:rows], None, None, None)
        training = _core.PrivateTraining(
            network._engine, optimizer._engine, None, part, options, KEY, 2
        )
        training.run(1)
        found.append(before - flat(network.parameters))
    one, many, noisy = found
    np.testing.assert_allclose(many, one, rtol=0, atol=1e-9)
    assert n_rows * np.std(noisy - many) == pytest.approx(3.0, rel=0.1)
