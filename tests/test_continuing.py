"""Fits that go on with what was trained before: warm_start and partial_fit."""

import numpy as np
import pandas as pd
import pytest

from fastmlp import Classifier, Regressor

ROWS = 60


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(ROWS, 3))


@pytest.fixture
def y(X):
    return X @ [1.0, 2.0, 3.0]


def small(**options):
    return Regressor(8, **{"max_iter": 3, "random_state": 0} | options)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", (8, 8)),
        ("activation", "relu"),
        ("dropout", 0.5),
        ("dtype", "float64"),
    ],
)
def test_network_cannot_change(name, value, X, y):
    model = small(warm_start=True).fit(X, y)
    before = model.predict(X)
    model.set_params(**{name: value})
    for go_on in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=f"{name} was .* cannot become"):
            go_on(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


def test_columns_must_be_the_same(X, y):
    frame = pd.DataFrame(X, columns=list("abc"))
    model = small(warm_start=True).fit(frame, y)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(frame[["c", "b", "a"]], y)


def test_training_goes_on_after_divergence(X, y):
    rising = {"learning_rate": "one_cycle", "warmup_fraction": 0.9, "learning_rate_init": 20.0}
    model = small(
        warm_start=True, n_iter_no_change=np.inf, solver="sgd", max_iter=100, activation="relu"
    )
    with pytest.warns(RuntimeWarning, match="diverged; the weights of epoch"):
        model.set_params(**rising).fit(X, y)
    model.set_params(learning_rate="constant", learning_rate_init=1e-3, max_iter=2).fit(X, y)
    assert model.stop_reason_ == "max_iter"
    assert np.isfinite(model.predict(X)).all()


def test_first_partial_fit_with_one_row(X, y):
    model = small().partial_fit(X[:1], y[:1])
    assert np.isfinite(model.partial_fit(X, y).predict(X)).all()


def test_invscaling_falls_from_call_to_call(X, y):
    model = small(learning_rate="invscaling", learning_rate_init=0.1, power_t=0.5)
    for _ in range(3):
        model.partial_fit(X, y)
    expected = 0.1 / np.sqrt(ROWS * np.arange(3) + 1)
    np.testing.assert_allclose(model.learning_rate_curve_, expected, rtol=1e-12)


def test_class_weight_for_a_class_that_a_call_lacks(X):
    labels = np.arange(ROWS) % 3
    model = Classifier(8, class_weight={2: 5.0}, max_iter=2, random_state=0)
    some = labels < 2
    model.partial_fit(X[some], labels[some], classes=[0, 1, 2])
    model.partial_fit(X, labels)
    model.fit(X, labels, X_val=X[some], y_val=labels[some])
    assert model.predict_proba(X).shape == (ROWS, 3)
    with pytest.raises(ValueError, match="class_weight names classes that there are not"):
        model.set_params(class_weight={7: 1.0}).fit(X, labels)
