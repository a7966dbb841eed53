"""LossCurveDisplay."""

import sys

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

mpl.use("Agg")
import matplotlib.pyplot as plt

from fastmlp import LossCurveDisplay, Regressor


@pytest.fixture(scope="module", params=["plain", "default"])
def model(request) -> Regressor:
    X = np.random.default_rng(0).normal(size=(60, 3))
    return Regressor((8,), preset=request.param, max_iter=7, random_state=0).fit(X, X[:, 0])


def test_both_curves_and_the_best_epoch(model):
    display = LossCurveDisplay.from_estimator(model)
    training, validation = display.lines_
    assert [line.get_label() for line in display.lines_] == ["training", "validation"]
    np.testing.assert_array_equal(training.get_xdata(), np.arange(1, 8))
    np.testing.assert_array_equal(training.get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(validation.get_ydata(), model.validation_curve_)
    (marker,) = [line for line in display.ax_.lines if line not in display.lines_]
    assert marker.get_xdata()[0] == model.best_iteration_
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_ylabel() == "Loss"
    assert display.ax_.get_title() == "Regressor"
    assert display.figure_ is display.ax_.figure
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == [
        "training",
        "validation",
    ]


def test_without_a_validation_part(model):
    other = Regressor((8,), max_iter=3, early_stopping=False, random_state=0)
    other.fit(np.eye(12), np.arange(12.0))
    display = LossCurveDisplay.from_estimator(other)
    assert [line.get_label() for line in display.lines_] == ["training"]
    assert len(display.ax_.lines) == 1


def test_own_axes_name_and_style(model):
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(model, ax=ax, name="mine", color="red", linewidth=3)
    assert display.ax_ is ax
    assert ax.get_title() == "mine"
    assert {line.get_color() for line in display.lines_} == {"red"}
    assert {line.get_linewidth() for line in display.lines_} == {3}
    assert len(plt.get_fignums()) == 1


def test_from_curves_of_ones_own():
    display = LossCurveDisplay(loss_curves=[[3, 2, 1]])
    assert not hasattr(display, "ax_")
    assert display.plot() is display
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [3, 2, 1])


def test_several_networks_have_a_band():
    display = LossCurveDisplay(loss_curves=[[3, 2, 1], [5, 4]], validation_curves=[[4, 3, 2]])
    display.plot()
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [4, 3, 1])
    [band] = display.bands_
    low, high = band.get_datalim(display.ax_.transData).intervaly
    assert (low, high) == (1, 5)
    assert display.ax_.get_yscale() == "linear"


@pytest.mark.parametrize(
    ("curve", "scale"),
    [([3, 1, 0.29], "log"), ([3, 1, 0.31], "linear"), ([3, 0, 0.1], "linear")],
)
def test_the_axis_is_logarithmic_where_losses_differ_much(curve, scale):
    assert LossCurveDisplay(loss_curves=[curve]).plot().ax_.get_yscale() == scale


@pytest.fixture(scope="module")
def measured():
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = Regressor(8, n_estimators=3, max_iter=4, random_state=0, eval_metric=["r2"])
    return model.fit(X, X[:, 0], eval_set=[("test", X[:20], X[:20, 0])])


def test_sets_have_curves_of_their_own(measured):
    display = LossCurveDisplay.from_estimator(measured)
    assert [line.get_label() for line in display.lines_] == ["training", "validation", "test"]
    curve = measured.evals_result_["test"]["loss"]
    np.testing.assert_array_equal(display.lines_[2].get_ydata(), curve)
    assert len(display.bands_) == 3


def test_a_metric(measured):
    display = LossCurveDisplay.from_estimator(measured, metric="r2")
    assert [line.get_label() for line in display.lines_] == ["validation", "test"]
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), measured.metric_curve_)
    assert display.ax_.get_ylabel() == "r2"
    with pytest.raises(ValueError, match=r"metric must be one of \['loss', 'r2'\]"):
        LossCurveDisplay.from_estimator(measured, metric="accuracy")


def test_unfitted_estimator():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(Regressor())


def test_missing_matplotlib_says_what_to_install(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'fastmlp\[plot\]'"):
        LossCurveDisplay.from_estimator(model)


def test_pipeline_and_other_estimators():
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X = np.random.default_rng(0).normal(size=(50, 2))
    pipeline = make_pipeline(StandardScaler(), Regressor(4, max_iter=3)).fit(X, X[:, 0])
    assert len(LossCurveDisplay.from_estimator(pipeline).lines_) == 2
    with pytest.raises(TypeError, match="fastmlp Regressor or Classifier"):
        LossCurveDisplay.from_estimator(LinearRegression().fit(X, X[:, 0]))
