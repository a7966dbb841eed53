"""A distilled model predicts nearly what its teacher does, with one network."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from tiny_models import ESTIMATORS, LEARNING, assert_same_weights, outputs, tiny

from fastmlp import Classifier, Regressor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 3))
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(
    d=RNG.choice(["x", "y", "z"], 200), b=np.where(X[:, 0] > 1.5, np.nan, X[:, 1])
)
NUMBER = X[:, 0] + np.abs(X[:, 1]) + (FRAME["d"] == "x")
CLASSES = np.array(["a", "b", "c"])[np.digitize(NUMBER, [0.5, 1.5])]
LABELS = np.column_stack([NUMBER > 1, X[:, 2] > 0]).astype(int)
NEW = FRAME.sample(100, random_state=1, ignore_index=True).assign(a=np.linspace(-2, 2, 100))

CASES = {
    "numbers": (Regressor(**LEARNING), NUMBER),
    "two outputs": (Regressor(**LEARNING), np.column_stack([NUMBER, X[:, 2]])),
    "quantiles": (Regressor(**LEARNING, loss="quantile", quantile=(0.1, 0.9)), NUMBER),
    "counts": (Regressor(**LEARNING, loss="poisson"), np.round(np.exp(NUMBER))),
    "a linear part": (Regressor(**LEARNING, extrapolation="linear"), NUMBER),
    "two classes": (Classifier(**LEARNING), NUMBER > 1),
    "calibrated classes": (Classifier(**LEARNING, calibrate=True), CLASSES),
    "labels": (Classifier(**LEARNING), LABELS),
    "the plain preset": (Regressor(**LEARNING | {"preset": "plain", "dtype": "float64"}), NUMBER),
}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    """A model and the one distilled from it."""
    model, y = CASES[request.param]
    model.fit(FRAME, y)
    return model, model.distilled(FRAME)


def test_it_predicts_nearly_the_same(pair):
    model, distilled = pair
    expected, found = outputs(model, NEW), outputs(distilled, NEW)
    assert found.shape == expected.shape
    unexplained = np.square(found - expected).mean() / np.var(expected, axis=0).mean()
    assert unexplained < 0.1


def test_it_has_one_network_of_the_same_size(pair):
    model, distilled = pair
    assert (len(model.networks_), len(distilled.networks_)) == (3, 1)
    assert distilled.networks_[0].dtype == model.networks_[0].dtype
    widths = [
        [w.shape[1] for w in one.parameters_of("weights")]
        for one in (model.networks_[0], distilled.networks_[0])
    ]
    assert widths[0] == widths[1]
    assert distilled.get_params() == model.get_params() | {"n_estimators": 1, "dropout": 0.0}


def test_it_is_a_model_of_its_own(pair):
    model, distilled = pair
    copied = pickle.loads(pickle.dumps(distilled))
    assert_array_equal(outputs(copied, NEW), outputs(distilled, NEW))
    assert "1 networks" not in copied.summary()
    assert copied.fit_seconds_ == distilled.fit_seconds_ > 0
    y = model.predict(FRAME) if isinstance(model, Classifier) else np.abs(model.predict(FRAME))
    y = y[:, 0] if getattr(model, "loss", "") == "quantile" else y
    before = distilled.t_
    assert copied.partial_fit(FRAME, y).t_ == before + len(FRAME)


def test_the_same_seed_distils_the_same_network_with_any_number_of_threads():
    model = tiny(Regressor, preset="default", n_estimators=2, n_jobs=1).fit(X, NUMBER)
    before = outputs(model, X)
    one = model.distilled(X)
    assert_same_weights(one, model.set_params(n_jobs=3).distilled(X))
    assert_array_equal(outputs(model, X), before)


def test_size_and_epochs_can_be_chosen():
    model = tiny(Regressor, preset="default", n_estimators=2).fit(X, NUMBER)
    distilled = model.distilled(X, hidden_layer_sizes=(5, 4), max_iter=2)
    assert distilled.hidden_layer_sizes == (5, 4)
    assert [w.shape[1] for w in distilled.coefs_] == [5, 4, 1]
    assert distilled.n_iter_ == 2


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_sparse_rows(estimator):
    rows = csr_array(np.where(RNG.random((300, 8)) < 0.5, RNG.standard_normal((300, 8)), 0))
    total = rows.sum(axis=1)
    y = total if estimator is Regressor else total > 0
    model = estimator(n_estimators=2, max_iter=20, random_state=0).fit(rows, y)
    distilled = model.distilled(rows)
    assert_allclose(outputs(distilled, rows), outputs(model, rows), atol=0.25 * np.ptp(total))


def test_before_fit_it_is_an_error():
    with pytest.raises(NotFittedError):
        Regressor().distilled(X)


def test_bad_arguments_change_nothing():
    model = tiny(Regressor).fit(X, NUMBER)
    before = outputs(model, X)
    for name, value in [("hidden_layer_sizes", 0), ("max_iter", 0)]:
        with pytest.raises(ValueError, match=f"The '{name}' parameter of Regressor must be"):
            model.distilled(X, **{name: value})
    with pytest.raises(ValueError, match="X has 2 features"):
        model.distilled(X[:, :2])
    assert_array_equal(outputs(model, X), before)
