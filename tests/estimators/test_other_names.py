"""Names from other libraries: errors say what they are called here."""

import os
import re
import subprocess
import sys
from ast import literal_eval
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from tiny_models import both, target, tiny

from fastmlp import Classifier, Regressor
from fastmlp._other_names import ATTRIBUTES, KEYWORDS, NUMBERS, ONLY, VALUES
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.parameters import check_constraints
from fastmlp.tasks.metrics import check_metrics

PARAMETERS = {*Regressor().get_params(), *Classifier().get_params()}
ARGUMENTS = {*signature(Regressor.fit).parameters}


def message_of(function, *args, **keywords) -> str:
    with pytest.raises((TypeError, ValueError, AttributeError)) as error:
        function(*args, **keywords)
    return str(error.value)


WRITTEN = sorted({meant for values in VALUES.values() for meant in values.values() if "=" in meant})


@pytest.mark.parametrize("meant", WRITTEN)
def test_values_that_errors_name_are_taken(meant):
    name, value = re.fullmatch(r"(\w+)=([^ ]+)(?: \(.*\))?|the solver=.*", meant).groups()
    if name is None:
        return  # scikit-learn's, in fastmlp.neural_network
    given = np.inf if "inf" in value else literal_eval(value)
    of_numbers = name in Regressor().get_params() and given != "ordinal"
    kind = Regressor if of_numbers else Classifier
    check_constraints(kind(**{name: given}))
    if name == "eval_metric":
        check_metrics(given, classifies=kind is Classifier)


@pytest.mark.parametrize(
    ("parameter", "value", "meant"),
    [
        ("loss", "mae", "loss='absolute_error'"),
        ("loss", "MSE", "loss='squared_error'"),
        ("loss", "reg:squarederror", "loss='squared_error'"),
        ("loss", "binary_crossentropy", "Classifier, whose default is the log loss"),
        ("loss", "squared_eror", "loss='squared_error'"),
        ("eval_metric", "rmse", "eval_metric='neg_root_mean_squared_error'"),
        ("eval_metric", "mean_absolute_error", "eval_metric='neg_mean_absolute_error'"),
        ("activation", "swish", "activation='silu'"),
        ("activation", ["sigmoid"], "activation='logistic'"),
        ("activation", None, "activation='identity'"),
        ("solver", "adamw", r"solver='adam' \(AdamW, with weight_decay\)"),
        ("solver", "lbfgs", "the solver='lbfgs' of fastmlp.neural_network"),
        ("learning_rate", 0.1, "learning_rate_init=0.1"),
        ("early_stopping", 50, "n_iter_no_change=50"),
        ("early_stopping", 0, "early_stopping=False"),
        ("dtype", np.float32, "dtype='float32'"),
        ("validation_fraction", 0, "early_stopping=False"),
        ("n_iter_no_change", None, r"n_iter_no_change=float\('inf'\)"),
    ],
)
def test_values(parameter, value, meant, X, y):
    message = message_of(tiny(**{parameter: value}).fit, X, y)
    assert re.search(rf"{re.escape(repr(value))}.* Did you mean {meant}\?$", message)


def test_metrics_of_classifiers(X, y):
    model = tiny(Classifier, eval_metric="auc")
    message = message_of(model.fit, X, target(Classifier, y))
    assert message.endswith(
        "Did you mean eval_metric='roc_auc' (of several classes 'roc_auc_ovr')?"
    )


@both
def test_unknown_values_get_no_advice(estimator, X, y):
    message = message_of(tiny(estimator, solver="zzz").fit, X, target(estimator, y))
    assert message.endswith("{'adam', 'sgd', 'rmsprop'}. Got 'zzz' instead.")


def test_names_are_listed_in_the_same_order_in_every_process():
    code = "from fastmlp import Regressor; Regressor(activation='zzz').fit([[0], [1]], [0, 1])"
    seed = {"PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | seed, capture_output=True, text=True
    ).stderr.splitlines()[-1]
    here = message_of(Regressor(activation="zzz").fit, [[0], [1]], [0, 1])
    assert said.endswith(here)
    assert "{'identity', 'relu', 'leaky_relu'" in here


@pytest.mark.parametrize(
    ("function", "keyword", "message"),
    [
        (Regressor, "n_epochs", "'n_epochs'. Did you mean max_iter?"),
        (Regressor, "lr", "'lr'. Did you mean learning_rate_init?"),
        (Regressor, "early_stopping_rounds", "Did you mean n_iter_no_change?"),
        (Regressor, "eval_set", "Did you mean eval_set of Regressor.fit?"),
        (Regressor, "xgb_model", "Did you mean init_model?"),
        (Regressor, "num_leaves", "setting of trees; networks have hidden_layer_sizes."),
        (Regressor, "hiden_layer_sizes", "Did you mean hidden_layer_sizes?"),
        (Classifier, "objective", "Did you mean loss?"),
        (Classifier, "class_weights", "Did you mean class_weight?"),
        (Regressor, "zzz", "Regressor.__init__ got an unexpected keyword argument 'zzz'."),
        (tiny().fit, "evals", "Regressor.fit got an unexpected keyword argument 'evals'. Did "
        "you mean eval_set?"),
        (tiny().fit, "validation_data", "Did you mean X_val and y_val?"),
        (tiny().fit, "epochs", "Did you mean max_iter of Regressor?"),
        (tiny().fit, "max_iter", "Did you mean max_iter of Regressor?"),
        (tiny(Classifier).partial_fit, "weights", "Did you mean sample_weight?"),
    ],
)  # fmt: skip
def test_keywords(function, keyword, message):
    arguments = () if isinstance(function, type) else ([[0.0]], [0.0])
    assert message_of(function, *arguments, **{keyword: 1}).endswith(message)


def test_signatures_are_those_of_the_methods():
    assert "learning_rate_init" in signature(Regressor).parameters
    assert [*signature(Regressor.fit).parameters][:4] == ["self", "X", "y", "sample_weight"]


def test_set_params_names_the_parameter_and_sets_none():
    model = Regressor()
    message = message_of(model.set_params, alpha=3.0, epochs=5)
    assert message.startswith("Invalid parameter 'epochs' for estimator Regressor(). Valid param")
    assert message.endswith("Did you mean max_iter?")
    assert model.alpha == 0.0


@pytest.mark.parametrize(
    ("estimator", "name", "meant"),
    [
        (Regressor, "best_score_", "Did you mean best_loss_?"),
        (Regressor, "evals_result", "Did you mean evals_result_?"),
        (Regressor, "history", "Did you mean histories_?"),
        (Regressor, "booster_", "Did you mean networks_?"),
        (Regressor, "classes_", "Classifier has classes_."),
        (Regressor, "predict_proba", "Classifier has predict_proba."),
        (Classifier, "decision_function", "Classifier has predict_proba."),
        (Classifier, "oof_prediction_", "Regressor has oof_prediction_."),
        (Classifier, "coef_", "Did you mean coefs_?"),
        (Classifier, "zzz", "'Classifier' object has no attribute 'zzz'."),
    ],
)
def test_attributes(estimator, name, meant, X, y):
    model = tiny(estimator).fit(X, target(estimator, y))
    assert not hasattr(model, name)
    assert message_of(getattr, model, name).endswith(meant)


@both
def test_importances_that_nobody_asked_for(estimator, X, y):
    model = tiny(estimator).fit(X, target(estimator, y))
    assert "compute_importances=True" in message_of(getattr, model, "feature_importances_")


def test_the_tables_name_what_exists(X, y):
    own = PARAMETERS | ARGUMENTS
    for meant in KEYWORDS.values():
        assert own.issuperset(re.findall(r"(\w+)(?:=\w+)?(?: and |$)", meant)), meant
    assert own.issuperset([*NUMBERS, *NUMBERS.values(), *VALUES])
    assert own.isdisjoint(KEYWORDS), "a name that exists needs no advice"
    for meant in ATTRIBUTES.values():
        name = meant.split()[0]
        assert any(hasattr(kind, name) for kind in (Regressor, Classifier))
    for name, estimator in ONLY.items():
        assert hasattr({"Regressor": Regressor, "Classifier": Classifier}[estimator], name)
        assert not hasattr(BaseMLP, name)


def test_an_initial_score_is_no_warm_start(X, y):
    assert "Did you mean" not in message_of(tiny().fit, X, y, init_score=y)


def test_regressor_on_labels_and_classifier_on_numbers(X, y):
    message = message_of(tiny().fit, X, np.where(y > 0, "yes", "no"))
    assert message.startswith("y must hold numbers; Classifier is for labels")
    message = message_of(tiny(Classifier).fit, X, y)
    assert message.startswith("Unknown label type: continuous. y must hold classes; Regressor pred")


@pytest.mark.parametrize("encoder", [OneHotEncoder(sparse_output=False), OrdinalEncoder()])
def test_raw_validation_rows_behind_a_pipeline(encoder, y):
    """The error says how to pass them; so passed they are taken."""
    frame = pd.DataFrame({"a": ["x", "y", "z"] * 20, "b": ["u", "v"] * 30})
    pipeline = make_pipeline(encoder, tiny())
    warns = pytest.warns(UserWarning, match="X_val has feature names, but Regressor was fitted")
    with (
        warns,
        pytest.raises(ValueError, match=r"In a Pipeline, X_val does not pass through .*") as e,
    ):
        pipeline.fit(frame, y, regressor__X_val=frame[:10], regressor__y_val=y[:10])
    assert "pipeline[:-1].transform(X_val)" in str(e.value)
    assert "validation_fraction" in str(e.value)
    rows = pipeline[:-1].transform(frame[:10])
    pipeline.fit(frame, y, regressor__X_val=rows, regressor__y_val=y[:10])


def test_other_errors_of_validation_rows_say_nothing_of_pipelines(X, y):
    message = message_of(tiny().fit, X, y, X_val=np.full((5, 4), np.inf), y_val=y[:5])
    assert "infinity" in message
    assert "Pipeline" not in message
    twice = pd.DataFrame(X[:5, [0, 0]], columns=["a", "a"])
    message = message_of(tiny().fit, X, y, X_val=twice, y_val=y[:5])
    assert message == "X_val: Expected unique column names, got:\n- 'a' 2 times"
