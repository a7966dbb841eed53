"""The validation part: one's own, or the rows that are held out."""

import numpy as np
import pytest
from tiny_models import LEARNING_PLAIN, both, target, tiny

from fastmlp import Classifier, Regressor

ROWS = 60


def test_own_validation_part(X, y):
    model = tiny().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert len(model.validation_curve_) == 3
    scale = np.std(y[:40])
    prediction = model.predict(X[40:])
    loss = np.mean(((prediction - y[40:]) / scale) ** 2)
    np.testing.assert_allclose(min(model.validation_curve_), loss, rtol=1e-5)
    weights = np.random.default_rng(0).uniform(size=20)
    model = tiny().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:], sample_weight_val=weights)
    errors = ((model.predict(X[40:]) - y[40:]) / scale) ** 2
    np.testing.assert_allclose(
        min(model.validation_curve_), np.average(errors, weights=weights), rtol=1e-5
    )


@both
def test_validation_part_that_does_not_fit(estimator, X, y):
    y = target(estimator, y)
    fit = tiny(estimator).fit
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="sample_weight_val was given without X_val"):
        fit(X, y, sample_weight_val=np.ones(ROWS))
    with pytest.raises(ValueError, match="X_val and y_val must have the same number of rows"):
        fit(X, y, X_val=X, y_val=y[:-1])
    with pytest.raises(ValueError, match="y_val must be 1-D or 2-D; got 5"):
        fit(X, y, X_val=X, y_val=5)
    with pytest.raises(ValueError, match="Input y_val contains NaN"):
        fit(X, y, X_val=X, y_val=np.append(y[:-1].astype(float), np.nan))
    message = r"got shape \(60, 2\)" if estimator is Regressor else "must have one label per row"
    with pytest.raises(ValueError, match=f"y_val .*{message}"):
        fit(X, y, X_val=X, y_val=np.column_stack([y, y]))
    for bad in (-np.ones(ROWS), np.zeros(ROWS), np.ones(ROWS - 1), np.full(ROWS, np.nan)):
        with pytest.raises(
            ValueError, match=r"^sample_weight_val: .*(Negative|non-zero|shape|NaN)"
        ):
            fit(X, y, X_val=X, y_val=y, sample_weight_val=bad)
    if estimator is Classifier:
        with pytest.raises(ValueError, match="y_val must only have the labels"):
            fit(X, y, X_val=X, y_val=y + 5)


def test_validation_on_the_same_table_with_other_targets(X, y):
    model = tiny(max_iter=5)
    same = model.fit(X, y, X_val=X, y_val=y + 100).validation_curve_
    copied = model.fit(X, y, X_val=X.copy(), y_val=y + 100).validation_curve_
    assert same == copied


@pytest.fixture(scope="module")
def rare(made):
    X, _, noise = made
    return X, (X[:, 0] + 0.8 * noise > 1.6).astype(int)  # a tenth is of class 1


def test_validation_fraction(made):
    X, f, _ = made
    model = Regressor(batch_size=1, max_iter=1, validation_fraction=0.3, **LEARNING_PLAIN)
    assert model.fit(X[:100], f[:100]).t_ == 70


def test_validation_split_keeps_the_proportions_of_classes(rare):
    """Without it a class of 3 in 100 could be missing from a part."""
    X, _ = rare
    y = np.array([0] * 97 + [1] * 3)
    for seed in range(5):
        model = Classifier(
            max_iter=1, validation_fraction=0.34, **LEARNING_PLAIN | {"random_state": seed}
        )
        weights = np.where(y == 1, 1.0, 0.0)  # only class 1 weighs, so both parts need one
        assert model.fit(X[:100], y, weights).validation_curve_ is not None
