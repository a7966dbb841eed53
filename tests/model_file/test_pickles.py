"""Pickles hold what model files hold, and types that these convert."""

import pickle

import numpy as np
import pandas as pd
import pytest
from saved_models import NUMBER, ROWS, X, saved
from tiny_models import TINY

import fastmlp
from fastmlp import Classifier, Regressor

PLAIN = TINY | {"preset": "plain", "hidden_layer_sizes": 3}
DAYS = pd.date_range("2020-02-27 01:00", periods=ROWS, freq="D")
INTERVALS = {
    "integers": pd.cut(np.arange(ROWS), [-1, 9, 20, ROWS]),
    "dates": pd.cut(DAYS, 4),
    "dates of a zone": pd.cut(DAYS.tz_localize("Europe/Berlin"), 4),
    "durations": pd.cut(pd.to_timedelta(np.arange(ROWS), unit="h"), 4),
}


@pytest.mark.parametrize("name", INTERVALS)
def test_intervals(name):
    frame = pd.DataFrame({"number": X[:, 0], "interval": INTERVALS[name]})
    model = Regressor(**PLAIN).fit(frame, NUMBER)
    assert len({*model.predict(frame.assign(number=0.0))}) > 2
    for loaded in (fastmlp.load(saved(model)), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(loaded.predict(frame), model.predict(frame))


def objects(*labels):
    return np.fromiter(labels, dtype=object, count=2)


CLASSES = {
    "longdouble": np.array([0, 1], dtype=np.longdouble),
    "wide text": np.array(["a", "b"], dtype="U40"),
    "text of NumPy": objects(np.str_("a"), np.str_("b")),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes(name):
    classes = CLASSES[name]
    model = Classifier(**PLAIN).fit(X, classes[(NUMBER > 0).astype(int)])
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.classes_.dtype == model.classes_.dtype
    assert [*map(repr, loaded.classes_)] == [*map(repr, model.classes_)]
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
