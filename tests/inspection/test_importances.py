"""What a fitted model tells: importances of columns, the summary."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss

from fastmlp import Classifier, Regressor

ROWS = 300
SMALL = {"hidden_layer_sizes": 16, "max_iter": 30, "n_estimators": 3, "random_state": 0}
ESTIMATORS = [Regressor, Classifier]
rng = np.random.default_rng(0)
FRAME = pd.DataFrame(rng.normal(size=(ROWS, 4)), columns=["most", "much", "little", "nothing"])
Y = 4 * FRAME["most"] + 2 * FRAME["much"] + FRAME["little"]


def fitted(estimator=Regressor, X=FRAME, y=Y, **options):
    labels = y if estimator is Regressor else y > 0
    return estimator(**SMALL | options).fit(X, labels)


def importances(estimator=Regressor, X=FRAME, y=Y, **options):
    return fitted(estimator, X, y, compute_importances=True, **options).feature_importances_


# ---- importances


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_order_of_the_columns(estimator):
    found = importances(estimator)
    assert found.shape == (4,)
    assert found[0] > 2 * found[1]
    assert found[1] > 2 * np.abs(found[3])
    if estimator is Regressor:
        assert np.argsort(-found).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("value", [7.0, "here", None])
def test_constant_column_is_worth_nothing(estimator, value):
    found = importances(estimator, FRAME.assign(same=[value] * ROWS))
    assert found[4] == 0
    assert found.argmax() == 0


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_values_are_those_of_scikit_learn(estimator):
    X, y = FRAME[:200], Y[:200] if estimator is Regressor else Y[:200] > 0
    X_val, y_val = FRAME[200:], Y[200:] if estimator is Regressor else Y[200:] > 0
    raw = {} if estimator is Regressor else {"calibrate": False}
    model = estimator(**SMALL | {"n_estimators": 1} | raw, compute_importances=True)
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
    X = rng.normal(size=(ROWS, 2))
    gone = rng.random(ROWS) < 0.4
    X[gone, 1] = np.nan
    found = importances(Classifier, X, np.where(gone, 1, -1))
    assert found[1] > 0.5
    assert abs(found[0]) < 0.05


def test_categories_and_booleans():
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
    model = Classifier(**SMALL, compute_importances=True).fit(FRAME, y)
    assert model.feature_importances_.argmax() == 0


def test_weights_count():
    """Half of the rows have a target of their own, and no weight."""
    half = np.arange(ROWS) % 2
    y = np.where(half, 4 * FRAME["much"], Y)
    model = Regressor(**SMALL, compute_importances=True).fit(FRAME, y, half)
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


# ---- summary


@pytest.fixture
def table():
    frame = FRAME.assign(
        gaps=np.where(np.arange(ROWS) % 5, FRAME["most"], np.nan),
        same="here",
        member=np.arange(ROWS) % 2 == 0,
        job=[*"abc"] * 100,
        city=[f"city {min(i % 13, 11):02d}" for i in range(ROWS)],
    )
    frame.loc[0, "city"] = "hamlet"
    frame.loc[1, "city"] = None
    return frame


def test_summary_of_columns(table):
    lines = fitted(X=table).summary().splitlines()
    start = lines.index("Columns") + 1
    told = dict(line.strip().split("  ", 1) for line in lines[start : start + table.shape[1]])
    assert list(told) == list(table)
    treatments = {name: text.strip() for name, text in told.items()}
    assert treatments["most"] == "number, by median and quartiles"
    assert treatments["gaps"] == "number, by median and quartiles, some missing"
    assert treatments["same"] == "constant, not used"
    assert treatments["member"] == "two values, -1 or 1"
    assert treatments["job"] == "category of 3, one-hot"
    assert treatments["city"] == "category of 13, vectors of 8, some missing, 1 rows too rare"


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_summary_of_networks(estimator, table):
    model = fitted(estimator, table)
    summary = model.summary()
    parameters = sum(values.size for n in model.networks_ for values in n.parameters)
    assert summary.startswith(f"{estimator.__name__}(preset='default'): 3 networks, ")
    assert f"{parameters:,} parameters, float32" in summary
    for kind in ("Embedding of 5 numbers", "Scale ", "a slope for each unit", "Dropout "):
        assert kind in summary
    assert f"Dense 16 -> {1}, identity" in summary
    assert re.search(r"Training, \d+\.\d\d seconds", summary)
    for history in model.histories_:
        best = f"best {history.best_iteration}, loss {history.best_loss:.4g}"
        assert f"{history.n_iter} epochs, {best}, {history.stop_reason}, " in summary


def test_summary_tells_the_layers_of_each_kind():
    lines = fitted(n_estimators=10, max_iter=1).summary().splitlines()
    found = [line.split()[4] for line in lines if line.startswith("Layers of the first ")]
    assert found == ["fine", "smooth"]
    assert sum("Embedding of 4 numbers, 12 waves" in line for line in lines) == 2
    assert sum("16 pieces" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("standardize", "words"),
    [
        ("auto", "by mean and deviation"),
        ("robust", "by median and quartiles"),
        (False, "as it is"),
    ],
)
def test_summary_of_plain_networks_on_arrays(standardize, words):
    X = FRAME.to_numpy()
    model = fitted(X=X, preset="plain", n_estimators=1, standardize=standardize)
    lines = model.summary().splitlines()
    assert lines[0] == "Regressor(preset='plain'): 97 parameters, float32"
    assert lines[1:4] == ["Columns", f"  x0  number, {words}", f"  x1  number, {words}"]
    assert lines[6:9] == ["Layers", "  Dense 4 -> 16, mish", "  Dense 16 -> 1, identity"]


def test_summary_of_5000_columns():
    X = np.random.default_rng(0).normal(size=(20, 5000))
    lines = fitted(X=X, y=np.arange(20.0), max_iter=1).summary().splitlines()
    assert "  and 4970 more" in lines
    assert len(lines) < 60


def test_summary_without_validation_and_after_partial_fit():
    model = Regressor(**SMALL).partial_fit(FRAME, Y)
    assert "1 epochs, loss " in model.summary()
    assert "best" not in fitted(early_stopping=False).summary()


def test_summary_of_an_unfitted_model():
    with pytest.raises(NotFittedError):
        Regressor().summary()
