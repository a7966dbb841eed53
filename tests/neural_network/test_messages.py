"""What is printed, warned of and raised is scikit-learn's."""

import io
import re
import warnings
from contextlib import redirect_stdout

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from theirs_and_ours import LABELS, X, Y, both, classifier, few_epochs, regressor, same_weights

import fastmlp.neural_network as ours

pytestmark = few_epochs


def printed(module, **options):
    out = io.StringIO()
    with redirect_stdout(out):
        regressor(module, verbose=True, **options).fit(X, Y)
    return out.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True},
        {"tol": 10.0, "n_iter_no_change": 2},
        {"tol": 10.0, "n_iter_no_change": 2, "early_stopping": True},
        {"tol": 10.0, "n_iter_no_change": 1, "solver": "sgd", "learning_rate": "adaptive"},
    ],
)
def test_printed_lines(options):
    assert printed(ours, max_iter=40, **options) == printed(theirs, max_iter=40, **options)


@both
def test_warnings_come_from_scikit_learn(module):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=ConvergenceWarning, module="sklearn")
        warnings.filterwarnings("ignore", message="Got `batch_size`", module="sklearn")
        regressor(module, batch_size=1000).fit(X, Y)


@both
def test_convergence_warning_as_an_error_leaves_a_model(module):
    model = regressor(module)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="Maximum iterations"):
            model.fit(X, Y)
    assert model.n_iter_ == 6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = regressor(module).fit(X, Y)
    assert same_weights(model, other)


INVALID = [
    ("hidden_layer_sizes", (5, -1)),
    ("activation", "mish"),
    ("solver", "newton"),
    ("alpha", -1.0),
    ("batch_size", 0),
    ("learning_rate", "cosine"),
    ("max_iter", 0),
    ("tol", -1.0),
    ("momentum", 2),
    ("beta_1", 1.0),
    ("validation_fraction", 1.0),
    ("n_iter_no_change", 0),
    ("early_stopping", "yes"),
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_invalid_parameters(name, value):
    messages = []
    for module in (theirs, ours):
        with pytest.raises(ValueError, match=name) as error:
            regressor(module, **{name: value}).fit(X, Y)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(("name", "value"), [("n_jobs", 0), ("n_jobs", 1.5), ("dtype", "float16")])
def test_invalid_parameters_of_our_own(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of MLPRegressor must be"):
        regressor(**{name: value}).fit(X, Y)


BAD = {
    "lengths": (X, Y[:-1], {}),
    "missing": (np.where(X > 2, np.nan, X), Y, {}),
    "one dimension": (X[0], Y, {}),
    "no target": (X, None, {}),
    "text": ([["a"], ["b"]], [1.0, 2.0], {}),
    "weights": (X, Y, {"sample_weight": np.ones(3)}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    table, y, more = BAD[case]
    messages = []
    for module in (theirs, ours):
        model = regressor(module).fit(X, Y)
        with pytest.raises(ValueError) as error:  # noqa: PT011
            model.fit(table, y, **more)
        messages.append((type(error.value), str(error.value)))
    assert messages[0] == messages[1]


@both
def test_other_refusals(module):
    with pytest.raises(NotFittedError):
        regressor(module).predict(X)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        regressor(module, early_stopping=True).partial_fit(X, Y)
    with pytest.raises(AttributeError, match="partial_fit"):
        classifier(module, solver="lbfgs").partial_fit(X, LABELS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="validation set is too small"):
        regressor(module, early_stopping=True).fit(X[:5], Y[:5])
    diverging = regressor(module, solver="sgd", learning_rate_init=1e10, max_iter=50)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="non-finite parameter"):
        diverging.fit(X, Y * 1e9)
    with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
        regressor(module, batch_size=50, shuffle=False).fit(
            X, Y, sample_weight=np.arange(150) >= 50
        )
    fitted = classifier(module, warm_start=True).fit(X, LABELS)
    with pytest.raises(ValueError, match="warm_start can only be used where"):
        fitted.fit(X, LABELS + 1)


@pytest.mark.parametrize("y", [Y.astype(str), np.arange(150).astype("datetime64[D]")])
def test_targets_that_are_no_numbers(y):
    with pytest.raises(TypeError, match=re.escape(f"y must hold numbers; got dtype {y.dtype}")):
        regressor().fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_poisson_refuses_negative_targets(solver):
    with pytest.raises(ValueError, match="requires y >= 0"):
        regressor(loss="poisson", solver=solver).fit(X, Y)
