"""partial_fit, warm_start and weights that are assigned."""

import pickle

import numpy as np
import pytest
import sklearn.neural_network as theirs
from theirs_and_ours import LABELS, X, Y, both, classifier, close, few_epochs, regressor

import fastmlp.neural_network as ours

pytestmark = few_epochs


def test_partial_fit_goes_on_as_theirs():
    for solver in ("adam", "sgd"):
        models = [classifier(module, solver=solver) for module in (theirs, ours)]
        for start in range(0, 150, 30):
            rows = slice(start, start + 30)
            for model in models:
                model.partial_fit(X[rows], LABELS[rows], classes=[0, 1, 2])
        close(models[0].loss_curve_, models[1].loss_curve_)
        close(models[0].predict_proba(X), models[1].predict_proba(X))
        assert models[0].t_ == models[1].t_
        a, b = (model._optimizer for model in models)
        for name in ("ms", "vs", "velocities"):
            for p, q in zip(getattr(a, name, []), getattr(b, name, []), strict=True):
                close(p, q)
        assert b.learning_rate == pytest.approx(a.learning_rate, rel=1e-12)


def test_partial_fit_keeps_the_first_optimizer():
    """As scikit-learn does: a changed rate counts for a new optimiser only."""
    models = [regressor(module).partial_fit(X, Y) for module in (theirs, ours)]
    for model in models:
        model.set_params(learning_rate_init=0.5, solver="sgd").partial_fit(X, Y)
    close(models[0].loss_curve_, models[1].loss_curve_)


@both
def test_weights_may_be_assigned_and_changed(module):
    model = regressor(module).fit(X, Y)
    model.coefs_ = [np.zeros_like(c) for c in model.coefs_]
    model.intercepts_[-1] = np.array([2.5])
    close(model.predict(X), np.full(150, 2.5))
    model.intercepts_[-1][:] = 3.5  # in place
    close(model.predict(X), np.full(150, 3.5))
    model.coefs_[0][0] = 1.0
    model.coefs_[1][:] = 1.0
    expected = 3.5 + np.maximum(X[:, :1] + model.intercepts_[0], 0).sum(axis=1)
    close(model.predict(X), expected)


def test_training_goes_on_from_assigned_weights():
    models = [regressor(module, warm_start=True).fit(X, Y) for module in (theirs, ours)]
    for model in models:
        model.coefs_ = [c / 2 for c in model.coefs_]
        model.fit(X, Y)
        model.partial_fit(X, Y)
        model.coefs_[0][:] *= 0.9  # in place, between two calls that keep the engine
        model.partial_fit(X, Y)
    close(models[0].loss_curve_, models[1].loss_curve_)
    close(models[0].coefs_[0], models[1].coefs_[0])


@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_warm_start_with_early_stopping(kind):
    """Progress is kept where no epoch beats the best of the fits before."""
    make, y = (regressor, Y) if kind == "regressor" else (classifier, LABELS)
    options = {"warm_start": True, "early_stopping": True, "learning_rate_init": 0.02}
    models = [make(module, max_iter=4, **options) for module in (theirs, ours)]
    for _ in range(6):
        for model in models:
            model.fit(X, y)
        close(*(model.coefs_[0] for model in models))
        close(*(model.loss_curve_ for model in models))
        models[1] = pickle.loads(pickle.dumps(models[1]))


def test_warm_start_in_another_type():
    models = [regressor(module, warm_start=True).fit(X, Y) for module in (theirs, ours)]
    for model in models:
        model.fit(X.astype("float32"), Y)
    assert models[1].coefs_[0].dtype == models[0].coefs_[0].dtype == np.float64
    close(models[0].loss_curve_, models[1].loss_curve_, 1e-5)


@both
def test_weights_of_the_wrong_shape(module):
    model = regressor(module).fit(X, Y)
    model.coefs_[1] = np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"3"):
        model.predict(X)


def test_n_iter_no_change_may_be_infinite():
    model = regressor(n_iter_no_change=np.inf, tol=1e9, max_iter=30).fit(X, Y)
    assert model.n_iter_ == 30
