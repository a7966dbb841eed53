"""What is learnt of the parts of a table, merged: the same as of the whole."""

import pickle

import numpy as np
import pytest

from fastmlp.streaming.label_sketch import MOST_EXACT, LabelSketch
from fastmlp.streaming.target_learners import ClassesLearner, IndicatorsLearner, NumbersLearner


def learnt(kind, y, weights=None):
    learner = kind(y)
    learner.learn(y, weights)
    return learner


def test_numbers():
    y, weights = np.random.default_rng(0).normal(1e6, 1, size=(2, 100))
    weights = np.abs(weights - 1e6).astype(np.float32)
    merged = learnt(NumbersLearner, y[:30], weights[:30])
    merged.merge(learnt(NumbersLearner, y[30:], weights[30:]))
    whole, parts = learnt(NumbersLearner, y, weights).finish(), merged.finish()
    for name in ("mean", "deviation", "low", "high"):
        assert np.allclose(getattr(parts, name), getattr(whole, name), rtol=1e-12)


def test_classes():
    y = np.array(["b", "a", "b", "long", "a", "a"])
    merged = learnt(ClassesLearner, y[:2].astype("U1"))
    merged.merge(learnt(ClassesLearner, y[2:]))
    whole, parts = learnt(ClassesLearner, y).finish(), merged.finish()
    assert parts.labels.tolist() == whole.labels.tolist() == ["b", "a", "long"]
    assert parts.weights.tolist() == whole.weights.tolist() == [2, 3, 1]


def test_other_numbers_of_columns():
    for kind in (NumbersLearner, IndicatorsLearner):
        with pytest.raises(ValueError, match="y must have 2 columns, as before; got 3"):
            learnt(kind, np.ones((4, 2))).merge(learnt(kind, np.ones((4, 3))))


@pytest.mark.parametrize("n_labels", [100, MOST_EXACT + 100], ids=["exact", "estimated"])
def test_pickled_sketches_of_labels(n_labels):
    if n_labels > MOST_EXACT:
        pytest.importorskip("datasketches")
    sketches = [LabelSketch(), LabelSketch()]
    for sketch in sketches:
        labels = [f"label {k}" for k in range(n_labels)]
        sketch.add([*labels, "often"], np.append(np.ones(n_labels, int), n_labels), 5)
    first, second = map(pickle.loads, map(pickle.dumps, sketches))
    first.merge(second)
    assert first.n_missing == 10
    assert first.n_rows == 4 * n_labels + 10
    assert abs(first.n_distinct - n_labels - 1) <= 0.05 * n_labels
    assert abs(first.counts[first.labels.index("often")] - 2 * n_labels) <= 0.01 * n_labels
