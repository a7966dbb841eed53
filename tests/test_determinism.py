"""Same seed, same bits: for any number of threads, and for any other state of the process."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fastmlp import Classifier, Dense, Dropout, Network, Optimizer, Regressor

THREADS = [1, 2, 3, 4, 8]

# Enough rows and units that every step is worth eight threads: 8^2 x 5e5 multiply-adds.
WIDE = {
    "rows": 2100,
    "features": 30,
    "hidden_layer_sizes": (250, 130),
    "batch_size": 1050,
    "max_iter": 2,
}
# Nothing divides by anything, and the last minibatch is smaller.
ODD = {
    "rows": 1537,
    "features": 13,
    "hidden_layer_sizes": (129, 67, 33),
    "batch_size": 1201,
    "max_iter": 3,
}
SMALL = {
    "rows": 101,
    "features": 3,
    "hidden_layer_sizes": (7,),
    "batch_size": 17,
    "max_iter": 4,
}
SHAPES = {"wide": WIDE, "odd": ODD, "small": SMALL}


def multiply_adds(shape) -> int:
    widths = (shape["features"], *shape["hidden_layer_sizes"], 1)
    return 3 * shape["batch_size"] * sum(a * b for a, b in pairwise(widths))


def data(shape, classes: int = 0):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(shape["rows"], shape["features"]))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=len(X))
    if classes:
        y = np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]))
    return X, y


def parameters(shape, **more):
    own = {k: v for k, v in shape.items() if k not in ("rows", "features")}
    return {"random_state": 0, "dropout": 0.1, "validation_fraction": 0.2, **own, **more}


def assert_same_bits(one, other, X):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    predict = "predict_proba" if hasattr(one, "predict_proba") else "predict"
    np.testing.assert_array_equal(getattr(one, predict)(X), getattr(other, predict)(X))
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_curve_ == other.validation_curve_


def test_the_shapes_keep_several_threads_busy():
    assert multiply_adds(WIDE) > 8**2 * 5e5
    assert multiply_adds(ODD) > 8**2 * 5e5
    assert multiply_adds(SMALL) < 2**2 * 5e5


@pytest.mark.parametrize("n_jobs", THREADS[1:])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_regressor_on_any_number_of_threads(shape, dtype, n_jobs):
    X, y = data(SHAPES[shape])
    options = parameters(SHAPES[shape], dtype=dtype)
    serial = Regressor(n_jobs=1, **options).fit(X, y)
    assert_same_bits(serial, Regressor(n_jobs=n_jobs, **options).fit(X, y), X)


@pytest.mark.parametrize("n_jobs", THREADS[1:])
@pytest.mark.parametrize(
    "more",
    [
        {"solver": "sgd", "alpha": 1.0, "l1_ratio": 0.5},
        {"max_grad_norm": 0.1, "activation": "relu"},
        {"solver": "rmsprop", "learning_rate": "one_cycle", "early_stopping": False},
        {"standardize": False, "shuffle": False, "dropout": [0.5, 0.0, 0.2]},
    ],
    ids=["sgd", "clipping", "rmsprop", "in order"],
)
def test_options_on_any_number_of_threads(more, n_jobs):
    X, y = data(ODD)
    options = parameters(ODD, **more)
    weights = np.random.default_rng(1).uniform(size=len(X))
    serial = Regressor(n_jobs=1, **options).fit(X, y, weights)
    assert_same_bits(serial, Regressor(n_jobs=n_jobs, **options).fit(X, y, weights), X)


@pytest.mark.parametrize("n_jobs", THREADS[1:])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_classifier_on_any_number_of_threads(classes, n_jobs):
    X, y = data(WIDE, classes)
    options = parameters(WIDE, label_smoothing=0.1)
    serial = Classifier(n_jobs=1, **options).fit(X, y)
    assert_same_bits(serial, Classifier(n_jobs=n_jobs, **options).fit(X, y), X)


@pytest.mark.parametrize("n_jobs", THREADS[1:])
def test_own_loop_on_any_number_of_threads(n_jobs):
    X, y = data(ODD)

    def run(n_jobs):
        layers = [Dense(13, 200, "gelu"), Dropout(0.2), Dense(200, 200, "silu"), Dense(200, 1)]
        network = Network(layers, random_state=0, n_jobs=n_jobs)
        optimizer = Optimizer(network)
        for _ in range(3):
            network.gradients(X, y)
            optimizer.step()
        return network

    for one, other in zip(run(1).parameters, run(n_jobs).parameters, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threadpool_limits_change_no_bit():
    X, y = data(ODD)
    free = Regressor(**parameters(ODD)).fit(X, y)
    with threadpool_limits(1):
        limited = Regressor(**parameters(ODD)).fit(X, y)
    assert_same_bits(free, limited, X)


def test_prediction_depends_on_nothing_but_the_row():
    X, y = data(ODD)
    model = Regressor(**parameters(ODD)).fit(X, y)
    whole = model.predict(X)
    np.testing.assert_array_equal(model.predict(X[::-1])[::-1], whole)
    np.testing.assert_array_equal(
        np.hstack([model.predict(X[:301]), model.predict(X[301:])]), whole
    )
    np.testing.assert_array_equal(
        [model.predict(X[i : i + 1])[0] for i in (0, 5, 1536)], whole[[0, 5, 1536]]
    )


@pytest.mark.parametrize("estimator", [Regressor, Classifier])
def test_repeated_fit_is_identical(estimator):
    X, y = data(ODD, 3)
    model = estimator(**parameters(ODD)).fit(X, y)
    first = [np.array(w) for w in model.coefs_]
    model.fit(X, y)
    for one, other in zip(first, model.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_fits_at_the_same_time_do_not_meet():
    X, y = data(ODD)
    alone = Regressor(**parameters(ODD, n_jobs=2)).fit(X, y)
    together = [Regressor(**parameters(ODD, n_jobs=2)) for _ in range(3)]
    threads = [threading.Thread(target=model.fit, args=(X, y)) for model in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in together:
        assert_same_bits(alone, model, X)


def first_weights(seed, **more):
    X, y = data(SMALL)
    return Regressor(**parameters(SMALL, **more) | {"random_state": seed}).fit(X, y).coefs_[0]


def test_seeds_differ():
    assert not np.array_equal(first_weights(0), first_weights(1))
    assert not np.array_equal(first_weights(None), first_weights(None))


def test_random_state_instance_is_the_seed_and_goes_on():
    state = np.random.RandomState(0)
    first, second = first_weights(state), first_weights(state)
    np.testing.assert_array_equal(first, first_weights(0))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("more", [{"dropout": 0.4}, {"shuffle": False}, {"early_stopping": False}])
def test_every_random_part_takes_part(more):
    assert not np.array_equal(first_weights(0), first_weights(0, **more))


def test_global_numpy_state_is_not_touched():
    before = np.random.get_state()  # noqa: NPY002
    first_weights(0)
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_without_a_seed_numpys_global_state_is_it():
    """As everywhere in scikit-learn."""
    before = np.random.get_state()  # noqa: NPY002
    one = first_weights(None)
    np.random.set_state(before)  # noqa: NPY002
    np.testing.assert_array_equal(one, first_weights(None))
