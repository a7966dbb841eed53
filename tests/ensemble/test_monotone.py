"""Monotone constraints: predictions never break them, whatever is learnt, saved or continued."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from monotone_search import changes
from saved_models import saved

from fastmlp import Classifier, Regressor, load

RNG = np.random.default_rng(0)
ROWS = 240
NUMBERS = RNG.normal(size=(ROWS, 4))
# The data contradict the constraint on "falls" and say nothing about "noise".
TARGET = (
    NUMBERS[:, 0]
    + NUMBERS[:, 1]
    + np.maximum(NUMBERS[:, 0], 0) * np.sin(2 * NUMBERS[:, 3])
    + RNG.normal(size=ROWS) / 4
)


def _frame():
    frame = pd.DataFrame(NUMBERS, columns=["rises", "falls", "noise", "free"])
    frame.loc[::7, "rises"] = np.nan
    frame["member"] = NUMBERS[:, 2] > 0
    frame["city"] = np.array(["a", "b", "c"])[np.digitize(NUMBERS[:, 3], [-0.5, 0.5])]
    return frame


FRAME = _frame()
DIRECTIONS = {"rises": 1, "falls": -1, "noise": 1, "member": 1}
OPTIONS = {
    "preset": "fast",
    "n_estimators": 2,
    "hidden_layer_sizes": (8, 8),
    "max_iter": 8,
    "random_state": 0,
    "monotonic_cst": DIRECTIONS,
}


def probability(model):
    return lambda rows: model.predict_proba(rows)[:, 1]


def assert_kept(predict, rows=FRAME):
    for name, direction in DIRECTIONS.items():
        if name != "member":
            assert (direction * changes(predict, rows, name) >= 0).all()
    yes, no = (predict(rows.assign(member=value)) for value in (True, False))
    assert (yes >= no).all()


@pytest.fixture(scope="module")
def model():
    return Regressor(**OPTIONS).fit(FRAME, TARGET)


@pytest.fixture(scope="module")
def classifier():
    return Classifier(**OPTIONS, calibrate=True).fit(FRAME, TARGET > 0)


def test_no_prediction_breaks_a_constraint(model):
    assert_kept(model.predict)


def test_no_probability_breaks_a_constraint(classifier):
    assert classifier._model.task.temperature != 1
    assert_kept(probability(classifier))


def test_predictions_follow_the_columns_that_they_may_follow(model):
    assert (changes(model.predict, FRAME, "rises") > 0).mean() > 0.5
    free = changes(model.predict, FRAME, "free")
    assert (free > 0).any()
    assert (free < 0).any()
    assert model.score(FRAME, TARGET) > 0.25


def test_directions_by_position(model):
    by_position = Regressor(**OPTIONS | {"monotonic_cst": [1, -1, 1, 0, 1, 0]}).fit(FRAME, TARGET)
    np.testing.assert_array_equal(by_position.predict(FRAME), model.predict(FRAME))


@pytest.mark.parametrize(
    "options",
    [
        {"preset": "plain"},
        {"numeric_embedding": None, "standardize": False},
        {"activation": "leaky_relu", "solver": "sgd", "numeric_embedding": "both"},
        {"loss": "poisson", "max_grad_norm": 1.0},
        {"loss": "quantile", "quantile": [0.1, 0.9]},
        {"hidden_layer_sizes": ()},
        # Beyond what threads sum over their own rows, and what the matrix unit would multiply.
        {"hidden_layer_sizes": (260, 500), "max_iter": 1},
    ],
)
def test_settings(options):
    target = np.exp(TARGET) if options.get("loss") == "poisson" else TARGET
    kept = Regressor(**OPTIONS | {"max_iter": 3, "n_estimators": 1} | options).fit(FRAME, target)
    several = "quantile" in options
    assert_kept(lambda rows: kept.predict(rows)[:, 0] if several else kept.predict(rows))
    if several:
        assert_kept(lambda rows: kept.predict(rows)[:, 1])


def test_rows_one_by_one_give_the_same_bits(model):
    together = model.predict(FRAME)
    for i in range(0, ROWS, 29):
        assert model.predict(FRAME.iloc[[i]])[0] == together[i]


@pytest.mark.parametrize("dtype", [None, "float16", "bfloat16", "int8"])
def test_predictors_with_weights_of_few_bytes(model, dtype):
    predictor = model.predictor(dtype=dtype)
    assert_kept(predictor.predict)


def load_copy(model):
    return load(BytesIO(saved(model)))


def test_training_goes_on_within_the_constraints(model):
    model = load_copy(model)
    model.partial_fit(FRAME, -TARGET)
    model.partial_fit(FRAME, -TARGET)
    assert_kept(model.predict)
    model.set_params(warm_start=True).fit(FRAME, -TARGET)
    assert_kept(model.predict)


def test_smaller_models_keep_them(model):
    assert_kept(model.distilled(FRAME, max_iter=5).predict)
    assert_kept(model.with_fewer_networks(FRAME, n_networks=1).predict)


@pytest.mark.parametrize("change", [{"monotonic_cst": {"rises": -1}}, {"monotonic_cst": None}])
def test_constraints_are_fixed_while_training_goes_on(model, change):
    going_on = load_copy(model).set_params(warm_start=True, **change)
    with pytest.raises(ValueError, match="monotonic_cst and interaction_cst cannot change"):
        going_on.fit(FRAME, TARGET)
    np.testing.assert_array_equal(going_on.predict(FRAME), model.predict(FRAME))


def test_streams(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "rows.parquet"
    FRAME.assign(y=TARGET).to_parquet(path)
    assert_kept(Regressor(**OPTIONS | {"max_iter": 2}).fit(path, "y").predict)
