"""Sample weights, targets, types and layouts of tables."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network as theirs
from sklearn.datasets import load_iris
from theirs_and_ours import LABELS, X, Y, classifier, close, few_epochs, regressor, same_weights

import fastmlp.neural_network as ours

pytestmark = few_epochs


def test_early_stopping_with_labels_of_text():
    """Which scikit-learn's own class could not before 1.9."""
    names = np.array(["low", "mid", "high"])[LABELS]
    model = classifier(early_stopping=True).fit(X, names)
    assert len(model.validation_scores_) == 6
    numbers = classifier(early_stopping=True).fit(X, np.unique(names, return_inverse=True)[1])
    assert model.validation_scores_ == numbers.validation_scores_


def test_weights_of_zero_are_absence():
    weights = np.ones(150)
    weights[100:] = 0
    options = {"solver": "lbfgs", "max_iter": 15}
    a = regressor(**options).fit(X, Y, sample_weight=weights)
    b = regressor(**options).fit(X[:100], Y[:100])
    close(a.predict(X), b.predict(X), 1e-6)


def test_negative_weights():
    weights = np.where(np.arange(150) % 5 == 0, -0.5, 1.0)
    models = [regressor(m).fit(X, Y, sample_weight=weights) for m in (theirs, ours)]
    close(models[0].loss_curve_, models[1].loss_curve_)


def test_float32_for_float64_tables():
    for table in (X, scipy.sparse.csr_array(X)):
        single = regressor(dtype="float32").fit(table, Y)
        asked = regressor(theirs).fit(table.astype("float32"), Y)
        assert {c.dtype for c in single.coefs_} == {np.dtype("float32")}
        assert single.predict(table).dtype == np.float32
        close(single.loss_curve_, asked.loss_curve_, 1e-4)
        double = regressor(dtype="float64").fit(table.astype("float32"), Y)
        assert double.coefs_[0].dtype == np.float64
    by_lbfgs = regressor(dtype="float32", solver="lbfgs").fit(X, Y)
    assert by_lbfgs.coefs_[0].dtype == by_lbfgs.predict(X).dtype == np.float32
    with pytest.raises(ValueError, match="X holds values that float32 cannot hold"):
        regressor(dtype="float32").fit(X * 1e200, Y)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "bool", "float16", "float32", ">f8"])
@pytest.mark.parametrize("n_rows", [5, 150])
def test_predict_takes_numbers_of_any_type(dtype, n_rows):
    table = (X * 3).astype(dtype)[:n_rows]
    for train in (X, X.astype("float32")):
        a, b = (regressor(module).fit(train, Y) for module in (theirs, ours))
        assert a.predict(table).dtype == b.predict(table).dtype
        close(a.predict(table), b.predict(table), 1e-5)


@pytest.mark.parametrize("order", ["C", "F", "strided", "reversed", "readonly"])
def test_tables_where_they_lie(order):
    table = {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "reversed": X[::-1, ::-1][::-1, ::-1],
        "readonly": X.copy(),
    }[order]
    table.flags.writeable = order != "readonly"
    try:
        a, b = regressor().fit(X.copy(), Y), regressor().fit(table, Y)
        assert same_weights(a, b)
        np.testing.assert_array_equal(a.predict(X), b.predict(table))
    finally:
        X.flags.writeable = True


def test_multilabel_and_one_class():
    iris = load_iris()
    labels = np.eye(3, dtype=int)[iris.target][:, :2]
    for y in (labels, np.zeros(150, int), np.arange(150) % 2 == 0):
        models = [classifier(module).fit(iris.data, y) for module in (theirs, ours)]
        close(models[0].predict_proba(iris.data), models[1].predict_proba(iris.data))
        close(models[0].predict_log_proba(X[:, :4]), models[1].predict_log_proba(X[:, :4]))
        np.testing.assert_array_equal(models[0].predict(iris.data), models[1].predict(iris.data))
