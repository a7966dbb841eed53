"""Plots of attributions."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from tiny_models import TINY

mpl.use("Agg")
import matplotlib.pyplot as plt

from fastmlp import Attributions, AttributionsDisplay, Classifier, Regressor

NAMES = ["first", "second", "third", "fourth"]
VALUES = np.array([[3.0, -1.0, 0.5, 0.25], [-2.0, 1.0, 0.5, -0.25]])
DATA = np.array([[1.5, "red", None, True], [2.5, "blue", 1.0, False]], dtype=object)
FOUND = Attributions(VALUES, 10.0, 10 + VALUES.sum(axis=1), DATA, NAMES)


def labels(display):
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def test_beeswarm():
    display = FOUND.plot()
    assert labels(display) == NAMES
    first, second, *_ = display.ax_.collections
    np.testing.assert_array_equal(first.get_offsets()[:, 0], [3, -2])
    assert first.get_array().tolist() == [0, 1]  # the lower and the higher value
    assert second.get_array() is None  # colours are no numbers
    assert display.figure_ is display.ax_.figure


def test_points_of_a_swarm_do_not_lie_on_each_other():
    values = np.zeros((50, 1))
    many = Attributions(values, 0.0, values[:, 0], np.arange(50.0)[:, None], ["same"])
    heights = many.plot().ax_.collections[0].get_offsets()[:, 1]
    assert np.unique(heights).size == 50
    assert np.abs(heights).max() < 0.5


def test_bars_are_mean_sizes_and_the_rest_is_added_up():
    display = FOUND.plot("bar", max_columns=2)
    assert labels(display) == ["first", "second", "2 others"]
    widths = [bar.get_width() for bar in display.ax_.patches]
    np.testing.assert_allclose(widths, [2.5, 1, 0.75])


def test_waterfall_leads_from_the_base_to_the_prediction():
    _, ax = plt.subplots()
    display = FOUND.plot("waterfall", row=1, ax=ax)
    assert display.ax_ is ax
    assert labels(display) == ["first = 2.5", "second = blue", "third = 1", "fourth = False"]
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    np.testing.assert_allclose(ends, [(10, 8), (8, 9), (9, 9.5), (9.5, 9.25)])
    assert "mean prediction 10 " in ax.get_xlabel()
    assert labels(FOUND.plot("waterfall"))[2] == "third = missing"


def test_plots_name_the_output():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 3)), columns=[*"abc"])
    model = Regressor(**TINY, preset="plain").fit(X, X[["a", "b"]].set_axis(["u", "v"], axis=1))
    found = model.attributions(X[:10])
    for kind in ("beeswarm", "bar", "waterfall"):
        assert found.plot(kind, output="v").ax_.get_title() == "v"
    dependence = model.partial_dependence(X, "c", grid_resolution=3)
    assert dependence.plot(output="u").axes_[0, 0].get_title() == "u"
    assert FOUND.plot().ax_.get_title() == ""


def test_from_estimators():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 3)), columns=[*"abc"])
    model = Regressor(**TINY, preset="plain").fit(X, X["a"])
    display = AttributionsDisplay.from_estimator(model, X, kind="bar", max_background=20)
    assert sorted(labels(display)) == [*"abc"]
    three = Classifier(**TINY, preset="plain").fit(X, rng.choice([*"xyz"], 60))
    assert AttributionsDisplay.from_estimator(three, X, output="y").ax_.collections
    with pytest.raises(ValueError, match="output must be one of"):
        AttributionsDisplay.from_estimator(three, X)
    with pytest.raises(ValueError, match="attributions must be of one output"):
        AttributionsDisplay(attributions=three.attributions(X)).plot()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "pie"}, "kind must be one of"),
        ({"max_columns": 0}, "max_columns must be at least 1"),
        ({"kind": "waterfall", "row": 2}, "row must be the number of one of 2 rows; got 2"),
        ({"kind": "waterfall", "row": "a"}, "row must be the number of one of 2 rows; got 'a'"),
        ({"kind": "waterfall", "row": 1.0}, "row must be the number of one of 2 rows; got 1.0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        FOUND.plot(**options)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'fastmlp\[plot\]'"):
        FOUND.plot()
