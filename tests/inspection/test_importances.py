"""Importances of columns."""

import numpy as np
import pytest
from ranked_columns import FRAME, ROWS, Y, fitted
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss
from tiny_models import LEARNING, both

from fastmlp import Classifier, Regressor


def importances(estimator=Regressor, X=FRAME, y=Y, **options):
    return fitted(estimator, X, y, compute_importances=True, **options).feature_importances_


@both
def test_order_of_the_columns(estimator):
    found = importances(estimator)
    assert found.shape == (4,)
    assert found[0] > 2 * found[1]
    assert found[1] > 2 * np.abs(found[3])
    if estimator is Regressor:
        assert np.argsort(-found).tolist() == [0, 1, 2, 3]


@both
@pytest.mark.parametrize("value", [7.0, "here", None])
def test_constant_column_is_worth_nothing(estimator, value):
    found = importances(estimator, FRAME.assign(same=[value] * ROWS))
    assert found[4] == 0
    assert found.argmax() == 0


@both
def test_values_are_those_of_scikit_learn(estimator):
    X, y = FRAME[:200], Y[:200] if estimator is Regressor else Y[:200] > 0
    X_val, y_val = FRAME[200:], Y[200:] if estimator is Regressor else Y[200:] > 0
    raw = {} if estimator is Regressor else {"calibrate": False}
    model = estimator(**LEARNING | {"n_estimators": 1} | raw, compute_importances=True)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    scoring = "neg_log_loss" if raw else "r2"
    theirs = permutation_importance(
        model, X_val, y_val, scoring=scoring, n_repeats=10, random_state=0
    )
    np.testing.assert_allclose(
        model.feature_importances_, theirs.importances_mean, rtol=0.3, atol=0.1
    )


def test_shuffled_column_takes_its_indicator_along():
    """That a number is missing is all that counts, and shuffling must hide it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 2))
    gone = rng.random(ROWS) < 0.4
    X[gone, 1] = np.nan
    found = importances(Classifier, X, np.where(gone, 1, -1))
    assert found[1] > 0.5
    assert abs(found[0]) < 0.05


def test_categories_and_booleans():
    rng = np.random.default_rng(1)
    city = rng.choice([f"city {i:02d}" for i in range(12)], ROWS)
    member = rng.random(ROWS) < 0.5
    frame = FRAME[["nothing"]].assign(city=city, member=member, job=[*"abc"] * 100)
    y = 3.0 * member + 2.0 * np.char.equal(city, "city 03") + (frame["job"] == "a")
    found = importances(X=frame, y=y)
    assert found.argmax() == 2
    assert found[0] == found.min()
    assert abs(found[0]) < 0.5 * found[[1, 3]].min()


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, Y),
        ({"loss": "poisson"}, np.exp(Y / 5)),
        ({"preset": "plain"}, Y),
        ({"dtype": "float64", "standardize": False}, Y),
        ({}, np.column_stack([Y, 100 * FRAME["most"]])),
        ({"n_estimators": 1}, Y),
        ({"eval_metric": "r2"}, Y),
    ],
)
def test_other_fits(options, y):
    assert importances(y=y, **options).argmax() == 0


def test_several_labels():
    y = np.column_stack([FRAME["most"] > 0, FRAME["most"] < 1]).astype(int)
    model = Classifier(**LEARNING, compute_importances=True).fit(FRAME, y)
    assert model.feature_importances_.argmax() == 0


def test_weights_count():
    """Half of the rows have a target of their own, and no weight."""
    half = np.arange(ROWS) % 2
    y = np.where(half, 4 * FRAME["much"], Y)
    model = Regressor(**LEARNING, compute_importances=True).fit(FRAME, y, half)
    assert model.feature_importances_.argmax() == 1


def test_importances_change_nothing_else():
    with_them, without = fitted(compute_importances=True, n_jobs=2), fitted(n_jobs=1)
    np.testing.assert_array_equal(with_them.predict(FRAME), without.predict(FRAME))
    np.testing.assert_array_equal(with_them.feature_importances_, importances(n_jobs=1))


def test_none_where_they_are_not_asked_for():
    model = fitted()
    with pytest.raises(AttributeError, match="feature_importances_"):
        _ = model.feature_importances_
    model.set_params(compute_importances=True).fit(FRAME, Y)
    assert hasattr(model, "feature_importances_")
    model.set_params(compute_importances=False).fit(FRAME, Y)
    assert not hasattr(model, "feature_importances_")


@pytest.mark.parametrize("options", [{"early_stopping": False}, {"X": FRAME[:9], "y": Y[:9]}])
def test_importances_need_validation_rows(options):
    with pytest.raises(ValueError, match="compute_importances needs validation rows"):
        importances(**options)


def test_importance_is_a_loss_of_what_the_score_is():
    """Shuffling the only column that counts leaves what the classes' shares give."""
    y = np.where(FRAME["most"] > 0, 1, -1)
    found = importances(Classifier, FRAME[["most"]], y, max_iter=60)
    assert found[0] > log_loss(y, np.full(ROWS, 0.5))


def test_none_of_rows_that_were_trained_on():
    model = fitted(warm_start=True, compute_importances=True)
    assert hasattr(model, "feature_importances_")
    with pytest.warns(UserWarning, match="earlier fits may have trained on"):
        model.fit(FRAME[::-1], Y[::-1])
    assert not hasattr(model, "feature_importances_")
