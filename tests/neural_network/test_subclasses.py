"""Subclasses that users derive, and what scikit-learn's own code does for them."""

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from theirs_and_ours import X, Y, close, few_epochs, regressor

import fastmlp.neural_network as ours

pytestmark = few_epochs


class Named(ours.MLPRegressor):
    """A subclass as users write them: another default, another start, another score."""

    def __init__(self, hidden_layer_sizes=(7,), random_state=0, max_iter=6):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes, random_state=random_state, max_iter=max_iter
        )

    def _init_coef(self, fan_in, fan_out, dtype):
        return np.full((fan_in, fan_out), 0.1, dtype), np.zeros(fan_out, dtype)


def test_subclass():
    model = Named().fit(X, Y)
    assert sorted(model.get_params()) == ["hidden_layer_sizes", "max_iter", "random_state"]
    assert np.ptp(model.coefs_[0], axis=1) == pytest.approx(0, abs=1e-12)  # all units alike
    search = GridSearchCV(Named(), {"hidden_layer_sizes": [(3,), (5,)]}, cv=2).fit(X, Y)
    assert search.best_estimator_.coefs_[0].shape[0] == 6


class SoftLabels(ours.MLPRegressor):
    """Regression of probabilities, as scikit-learn's users write it."""

    def _initialize(self, y, layer_units, dtype):
        super()._initialize(y, layer_units, dtype)
        self.out_activation_ = "softmax"


class TheirSoftLabels(theirs.MLPRegressor):
    def _initialize(self, y, layer_units, dtype):
        super()._initialize(y, layer_units, dtype)
        self.out_activation_ = "softmax"


class Counting(ours.MLPRegressor):
    calls = 0

    def _backprop(self, *args):
        self.calls += 1
        return super()._backprop(*args)


def test_what_the_engine_does_not_know_is_left_to_scikit_learn():
    soft = np.exp(X[:, :3]) / np.exp(X[:, :3]).sum(axis=1, keepdims=True)
    models = [kind(max_iter=6, random_state=0) for kind in (TheirSoftLabels, SoftLabels)]
    for model in models:
        model.fit(X, soft)
    np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))
    for solver in ("adam", "lbfgs"):
        counting = Counting(max_iter=6, random_state=0, solver=solver).fit(X, Y)
        assert counting.calls > 5
        close(counting.predict(X), regressor(solver=solver).fit(X, Y).predict(X), 1e-8)


def test_scikit_learns_passes_are_not_used(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("scikit-learn's own pass was asked for")

    for name in ("_backprop", "_compute_loss_grad", "_forward_pass"):
        monkeypatch.setattr(BaseMultilayerPerceptron, name, refuse)
    for solver in ("adam", "sgd", "lbfgs"):
        regressor(solver=solver, early_stopping=solver == "adam").fit(X, Y).predict(X)


class Unhashable(ours.MLPRegressor):
    def __eq__(self, other):
        return self is other


def test_model_that_has_no_hash():
    model, plain = (
        kind(max_iter=3, random_state=0).fit(X, Y).partial_fit(X, Y)
        for kind in (Unhashable, ours.MLPRegressor)
    )
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


def test_subclass_that_watches_sees_the_weights_of_the_epoch():
    seen = {theirs: [], ours: []}
    for module, own in seen.items():

        class Watching(module.MLPRegressor):
            scores = own

            def _update_no_improvement_count(self, *args):
                super()._update_no_improvement_count(*args)
                self.scores.append(self.score(X, Y))

        Watching(max_iter=4, random_state=0).fit(X, Y)
    close(*seen.values())
