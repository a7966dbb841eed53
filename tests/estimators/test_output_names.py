"""Names of outputs: those of y's columns, or quantiles."""

import io
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tiny_models import tiny

import fastmlp
from fastmlp import Classifier, Regressor

ROWS = 30
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=list("abc"))
TWO = pd.DataFrame({"u": X["a"] - X["b"], "v": X["c"]})
FLAGS = (TWO > 0).astype(int)
WORDS = FLAGS.replace({0: "low", 1: "high"}).astype(object)


class NamedArray(np.ndarray):
    """As Dask's arrays, whose names nobody gave them."""

    name = "array-3f29"


def fitted(y, estimator=Regressor, **options):
    return tiny(estimator, **options).fit(X, y)


@pytest.fixture(scope="module")
def two():
    return fitted(TWO)


@pytest.fixture(scope="module")
def quantiles():
    return fitted(TWO["u"], loss="quantile", quantile=[0.1, 0.25, 0.9])


def reloaded(model):
    file = io.BytesIO()
    model.save(file)
    return fastmlp.load(file.getvalue()), fastmlp.load_predictor(file.getvalue())


@pytest.mark.parametrize(
    "library", [pd.DataFrame, pl.DataFrame, pa.Table.from_pandas], ids=["pandas", "polars", "arrow"]
)
def test_columns_of_y(library):
    assert fitted(library(TWO)).output_names_ == ["u", "v"]
    assert fitted(library(FLAGS), Classifier).output_names_ == ["u", "v"]
    assert fitted(library(WORDS), Classifier).output_names_ == ["u", "v"]


def test_a_series_has_one(two):
    assert fitted(TWO["u"]).output_names_ == ["u"]
    assert fitted(pl.Series("u", TWO["u"].to_numpy())).output_names_ == ["u"]
    assert fitted(WORDS["v"], Classifier).output_names_ == ["v"]


@pytest.mark.parametrize(
    "y",
    [
        TWO.to_numpy(),
        TWO.to_numpy().tolist(),
        TWO.set_axis([0, 1], axis=1),
        TWO.set_axis(["u", 1], axis=1),
        pd.Series(TWO["u"].to_numpy()),
        pl.Series(TWO["u"].to_numpy()),
        TWO["u"].to_numpy().view(NamedArray),
    ],
    ids=["array", "list", "numbers", "mixed", "Series", "polars", "named"],
)
def test_others_have_none(y):
    model = fitted(y)
    with pytest.raises(AttributeError, match="has no output_names_: y had no column names"):
        model.output_names_  # noqa: B018
    assert model.predictor().output_names_ is None


def test_quantiles(quantiles):
    assert quantiles.output_names_ == ["0.1", "0.25", "0.9"]
    near = [0.9999999, 0.99999999]
    assert fitted(TWO["u"], loss="quantile", quantile=near).output_names_ == [*map(str, near)]


def test_predictions_stay_arrays(two):
    assert type(two.predict(X)) is np.ndarray
    np.testing.assert_array_equal(two.predict(X), fitted(TWO.to_numpy()).predict(X))


def test_pickles_and_files_keep_names(two, quantiles):
    for model, targets in ((two, ("u", "v")), (quantiles, ("u",))):
        loaded, predictor = reloaded(model)
        for other in (loaded, predictor, model.predictor(), pickle.loads(pickle.dumps(model))):
            assert other.output_names_ == model.output_names_
            assert other._pipeline.target_names == targets
    words = fitted(WORDS, Classifier)
    assert [one.output_names_ for one in reloaded(words)] == 2 * [["u", "v"]]


def test_training_that_goes_on_keeps_them(two):
    model = pickle.loads(pickle.dumps(two))
    assert model.partial_fit(X, TWO.to_numpy()).output_names_ == ["u", "v"]
    assert model.set_params(warm_start=True).fit(X, TWO).output_names_ == ["u", "v"]


def test_attributions_by_name_and_by_position(two, quantiles):
    found = two.attributions(X[:2], X[:10])
    assert found.output_names == ["u", "v"]
    np.testing.assert_array_equal(found.of_output("v").values, found.values[:, :, 1])
    np.testing.assert_array_equal(found.of_output(np.int64(1)).values, found.values[:, :, 1])
    for wrong in ("w", 2, -1, True, None, 0.5):
        with pytest.raises(ValueError, match=r"output must be one of \['u', 'v'\]; got"):
            found.of_output(wrong)
    found = quantiles.attributions(X[:2], X[:10])
    for name in ("0.9", 0.9, 2):
        np.testing.assert_array_equal(found.of_output(name).values, found.values[:, :, 2])
    with pytest.raises(ValueError, match=r"one of \['0\.1', '0\.25', '0\.9'\]; got 0\.5"):
        found.of_output(0.5)


def test_explanations_of_the_only_output_by_its_name():
    for model, name in (
        (fitted(TWO["u"]), "u"),
        (fitted(TWO["u"] > 0, Classifier), True),
    ):
        found = model.attributions(X[:2], X[:10])
        assert found.output_names == [name]
        one = found.of_output(name)
        np.testing.assert_array_equal(one.values, found.values.reshape(one.values.shape))
        assert one.of_output(name) is one.of_output() is one
        with pytest.raises(ValueError, match="output must be one of"):
            found.of_output("w")


def test_labels_that_are_there_or_not():
    model = fitted(FLAGS, Classifier)
    found = model.attributions(X[:2], X[:10])
    np.testing.assert_array_equal(found.of_output("v").values, found.values[:, :, 1])
    assert "The probability of label v is" in model.explain_row(X.iloc[0], X)
    unnamed = fitted(FLAGS.to_numpy(), Classifier).attributions(X[:2], X[:10])
    np.testing.assert_array_equal(unnamed.of_output(1).values, found.of_output(1).values)


def test_classes_that_are_numbers_are_no_positions():
    found = fitted(FLAGS["u"] + FLAGS["v"] + 5, Classifier).attributions(X[:2], X[:10])
    np.testing.assert_array_equal(found.of_output(6).values, found.values[:, :, 1])
    with pytest.raises(ValueError, match=r"output must be one of \[5, 6, 7\]; got 1"):
        found.of_output(1)


def test_partial_dependence(two):
    found = two.partial_dependence(X, "a", grid_resolution=3)
    assert found.output_names == ["u", "v"]
    assert found._output_number("v") == found._output_number(1) == 1


def test_reports_and_summaries(two, quantiles):
    first, second = two.explain_row(X.iloc[0], X).splitlines()
    assert first.startswith("The prediction of output u is")
    assert second.startswith("The prediction of output v is")
    assert quantiles.explain_row(X.iloc[0], X).startswith("The prediction of quantile 0.1 is")
    assert "\nPredicts u, v\n" in two.summary()
    assert "\nPredicts the quantiles 0.1, 0.25, 0.9 of u\n" in quantiles.summary()
    assert "Predicts" not in fitted(TWO["u"]).summary()


def test_another_order_of_targets_is_refused(two):
    other, message = TWO[["v", "u"]], r"must have its columns in the order .*\['u', 'v'\]; got"
    rows = X.to_numpy()
    assert two.score(X, TWO) != two.score(X, other.to_numpy())  # which nobody would see
    for call in (
        lambda: two.score(X, other),
        lambda: two.importances(X, other),
        lambda: two.conformalize(X, other),
        lambda: pickle.loads(pickle.dumps(two)).partial_fit(X, other),
        lambda: tiny().fit(X, TWO, X_val=X, y_val=other),
        lambda: tiny().fit(X, TWO, eval_set=[(X, other)]),
        lambda: fitted(WORDS, Classifier).score(X, WORDS[["v", "u"]]),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match=message):  # of which one is another target
        two.score(X, TWO.set_axis(["v", "w"], axis=1))
    assert np.isfinite(two.score(X, TWO.set_axis(["u", "w"], axis=1)))
    assert np.isfinite(tiny().fit(rows, TWO["u"], X_val=rows, y_val=TWO["v"]).score(rows, TWO["u"]))
