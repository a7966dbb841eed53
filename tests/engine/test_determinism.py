"""Same seed, same bits: for any number of threads, and for any other state of the process."""

import copy
import threading
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits
from tiny_models import assert_same_weights, both, weights_of

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
# Several networks, each with a fold of its own; more of them than most numbers of threads.
SEVERAL = {
    "preset": "default",
    "n_estimators": 5,
    "rows": 301,
    "features": 5,
    "hidden_layer_sizes": (16,),
    "max_iter": 3,
}
SHAPES = {"wide": WIDE, "odd": ODD, "small": SMALL, "several": SEVERAL}
presets = pytest.mark.parametrize("shape", [ODD, SEVERAL], ids=["plain", "default"])


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
    defaults = {"preset": "plain", "random_state": 0, "dropout": 0.1, "validation_fraction": 0.2}
    return {**defaults, **own, **more}


def assert_same_bits(one, other, X):
    assert_same_weights(one, other)
    predict, unseen = "predict", "oof_prediction_"
    if hasattr(one, "predict_proba"):
        predict, unseen = "predict_proba", "oof_proba_"
    np.testing.assert_array_equal(getattr(one, predict)(X), getattr(other, predict)(X))
    np.testing.assert_array_equal(getattr(one, unseen, None), getattr(other, unseen, None))
    for own, others in zip(one.histories_, other.histories_, strict=True):
        assert own.loss_curve == others.loss_curve
        assert own.validation_curve == others.validation_curve
        assert own.metric_curve == others.metric_curve
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
@pytest.mark.parametrize("classes", [2, 3])
def test_several_classifiers_on_a_raw_table_on_any_number_of_threads(classes, n_jobs):
    X, y = data(SEVERAL, classes)
    X[::7, 0] = np.nan
    frame = pd.DataFrame(X)
    frame[5] = np.array(list("abc"))[np.arange(len(X)) % 3]
    options = parameters(SEVERAL, eval_metric="neg_log_loss", max_iter=6)
    serial = Classifier(n_jobs=1, **options).fit(frame, y)
    assert_same_bits(serial, Classifier(n_jobs=n_jobs, **options).fit(frame, y), frame)


@pytest.mark.parametrize("n_jobs", THREADS[1:])
def test_own_loop_on_any_number_of_threads(n_jobs):
    X, y = data(ODD)

    def run(n_jobs):
        layers = [Dense(13, 200, "gelu"), Dropout(0.2), Dense(200, 200, "silu"), Dense(200, 1)]
        network = Network(layers, random_state=0, n_jobs=n_jobs)
        optimizer = Optimizer(network)
        for _ in range(3):
            network.backward(X, y)
            optimizer.step()
        return network

    for one, other in zip(run(1).parameters, run(n_jobs).parameters, strict=True):
        np.testing.assert_array_equal(one, other)


@presets
def test_threadpool_limits_change_no_bit(shape):
    X, y = data(shape)
    free = Regressor(**parameters(shape)).fit(X, y)
    with threadpool_limits(1):
        limited = Regressor(**parameters(shape)).fit(X, y)
    assert_same_bits(free, limited, X)


@presets
def test_prediction_depends_on_nothing_but_the_row(shape):
    X, y = data(shape)
    model = Regressor(**parameters(shape)).fit(X, y)
    whole = model.predict(X)
    np.testing.assert_array_equal(model.predict(X[::-1])[::-1], whole)
    cut, last = len(X) // 5, len(X) - 1
    np.testing.assert_array_equal(
        np.hstack([model.predict(X[:cut]), model.predict(X[cut:])]), whole
    )
    np.testing.assert_array_equal(
        [model.predict(X[i : i + 1])[0] for i in (0, 5, last)], whole[[0, 5, last]]
    )


@presets
@both
def test_repeated_fit_is_identical(estimator, shape):
    X, y = data(shape, 3)
    model = estimator(**parameters(shape)).fit(X, y)
    first = copy.deepcopy(model)
    assert_same_bits(first, model.fit(X, y), X)
    assert_same_bits(first, clone(model).fit(X, y), X)


@presets
def test_fits_at_the_same_time_do_not_meet(shape):
    X, y = data(shape)
    alone = Regressor(**parameters(shape, n_jobs=2)).fit(X, y)
    together = [Regressor(**parameters(shape, n_jobs=2)) for _ in range(3)]
    threads = [threading.Thread(target=model.fit, args=(X, y)) for model in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in together:
        assert_same_bits(alone, model, X)


def all_weights(seed, shape=SMALL, **more):
    X, y = data(shape)
    model = Regressor(**parameters(shape, **more) | {"random_state": seed}).fit(X, y)
    return np.concatenate([values.ravel() for values in weights_of(model)])


small_presets = pytest.mark.parametrize("shape", [SMALL, SEVERAL], ids=["plain", "default"])


@small_presets
def test_seeds_differ(shape):
    assert not np.array_equal(all_weights(0, shape), all_weights(1, shape))
    assert not np.array_equal(all_weights(None, shape), all_weights(None, shape))


def test_networks_of_one_model_differ():
    X, y = data(SEVERAL)
    model = Regressor(**parameters(SEVERAL, activation="relu", dropout=0.1)).fit(X, y)
    predictions = [network.forward(X) for network in model.networks_]
    for one, other in combinations(predictions, 2):
        assert not np.array_equal(one, other)


@small_presets
def test_random_state_instance_is_the_seed_and_goes_on(shape):
    state = np.random.RandomState(0)
    first, second = all_weights(state, shape), all_weights(state, shape)
    np.testing.assert_array_equal(first, all_weights(0, shape))
    assert not np.array_equal(first, second)


@small_presets
@pytest.mark.parametrize("more", [{"dropout": 0.4}, {"shuffle": False}, {"early_stopping": False}])
def test_every_random_part_takes_part(more, shape):
    assert not np.array_equal(all_weights(0, shape), all_weights(0, shape, **more))


@small_presets
def test_global_numpy_state_is_not_touched(shape):
    before = np.random.get_state()  # noqa: NPY002
    all_weights(0, shape)
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@small_presets
def test_without_a_seed_numpys_global_state_is_it(shape):
    """As everywhere in scikit-learn."""
    before = np.random.get_state()  # noqa: NPY002
    one = all_weights(None, shape)
    np.random.set_state(before)  # noqa: NPY002
    np.testing.assert_array_equal(one, all_weights(None, shape))
