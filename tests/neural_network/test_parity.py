"""The numbers of fastmlp.neural_network against scikit-learn's, over the matrix of options."""

import itertools
import warnings

import numpy as np
import pytest
import sklearn
import sklearn.neural_network as theirs
from scipy.sparse import csr_array
from sklearn.utils.fixes import parse_version

import fastmlp.neural_network as ours

RNG = np.random.RandomState(0)
N_ROWS, N_COLUMNS = 230, 7
TABLE = RNG.normal(size=(N_ROWS, N_COLUMNS))
SIGNAL = TABLE @ RNG.normal(size=(N_COLUMNS, 3)) / 2
NOISY = SIGNAL + 0.5 * RNG.normal(size=SIGNAL.shape)
WEIGHTS = RNG.uniform(0.2, 3.0, N_ROWS)
SPARSE = TABLE * (RNG.uniform(size=TABLE.shape) < 0.4)

# With early stopping scikit-learn's class takes no labels of text before 1.9.
BINARY = ("no", "yes") if parse_version(sklearn.__version__) >= parse_version("1.9") else (3, 5)

TARGETS = {
    "regression": ("MLPRegressor", np.sin(SIGNAL[:, 0]), {}),
    "multi-output": ("MLPRegressor", np.sin(SIGNAL), {}),
    "poisson": ("MLPRegressor", RNG.poisson(np.exp(SIGNAL[:, 0] / 2)), {"loss": "poisson"}),
    "binary": ("MLPClassifier", np.where(NOISY[:, 0] > 0, *BINARY), {}),
    "multiclass": ("MLPClassifier", NOISY.argmax(axis=1), {}),
    "multilabel": ("MLPClassifier", (NOISY > 0).astype(int), {}),
}
ACTIVATIONS = ("relu", "tanh", "logistic", "identity")
OPTIONS = [
    *itertools.product(["adam"], ACTIVATIONS, ["constant"], [False, True]),
    *itertools.product(["sgd"], ACTIVATIONS, ["constant", "invscaling", "adaptive"], [False, True]),
    *itertools.product(["lbfgs"], ACTIVATIONS, ["constant"], [False]),
]
# A line search grows what rounding makes different: scikit-learn with another BLAS kernel
# (OPENBLAS_CORETYPE) drifts away from itself as fast.
LBFGS_ITERATIONS = {"float64": 10, "float32": 5}
INPUTS = list(itertools.product((TABLE, csr_array(SPARSE)), (None, WEIGHTS)))
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}
LBFGS_TOLERANCE = {"float64": 1e-8, "float32": 1e-3}


def inputs_of(activation, kind, dtype):
    """Two of the four pairs of table and weights; the other type of numbers gets the others."""
    turn = ACTIVATIONS.index(activation) + list(TARGETS).index(kind) + list(TOLERANCE).index(dtype)
    return INPUTS[::3] if turn % 2 else INPUTS[1:3]


def relative(a, b) -> float:
    """Largest difference, relative to the largest number."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(a)), 1e-300))


def fitted(module, kind, X, sample_weight, options):
    """The model, and what it warned of."""
    name, y, more = TARGETS[kind]
    model = getattr(module, name)(
        hidden_layer_sizes=(13, 6),
        batch_size=70,
        learning_rate_init=0.01,
        alpha=0.01,
        random_state=3,
        **options,
        **more,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, sample_weight=sample_weight)
    return model, [(w.category, str(w.message)) for w in caught]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize(
    ("solver", "activation", "learning_rate", "early_stopping"),
    OPTIONS,
    ids=["-".join(map(str, option)) for option in OPTIONS],
)
def test_same_numbers(solver, activation, learning_rate, early_stopping, kind, dtype):
    is_lbfgs = solver == "lbfgs"
    options = {
        "solver": solver,
        "activation": activation,
        "learning_rate": learning_rate,
        "early_stopping": early_stopping,
        "max_iter": LBFGS_ITERATIONS[dtype] if is_lbfgs else 12,
        "n_iter_no_change": 2,
        "tol": 1e-2 if learning_rate == "adaptive" else 1e-4,  # so that the rate comes down
    }
    tolerance = (LBFGS_TOLERANCE if is_lbfgs else TOLERANCE)[dtype]
    for X, weights in inputs_of(activation, kind, dtype):
        X = X.astype(dtype)
        a, a_warned = fitted(theirs, kind, X, weights, options)
        b, b_warned = fitted(ours, kind, X, weights, options)
        assert b.n_iter_ == a.n_iter_
        if is_lbfgs:  # its message holds the loss
            assert [w[0] for w in b_warned] == [w[0] for w in a_warned]
            assert relative(a.loss_, b.loss_) < tolerance
        else:
            assert b_warned == a_warned
            assert relative(a.loss_curve_, b.loss_curve_) < tolerance
            assert (b.t_, b.best_loss_ is None) == (a.t_, a.best_loss_ is None)
        if early_stopping:
            assert relative(a.validation_scores_, b.validation_scores_) < tolerance
        for theirs_, ours_ in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
            assert ours_.dtype == theirs_.dtype
            assert relative(theirs_, ours_) < tolerance
        output = "predict_proba" if hasattr(a, "predict_proba") else "predict"
        p, q = getattr(a, output)(X), getattr(b, output)(X)
        assert q.dtype == p.dtype
        assert relative(p, q) < tolerance
        assert relative(*(getattr(m, output)(X.astype("float64")) for m in (a, b))) < tolerance
        if hasattr(a, "classes_"):
            np.testing.assert_array_equal(b.predict(X), a.predict(X))


@pytest.mark.parametrize(
    ("X_kind", "hidden", "batch_size"),
    [
        ("wide", (300, 200), 64),  # more parameters than threads keep gradients of their own for
        ("wide", (), 32),
        ("narrow", (40,), 1),
        ("narrow", 5, 1000),
        ("sparse", (), 30),
        ("sparse", (70, 70, 70), "auto"),
    ],
)
def test_shapes(X_kind, hidden, batch_size):
    rng = np.random.RandomState(1)
    X = {
        "wide": rng.normal(size=(150, 600)),
        "narrow": rng.normal(size=(90, 1)),
        "sparse": csr_array(rng.normal(size=(200, 400)) * (rng.uniform(size=(200, 400)) < 0.03)),
    }[X_kind]
    y = rng.normal(size=(X.shape[0], 2))
    options = {"max_iter": 5, "random_state": 0, "batch_size": batch_size}
    a, b = (module.MLPRegressor(hidden_layer_sizes=hidden, **options) for module in (theirs, ours))
    for model in (a, b):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
    assert relative(a.loss_curve_, b.loss_curve_) < 1e-10
    assert relative(a.predict(X), b.predict(X)) < 1e-10
    assert relative(a.predict(X[:3]), b.predict(X[:3])) < 1e-10


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_without_shuffling(solver):
    a, b = (
        module.MLPRegressor(
            solver=solver, shuffle=False, batch_size=32, max_iter=20, random_state=0, tol=0
        )
        for module in (theirs, ours)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in (a, b):
            model.fit(TABLE, SIGNAL)
    assert relative(a.loss_curve_, b.loss_curve_) < 1e-10


def test_stops_where_scikit_learn_stops():
    for options in ({}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "adaptive"}):
        a, b = (
            module.MLPRegressor(
                max_iter=2000, tol=1e-3, learning_rate_init=0.01, random_state=0, **options
            ).fit(TABLE, SIGNAL)
            for module in (theirs, ours)
        )
        assert a.n_iter_ == b.n_iter_ < 2000
        assert relative(a.loss_curve_, b.loss_curve_) < 1e-6
        assert relative(a.predict(TABLE), b.predict(TABLE)) < 1e-6
