"""Attributes of a fitted estimator."""

import pytest
from sklearn.exceptions import NotFittedError
from tiny_models import DATA, SEVERAL, both, tiny

from fastmlp import Regressor


@both
def test_weights_of_a_single_network_only(estimator):
    X, y = DATA[estimator]
    several = tiny(estimator, **SEVERAL).fit(X, y)
    assert not hasattr(several, "coefs_")
    for name in ("coefs_", "intercepts_"):
        message = (
            "exist only for a model of one network; this one has 2, in networks_. n_estimators=1"
        )
        with pytest.raises(AttributeError, match=message):
            getattr(several, name)
    assert several.n_layers_ == 3
    single = tiny(estimator, preset="default", n_estimators=1).fit(X, y)
    assert [w.shape[1] for w in single.coefs_] == [b.size for b in single.intercepts_]
    assert single.coefs_[0].shape[1] == 8


@both
def test_fitted_weights_are_read_only(estimator):
    model = tiny(estimator).fit(*DATA[estimator])
    for values in model.coefs_ + model.intercepts_:
        with pytest.raises(ValueError, match="read-only"):
            values[...] = 0


@both
def test_attributes_after_fit(estimator):
    X, y = DATA[estimator]
    model = tiny(estimator, hidden_layer_sizes=(9, 7)).fit(X, y)
    outputs = 1 if estimator is Regressor else 3
    assert [w.shape for w in model.coefs_] == [(X.shape[1], 9), (9, 7), (7, outputs)]
    assert [b.shape for b in model.intercepts_] == [(9,), (7,), (outputs,)]
    assert (model.n_layers_, model.n_outputs_) == (4, outputs)
    assert model.out_activation_ == ("identity" if estimator is Regressor else "softmax")
    assert model.n_features_in_ == X.shape[1]
    assert model.n_iter_ == 3
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.validation_curve_)
    assert model.stop_reason_ == "max_iter"
    rows = int(0.9 * len(X))
    assert model.t_ == 3 * rows


@both
def test_unfitted_model_says_so(estimator):
    model = estimator()
    for use in (
        lambda: model.predict([[0.0]]),
        lambda: model.coefs_,
        lambda: model.networks_,
        lambda: model.n_layers_,
    ):
        with pytest.raises(NotFittedError, match=estimator.__name__):
            use()
    assert not hasattr(model, "coefs_")
    assert not hasattr(model, "networks_")
