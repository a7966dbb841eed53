"""monotonic_cst and interaction_cst that do not fit the table or the other parameters."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from tiny_models import tiny

from fastmlp import Classifier

ROWS = 30
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(ROWS, 3))
TARGET = NUMBERS[:, 0]
FRAME = pd.DataFrame(NUMBERS, columns=["a", "b", "c"])
FRAME["kind"] = [["x", "y", "z"][k % 3] for k in range(ROWS)]
FRAME["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * np.arange(ROWS) % 11, unit="D")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": 2}, r"monotonic_cst\['a'\] must be either -1, 0 or 1. Got 2"),
        ({"z": 1, "y": 1}, "monotonic_cst contains 2 unexpected feature names: .'y', 'z'"),
        ([1, 0, 3, 0, "up"], "must be an array-like of -1, 0 or 1. Observed values: .3, 'up'"),
        ([1, 0], r"monotonic_cst has shape \(2,\) but the input data X has 5 features"),
        ({"kind": 1}, "Categorical features cannot have monotonic constraints.*'kind'"),
        ({"day": 1}, "monotonic_cst must be 0 for the column 'day', which holds dates"),
        ("up", "The 'monotonic_cst' parameter of Regressor must be"),
    ],
)
def test_monotonic_cst(given, message):
    with pytest.raises(ValueError, match=message):
        tiny(monotonic_cst=given).fit(FRAME, TARGET)


def test_names_need_a_table_with_names():
    with pytest.raises(ValueError, match="Pass monotonic_cst as an integer array"):
        tiny(monotonic_cst={"a": 1}).fit(NUMBERS, TARGET)


def test_listed_categories_have_no_order():
    model = tiny(monotonic_cst={"c": 1}, categorical_features=["c"])
    with pytest.raises(ValueError, match="Categorical features cannot"):
        model.fit(FRAME.assign(c=np.arange(ROWS) % 4), TARGET)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([0, 1], "must be a sequence of tuples or lists, got: \\[0, 1\\]"),
        (["ab"], "must be a sequence of tuples or lists"),
        ([[0, 5]], r"\[0, n_features - 1\] = \[0, 4\].*got invalid indices: \[0, 5\]"),
        ([["a", 1]], "invalid indices"),
        ([["a", "q"]], "interaction_cst contains unexpected feature names: .'q'"),
        ("triples", "The 'interaction_cst' parameter of Regressor must be"),
    ],
)
def test_interaction_cst(given, message):
    with pytest.raises(ValueError, match=message):
        tiny(interaction_cst=given).fit(FRAME, TARGET)


@pytest.mark.parametrize("preset", ["default", "fast"])
def test_a_warm_start_of_more_networks_adds_none(preset):
    model = tiny(preset=preset, n_estimators=1).fit(FRAME, TARGET)
    model.set_params(warm_start=True, n_estimators=2, monotonic_cst={"a": 1})
    with pytest.raises(ValueError, match="monotonic_cst and interaction_cst cannot change"):
        model.fit(FRAME, TARGET)


def test_several_classes_have_no_direction():
    y = np.digitize(TARGET, [-0.5, 0.5])
    with pytest.raises(ValueError, match="not supported for multiclass classification"):
        tiny(Classifier, monotonic_cst={"a": 1}).fit(FRAME, y)
    tiny(Classifier, monotonic_cst={"a": 0}).fit(FRAME, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "silu"}, "activation must be 'auto' or of .* with monotonic_cst"),
        ({"extrapolation": "linear"}, "extrapolation must be 'clip' with monotonic_cst"),
    ],
)
def test_other_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        tiny(monotonic_cst={"a": 1}, **options).fit(FRAME, TARGET)


@pytest.mark.parametrize("name", ["monotonic_cst", "interaction_cst"])
def test_sparse_rows(name):
    with pytest.raises(ValueError, match=f"{name} must be None if X is sparse"):
        tiny(**{name: [[0], [1]] if name == "interaction_cst" else [1, 0, 0]}).fit(
            csr_array(NUMBERS), TARGET
        )
