"""Predictors with weights in fewer bytes answer as the model that a file of that type holds."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal
from tiny_models import outputs, tiny

from fastmlp import Classifier, Regressor, load, load_predictor
from fastmlp.neural_network import MLPRegressor
from fastmlp.prediction.rounded_weights import SMALL_DTYPES

small_dtypes = pytest.mark.parametrize("dtype", SMALL_DTYPES)
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {"a": RNG.normal(size=60), "b": RNG.normal(size=60), "c": RNG.choice(list("abcdefghijkl"), 60)}
)
NUMBERS = RNG.normal(size=(60, 9))
SPARSE = scipy.sparse.random_array((60, 200), density=0.1, format="csr", rng=0)
WIDE = {"hidden_layer_sizes": (270, 260), "max_iter": 1}  # for the matrix unit, if there is one

DROP_IN = {"hidden_layer_sizes": (20,), "random_state": 0, "tol": 1}  # ends after some epochs


@pytest.fixture(scope="module")
def models():
    a = FRAME["a"]
    default = {"preset": "default", "n_estimators": 3, "hidden_layer_sizes": (40, 24)}
    return {
        "ensemble": (tiny(Regressor, **default).fit(FRAME, a), FRAME),
        "classes": (tiny(Classifier, **default).fit(FRAME, np.arange(60) % 3), FRAME),
        "wide": (tiny(**WIDE).fit(NUMBERS, a), NUMBERS),
        "sparse": (tiny(hidden_layer_sizes=40).fit(SPARSE, a), SPARSE),
        "narrow": (tiny(hidden_layer_sizes=(54, 3)).fit(NUMBERS, a), NUMBERS),  # held transposed
        "drop-in": (MLPRegressor(**DROP_IN).fit(NUMBERS, a), NUMBERS),
    }


KINDS = pytest.mark.parametrize(
    "kind", ["ensemble", "classes", "wide", "sparse", "narrow", "drop-in"]
)


def in_file(model, dtype=None) -> bytes:
    file = io.BytesIO()
    model.save(file, dtype=dtype)
    return file.getvalue()


def answers(predictor, X):
    return predictor.predict(X) if predictor.classes_ is None else predictor.predict_proba(X)


@KINDS
@small_dtypes
def test_answers_are_those_of_the_model_in_a_file_of_that_type(models, kind, dtype):
    model, X = models[kind]
    file = in_file(model, dtype)
    loaded = load(file)
    expected = outputs(loaded, X) if kind != "drop-in" else answers(loaded.predictor(), X)
    for predictor in (
        model.predictor(dtype=dtype),
        load_predictor(file),
        load_predictor(in_file(model), dtype=dtype),
        pickle.loads(pickle.dumps(model.predictor(dtype=dtype))),
    ):
        assert_array_equal(answers(predictor, X), expected)
        few = X[:5]
        assert_array_equal(answers(predictor, few), expected[:5])
        if kind == "ensemble":
            assert [predictor.predict(row) for row in few.to_dict("records")] == list(expected[:5])
        elif kind != "sparse" and kind != "classes":
            assert [predictor.predict(row) for row in few] == list(expected[:5])


@KINDS
def test_they_take_less_memory(models, kind):
    model, X = models[kind]
    floats = model.predictor()
    assert_array_equal(answers(floats, X), answers(load_predictor(in_file(model)), X))
    sizes = {dtype: model.predictor(dtype=dtype).nbytes for dtype in SMALL_DTYPES}
    assert sizes["int8"] < sizes["float16"] == sizes["bfloat16"] < floats.nbytes
    weights = [np.size(coef) for coef in getattr(model, "coefs_", [])] or [
        values.size for network in model.networks_ for values in network.parameters_of("weights")
    ]
    assert floats.nbytes - sizes["int8"] > 2 * sum(weights)


def test_a_loaded_predictor_takes_another_type_than_its_file(models):
    model, X = models["ensemble"]
    file = in_file(model, "int8")
    predictor = load_predictor(file, dtype="float16")
    assert_array_equal(predictor.predict(X), load(file).predictor(dtype="float16").predict(X))
    assert load_predictor(file).nbytes < predictor.nbytes


def test_weights_of_the_same_type_are_not_rounded_again(models):
    model, X = models["ensemble"]
    file = in_file(model, "int8")
    assert_array_equal(load_predictor(file, dtype="int8").predict(X), load(file).predict(X))


def test_other_types_are_an_error(models):
    model, _ = models["ensemble"]
    for make in (model.predictor, lambda dtype: load_predictor(in_file(model), dtype=dtype)):
        with pytest.raises(ValueError, match=r"dtype must be one of \['float16'.*; got 'int4'"):
            make(dtype="int4")


def test_weights_that_the_type_cannot_hold_are_an_error():
    model = MLPRegressor(**DROP_IN).fit(NUMBERS, FRAME["a"])
    model.coefs_[0][0, 0] = 1e5
    with pytest.raises(ValueError, match="too large for dtype='float16'"):
        model.predictor(dtype="float16")
