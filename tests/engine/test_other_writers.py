"""What other threads write to arrays while the engine reads them, and what comes after Ctrl-C."""

import signal
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from engine_options import PLAIN

from fastmlp import _core

N_ROWS, N_COLUMNS = 300, 20


class Stop(Exception):
    pass


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def network(*sizes, sparse=False):
    layers = [
        {
            "kind": "dense",
            "inputs": inputs,
            "outputs": outputs,
            "activation": "tanh" if i + 2 < len(sizes) else "identity",
            "sparse": sparse and i == 0,
        }
        for i, (inputs, outputs) in enumerate(pairwise(sizes))
    ]
    return _core.NetworkF32(layers, 0)


def adam(engine):
    return _core.OptimizerF32(engine, "adam", 0.9, True, 0.9, 0.999, 1e-8, 0.0, [], [])


def epochs(engine, X, y, link="identity", n_threads=1):
    return _core.EpochsF32(engine, X, y, None, link, 0.0, 32, n_threads)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_labels_may_be_overwritten_during_training(rng, n_threads):
    X = rng.normal(size=(N_ROWS, N_COLUMNS)).astype("float32")
    labels = rng.integers(3, size=N_ROWS).astype("int32")
    order = np.arange(N_ROWS, dtype="uint32")

    def losses(overwrites):
        engine, y = network(N_COLUMNS, 64, 3), labels.copy()
        optimizer = adam(engine)
        training = epochs(engine, X, y, "softmax", n_threads)
        losses = [training.run(order, optimizer, 1e-2)]
        if overwrites:
            y[:] = 10**9
        return losses + [training.run(order, optimizer, 1e-2) for _ in range(3)]

    assert losses(True) == losses(False)


OPTIONS = PLAIN | {"loss": "cross_entropy", "max_iter": 4, "batch_size": 32}


def test_a_callback_may_overwrite_labels_and_row_numbers(rng):
    X = rng.normal(size=(N_ROWS, N_COLUMNS)).astype("float32")
    labels = rng.integers(3, size=N_ROWS).astype("int32")

    def curves(overwrites):
        engine, y, y_val = network(N_COLUMNS, 64, 3), labels.copy(), labels.copy()
        rows = np.arange(200, dtype="uint32")

        def on_epoch(*record):
            if overwrites:
                y[:] = y_val[:] = -(10**9)
                rows[:] = 2**32 - 1
            return False, None

        validation = (X, y_val, None, np.arange(200, N_ROWS, dtype="uint32"), None)
        threads = _core.ThreadBudget(1, 1)
        result = _core.train(
            engine,
            adam(engine),
            None,
            (X, y, None, rows, None),
            validation,
            OPTIONS,
            threads,
            on_epoch,
            None,
        )
        return result["loss_curve"], result["validation_curve"]

    assert curves(True) == curves(False)


def test_a_signal_handler_may_overwrite_row_numbers(rng):
    X = rng.normal(size=(N_ROWS, N_COLUMNS)).astype("float32")
    engine = network(N_COLUMNS, 512, 512, 1)
    training = epochs(engine, X, np.zeros(N_ROWS, dtype="float32"))
    optimizer = adam(engine)
    order = np.tile(np.arange(N_ROWS, dtype="uint32"), 200)
    calls = []

    def overwrite(number, frame):
        calls.append(number)
        order[:] = 2**32 - 1

    before = signal.signal(signal.SIGALRM, overwrite)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert np.isfinite(training.run(order, optimizer, 1e-3))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert calls
    with pytest.raises(ValueError, match="rows must be row numbers of X"):
        training.run(order, optimizer, 1e-3)


def csr(rng):
    dense = rng.normal(size=(N_ROWS, N_COLUMNS)).astype("float32")
    rows, columns = np.nonzero(rng.random(dense.shape) < 0.3)
    starts = np.searchsorted(rows, np.arange(N_ROWS + 1)).astype("int64")
    return dense[rows, columns], columns.astype("int32"), starts


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    ("part", "place", "value"),
    [(1, 100, 2**31 - 1), (1, 100, -1), (1, 100, N_COLUMNS), (2, 50, 2**62), (2, 50, -1)],
)
def test_sparse_tables_may_be_overwritten_after_they_were_checked(
    rng, part, place, value, n_threads
):
    X = csr(rng)
    engine = network(N_COLUMNS, 64, 1, sparse=True)
    optimizer = adam(engine)
    training = epochs(engine, X, np.zeros(N_ROWS, dtype="float32"), n_threads=n_threads)
    order = np.arange(N_ROWS, dtype="uint32")
    training.run(order, optimizer, 1e-2)
    weights, good = engine.flat().copy(), X[part][place]
    X[part][place] = value
    with pytest.raises(ValueError, match="X must not be changed while it is read"):
        training.run(order, optimizer, 1e-2)
    np.testing.assert_array_equal(engine.flat(), weights)
    X[part][place] = good
    assert np.isfinite(training.run(order, optimizer, 1e-2))


def test_epochs_go_on_after_an_interruption(rng):
    X = rng.normal(size=(N_ROWS, N_COLUMNS)).astype("float32")
    y = X[:, 0].copy()
    engine = network(N_COLUMNS, 512, 512, 1)
    training, optimizer = epochs(engine, X, y), adam(engine)
    order = np.arange(N_ROWS, dtype="uint32")
    for_minutes = np.tile(order, 10_000)
    weights = engine.flat().copy()

    def stop(number, frame):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Stop):
            training.run(for_minutes, optimizer, 1e-3)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    np.testing.assert_array_equal(engine.flat(), weights)
    fresh = network(N_COLUMNS, 512, 512, 1)
    gradient = epochs(fresh, X, y).gradients(order)
    assert training.gradients(order) == gradient
    losses = [training.run(order, optimizer, 1e-3) for _ in range(3)]
    assert np.all(np.diff(losses) < 0)


def backward(engine, X, **given):
    options = {
        "y": None,
        "sample_weight": None,
        "output_gradient": None,
        "loss": {"loss": "squared_error"},
        "l1": 0.0,
        "l2": 0.0,
        "n_threads": 1,
    }
    loss = engine.backward(X, **options | given)
    return loss, np.concatenate([gradient.ravel() for *_, gradient in engine.arrays()])


def test_a_backward_pass_remembers_nothing_of_the_last(rng):
    X = rng.normal(size=(N_ROWS, N_COLUMNS)).astype("float32")
    Y = X[:, :2].copy()
    calls = [
        (64, {"y": Y[:64], "l1": 0.2, "l2": 0.3}),
        (64, {"y": Y[:64]}),
        (50, {"output_gradient": Y[:50]}),
        (64, {"y": Y[:64], "loss": {"loss": "quantile", "quantiles": [0.2, 0.7]}}),
        (20, {"y": Y[:20], "sample_weight": X[:20, 3] ** 2}),
        (
            300,
            {
                "y": (Y[:, 0] > 0).astype("int32"),
                "loss": {"loss": "cross_entropy"},
                "n_threads": 2,
            },
        ),
        (300, {"y": Y, "n_threads": 1}),
        (7, {"y": Y[:7], "loss": {"loss": "huber", "delta": 0.4}}),
    ]
    kept = network(N_COLUMNS, 64, 2)
    for n_rows, options in calls * 2:
        loss, gradient = backward(kept, X[:n_rows], **options)
        fresh_loss, fresh_gradient = backward(network(N_COLUMNS, 64, 2), X[:n_rows], **options)
        assert loss == fresh_loss
        np.testing.assert_array_equal(gradient, fresh_gradient)


def test_two_threads_may_call_backward(rng):
    """Each gets its own loss, though the gradients are those of whoever came last."""
    X = rng.normal(size=(N_ROWS, N_COLUMNS)).astype("float32")
    Y = X[:, :1].copy()
    engine = network(N_COLUMNS, 64, 64, 1)
    sizes = [10, 200, 64, 300]
    expected = [backward(engine, X[:n], y=Y[:n])[0] for n in sizes]

    def work(k):
        n = sizes[k % 4]
        return [backward(engine, X[:n], y=Y[:n], n_threads=1 + k % 2)[0] for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        for k, losses in enumerate(pool.map(work, range(8))):
            assert losses == [expected[k % 4]] * 50


@pytest.mark.parametrize("training", [False, True])
def test_forward_gives_the_same_bits_on_any_number_of_threads(rng, training):
    X = rng.normal(size=(5000, N_COLUMNS)).astype("float32")
    layers = [
        {"kind": "dense", "inputs": N_COLUMNS, "outputs": 200, "activation": "gelu"},
        {"kind": "dropout", "rate": 0.3},
        {"kind": "dense", "inputs": 200, "outputs": 3, "activation": "identity"},
    ]
    engine = _core.NetworkF32(layers, 0)
    serial = engine.forward(X, training)
    for n_threads in (1, 2, 3, 8):
        np.testing.assert_array_equal(engine.forward(X, training, n_threads), serial)
    if not training:
        np.testing.assert_array_equal(engine.forward(X[:1], training), serial[:1])
