"""What summary() tells."""

import re

import numpy as np
import pandas as pd
import pytest
from ranked_columns import FRAME, ROWS, Y, fitted
from sklearn.exceptions import NotFittedError
from tiny_models import LEARNING, both

from fastmlp import Regressor


@pytest.fixture
def table():
    frame = FRAME.assign(
        gaps=np.where(np.arange(ROWS) % 5, FRAME["most"], np.nan),
        same="here",
        never=7.5,
        gone=np.nan,
        sometimes=np.where(np.arange(ROWS) % 3, 1.0, np.nan),
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
    assert treatments["most"] == "number, scaled by median and quartiles"
    assert treatments["gaps"] == "number, scaled by median and quartiles, some missing"
    assert treatments["same"] == treatments["never"] == "constant, not used"
    assert treatments["gone"] == "all missing, not used"
    assert treatments["sometimes"] == "constant, not used, some missing"
    assert treatments["member"] == "two values, -1 or 1"
    assert treatments["job"] == "category of 3, one-hot"
    assert treatments["city"] == "category of 13, vectors of 8, some missing, 1 rows too rare"


@pytest.mark.parametrize("preset", ["plain", "fast"])
def test_constant_columns_beyond_those_that_are_listed(preset):
    X = np.random.default_rng(0).normal(size=(ROWS, 40))
    X[:, [2, 33, 35]] = 1
    model = Regressor(preset=preset, hidden_layer_sizes=4, max_iter=1).fit(X, Y)
    lines = [line.split() for line in model.summary().splitlines()]
    assert ["x2", "constant,", "not", "used"] in lines
    assert ["and", "10", "more,", "2", "of", "them", "constant"] in lines
    unscaled = Regressor(preset=preset, standardize=False, max_iter=1).fit(X, Y).summary()
    assert "and 10 more\n" in unscaled


@both
def test_summary_of_networks(estimator, table):
    model = fitted(estimator, table)
    summary = model.summary()
    kind = "periodic" if estimator is Regressor else "piecewise"
    parameters = sum(values.size for n in model.networks_ for values in n.parameters)
    assert summary.startswith(f"{estimator.__name__}(preset='default'): 3 networks (3 {kind}), ")
    assert f"{parameters:,} parameters, float32" in summary
    for layer in ("Embedding of 7 numbers", "Scale ", "a slope for each unit"):
        assert layer in summary
    assert ("Dropout 0.1" in summary) == (estimator is not Regressor)
    assert f"Dense 16 -> {1}, identity" in summary
    assert re.search(r"Training, \d+\.\d\d seconds", summary)
    for history in model.histories_:
        best = f"best {history.best_iteration}, loss {history.best_loss:.4g}"
        assert f"{history.n_iter} epochs, {best}, {history.stop_reason}, " in summary


def test_summary_tells_the_layers_of_each_kind():
    lines = fitted(n_estimators=10, max_iter=1).summary().splitlines()
    assert lines[0].startswith(
        "Regressor(preset='default'): 10 networks (5 periodic, 5 piecewise), "
    )
    found = [line.split()[4] for line in lines if line.startswith("Layers of the first ")]
    assert found == ["periodic", "piecewise"]
    assert sum("Embedding of 4 numbers, 12 periodic features" in line for line in lines) == 1
    assert sum("16 piecewise-linear features" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("standardize", "words"),
    [
        ("auto", "scaled by mean and standard deviation"),
        ("robust", "scaled by median and quartiles"),
        (False, "not scaled"),
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
    model = Regressor(**LEARNING).partial_fit(FRAME, Y)
    assert "1 epochs, loss " in model.summary()
    assert "best" not in fitted(early_stopping=False).summary()


def test_summary_of_an_unfitted_model():
    with pytest.raises(NotFittedError):
        Regressor().summary()


def test_constants_beside_dates():
    """A column of dates is several numbers."""
    when = pd.Series(pd.date_range("2020-01-01", periods=800))
    frame = pd.DataFrame({"when": when, "same": 1.0, "varies": np.arange(800)})
    model = Regressor(preset="plain", hidden_layer_sizes=2, max_iter=1, early_stopping=False).fit(
        frame, np.arange(800)
    )
    lines = {line.split()[0]: line for line in model.summary().splitlines() if line.strip()}
    assert "constant, not used" in lines["same"]
    assert "constant" not in lines["when"] + lines["varies"]
