"""Partial dependence and individual conditional expectation."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import partial_dependence
from tiny_models import TINY

mpl.use("Agg")

from fastmlp import Classifier, Regressor

ROWS = 120
SHARED = TINY | {"preset": "default", "n_estimators": 2}
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=[*"abc"]).assign(few=[0.0, 1.0, 2.0, 3.0] * 30)
Y = X["a"] * X["b"] + X["few"]


@pytest.fixture(scope="module")
def model():
    return Regressor(**SHARED).fit(X, Y)


@pytest.fixture(scope="module")
def of_people(frame):
    return Regressor(**SHARED).fit(frame, frame["age"] + 10 * (frame["job"] == "cook"))


@pytest.mark.parametrize("kind", ["average", "individual", "both"])
@pytest.mark.parametrize("columns", [["a"], ["few"], ["b", "few"], ["a", "b"]])
def test_values_are_those_of_scikit_learn(model, columns, kind):
    options = {"kind": kind, "grid_resolution": 6}
    ours = model.partial_dependence(X, columns, **options)
    theirs = partial_dependence(model, X, columns, **options)
    for own, others in zip(ours.grid_values, theirs.grid_values, strict=True):
        np.testing.assert_allclose(own, others, rtol=1e-3)
    for name in {"average", "individual"} & set(theirs):
        assert ours[name].shape == theirs[name].shape
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-3)
    assert ("individual" in ours) == (kind != "average")


@pytest.mark.parametrize("labels", [Y > 0, np.digitize(Y, [0, 1])])
def test_probabilities(labels):
    model = Classifier(**SHARED).fit(X, labels)
    ours = model.partial_dependence(X, "a", grid_resolution=5)
    theirs = partial_dependence(model, X, ["a"], grid_resolution=5, kind="average")
    np.testing.assert_allclose(ours.average, theirs.average, rtol=1e-3, atol=1e-4)


def test_weights_count_in_the_means(model):
    half = np.arange(ROWS) % 2
    weighted = model.partial_dependence(X, 0, sample_weight=half, grid_resolution=5)
    every = model.partial_dependence(X, 0, kind="both", grid_resolution=5)
    np.testing.assert_allclose(weighted.average[0], every.individual[0][half > 0].mean(axis=0))


def test_categories_dates_and_gaps(frame, of_people):
    jobs = of_people.partial_dependence(frame, "job")
    assert {*jobs.grid_values[0]} >= {"nurse", "cook", "clerk", "pilot"}
    assert len(jobs.grid_values[0]) == 5  # with missing ones
    assert jobs.is_categorical == (True,)
    for value, mean in zip(jobs.grid_values[0], jobs.average[0], strict=True):
        expected = of_people.predict(frame.assign(job=value)).mean()
        np.testing.assert_allclose(mean, expected, rtol=1e-5)
    days = of_people.partial_dependence(frame, "day", grid_resolution=4)
    assert list(days.grid_values[0][[0, -1]]) == [frame["day"].min(), frame["day"].max()]
    expected = of_people.predict(frame.assign(day=frame["day"].max())).mean()
    np.testing.assert_allclose(days.average[0, -1], expected, rtol=1e-5)
    incomes = of_people.partial_dependence(frame, "income", grid_resolution=5)
    expected = of_people.predict(frame.assign(income=incomes.grid_values[0][2])).mean()
    np.testing.assert_allclose(incomes.average[0, 2], expected, rtol=1e-4)
    assert of_people.partial_dependence(frame, "city", grid_resolution=5).average.shape == (1, 5)


@pytest.mark.parametrize(
    ("column", "drawn"),
    [
        ("income", "lines_"),
        ("job", "bars_"),
        ("day", "lines_"),
        (["job", "sex"], "heatmaps_"),
        (["income", "age"], "contours_"),
    ],
)
def test_plots(frame, of_people, column, drawn):
    found = of_people.partial_dependence(frame, column, grid_resolution=5)
    display = found.plot()
    assert display.axes_.size == 1
    assert getattr(display, drawn)[0, 0] is not None


def test_plots_of_rows_and_of_classes(model):
    display = model.partial_dependence(X, "a", kind="both", grid_resolution=5).plot()
    assert display.lines_[0, 0][-1].get_label() == "average"
    three = Classifier(**SHARED).fit(X, np.array([*"xyz"])[np.digitize(Y, [0, 1])])
    found = three.partial_dependence(X, "a", grid_resolution=5)
    line = found.plot(output="z").lines_[0, 0]
    np.testing.assert_allclose(line.get_ydata(), found.average[2])
    with pytest.raises(ValueError, match="output must be one of"):
        found.plot()


def test_a_plot_takes_no_category_beside_a_number(frame, of_people):
    found = of_people.partial_dependence(frame, ["job", "age"], grid_resolution=5)
    assert found.average.shape == (1, 5, 5)
    with pytest.raises(ValueError, match="both be categories or both be numbers"):
        found.plot()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "d"}, "columns must hold names of columns or positions from 0 to 3; got 'd'"),
        ({"columns": [0, 1, 2]}, "columns must be one column or two; got 3"),
        ({"columns": ["a", "a"]}, "each column once"),
        ({"kind": "all"}, "kind must be one of"),
        ({"grid_resolution": 1}, "grid_resolution == 1, must be >= 2"),
        ({"percentiles": 0.3}, "percentiles must be two numbers, .*; got 0.3"),
        ({"percentiles": (0.5, 0.5)}, "percentiles must ascend"),
        ({"percentiles": (0.5, 0.5 + 1e-9)}, "percentiles must be further apart"),
        ({"X": X.assign(a=np.nan)}, "X has no number in the column 'a'"),
        ({"sample_weight": [1.0]}, "sample_weight"),
    ],
)
def test_errors(model, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        model.partial_dependence(**{"X": X, "columns": "a", "grid_resolution": 5} | options)
