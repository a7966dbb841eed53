"""What intervals and sets of classes are made with, in model files: what is refused."""

import numpy as np
import pytest
from saved_models import X, edited, saved
from tiny_models import TINY

import fastmlp
from fastmlp import Classifier, ModelFileError, Regressor
from fastmlp.model_file.pipeline import load_pipeline

Y = X[:, 0]
OPTIONS = TINY | {"preset": "plain", "hidden_layer_sizes": 3, "early_stopping": False}


@pytest.fixture(scope="module")
def intervals():
    """By group, with weights and a difficulty of rows."""
    rows = np.random.default_rng(0).normal(size=(500, 3))
    options = OPTIONS | {"early_stopping": True, "validation_fraction": 0.4}
    model = Regressor(**options).fit(rows, rows[:, 0])
    weights = 1 + np.arange(500) % 2
    return saved(model.conformalize(rows, rows[:, 0], weights, groups=np.arange(500) % 2))


@pytest.fixture(scope="module")
def sets():
    model = Classifier(**OPTIONS).fit(X, Y > 0)
    return saved(model.conformalize(X, Y > 0))


def conformal(document):
    return document["pipeline"]["conformal"]


INTERVALS = {
    "kind": (lambda d, a: conformal(d).update(kind="sets"), "must not be sets"),
    "unknown kind": (lambda d, a: conformal(d).update(kind="maps"), "one of"),
    "quantiles": (lambda d, a: conformal(d).update(quantiles=[0.5]), "must not have 1 quantiles"),
    "groups alike": (lambda d, a: conformal(d).update(groups=[1, 1.0]), "groups that differ"),
    "fewer groups": (lambda d, a: conformal(d).update(groups=[0]), "numbers of groups from 0 to 0"),
    "group": (lambda d, a: a["conformal.group"].put(0, -1), "numbers of groups from 0 to 1"),
    "other rows": (lambda d, a: a.update({"conformal.group": np.zeros(3, np.int32)}), "shape"),
    "weights": (lambda d, a: a["conformal.weights"].put(0, 0), "positive weights"),
    "NaN": (lambda d, a: a["conformal.scores"].put(0, np.nan), "finite numbers"),
    "columns": (lambda d, a: a.update({"conformal.scores": np.zeros((500, 2))}), "shape"),
    "difficulty": (
        lambda d, a: a["conformal.difficulty.error"].put(0, 0),
        "must have a positive difficulty",
    ),
    "descending": (
        lambda d, a: a["conformal.difficulty.predicted"].put(0, 1e9),
        "at predictions in ascending order",
    ),
    "no points": (
        lambda d, a: a.update({"conformal.difficulty.error": np.zeros((1, 0))}),
        "shape",
    ),
}


def refused(data, edit, message):
    copies = edited(data, lambda d, a: (a.update({k: v.copy() for k, v in a.items()}), edit(d, a)))
    for load in (fastmlp.load, load_pipeline):
        with pytest.raises(ModelFileError, match=message):
            load(copies)


@pytest.mark.parametrize("what", INTERVALS)
def test_edited_intervals(intervals, what):
    refused(intervals, *INTERVALS[what])


def test_edited_sets(sets):
    refused(sets, lambda d, a: conformal(d).update(kind="intervals"), "must not be intervals")
    refused(sets, lambda d, a: a["conformal.classes"].put(0, 2), "numbers of classes from 0 to 1")


def test_files_without_it_load(intervals):
    """Those of versions that did not have it."""
    older = edited(intervals, lambda d, a: d["pipeline"].pop("conformal"))
    with pytest.raises(ValueError, match="no calibration rows"):
        fastmlp.load(older).predict_interval(X)
