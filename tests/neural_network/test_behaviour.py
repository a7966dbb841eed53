"""What else code that works with scikit-learn's MLP relies on, and what fastmlp adds to it."""

import copy
import io
import pickle
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
import sklearn.neural_network as theirs
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

import fastmlp.neural_network as ours
from fastmlp.neural_network._training import Session, shuffle

RNG = np.random.RandomState(0)
X = RNG.normal(size=(150, 6))
Y = np.sin(X.sum(axis=1)) + 0.1 * RNG.normal(size=150)
LABELS = np.digitize(Y, [-0.3, 0.3])
both = pytest.mark.parametrize("module", [theirs, ours], ids=["theirs", "ours"])
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def regressor(module=ours, **options):
    return module.MLPRegressor(**{"max_iter": 6, "random_state": 0} | options)


def classifier(module=ours, **options):
    return module.MLPClassifier(**{"max_iter": 6, "random_state": 0} | options)


def same_weights(a, b) -> bool:
    pairs = zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    return all(np.array_equal(p, q) for p, q in pairs)


def close(a, b, tolerance=1e-10):
    """Equal but for rounding, relative to the largest number."""
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1.0, np.max(np.abs(b))))


# ---- going on


def test_partial_fit_goes_on_as_theirs():
    for solver in ("adam", "sgd"):
        models = [classifier(module, solver=solver) for module in (theirs, ours)]
        for start in range(0, 150, 30):
            rows = slice(start, start + 30)
            for model in models:
                model.partial_fit(X[rows], LABELS[rows], classes=[0, 1, 2])
        close(models[0].loss_curve_, models[1].loss_curve_)
        close(models[0].predict_proba(X), models[1].predict_proba(X))
        assert models[0].t_ == models[1].t_
        a, b = (model._optimizer for model in models)
        for name in ("ms", "vs", "velocities"):
            for p, q in zip(getattr(a, name, []), getattr(b, name, []), strict=True):
                close(p, q)
        assert b.learning_rate == pytest.approx(a.learning_rate, rel=1e-12)


def test_partial_fit_keeps_the_first_optimizer():
    """As scikit-learn does: a changed rate counts for a new optimiser only."""
    models = [regressor(module).partial_fit(X, Y) for module in (theirs, ours)]
    for model in models:
        model.set_params(learning_rate_init=0.5, solver="sgd").partial_fit(X, Y)
    close(models[0].loss_curve_, models[1].loss_curve_)


@both
def test_weights_may_be_assigned_and_changed(module):
    model = regressor(module).fit(X, Y)
    model.coefs_ = [np.zeros_like(c) for c in model.coefs_]
    model.intercepts_[-1] = np.array([2.5])
    close(model.predict(X), np.full(150, 2.5))
    model.intercepts_[-1][:] = 3.5  # in place
    close(model.predict(X), np.full(150, 3.5))
    model.coefs_[0][0] = 1.0
    model.coefs_[1][:] = 1.0
    expected = 3.5 + np.maximum(X[:, :1] + model.intercepts_[0], 0).sum(axis=1)
    close(model.predict(X), expected)


def test_training_goes_on_from_assigned_weights():
    models = [regressor(module, warm_start=True).fit(X, Y) for module in (theirs, ours)]
    for model in models:
        model.coefs_ = [c / 2 for c in model.coefs_]
        model.fit(X, Y)
        model.partial_fit(X, Y)
        model.coefs_[0][:] *= 0.9  # in place, between two calls that keep the engine
        model.partial_fit(X, Y)
    close(models[0].loss_curve_, models[1].loss_curve_)
    close(models[0].coefs_[0], models[1].coefs_[0])


@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_warm_start_with_early_stopping(kind):
    """Progress is kept where no epoch beats the best of the fits before."""
    make, y = (regressor, Y) if kind == "regressor" else (classifier, LABELS)
    options = {"warm_start": True, "early_stopping": True, "learning_rate_init": 0.02}
    models = [make(module, max_iter=4, **options) for module in (theirs, ours)]
    for _ in range(6):
        for model in models:
            model.fit(X, y)
        close(*(model.coefs_[0] for model in models))
        close(*(model.loss_curve_ for model in models))
        models[1] = pickle.loads(pickle.dumps(models[1]))


def test_warm_start_in_another_type():
    models = [regressor(module, warm_start=True).fit(X, Y) for module in (theirs, ours)]
    for model in models:
        model.fit(X.astype("float32"), Y)
    assert models[1].coefs_[0].dtype == models[0].coefs_[0].dtype == np.float64
    close(models[0].loss_curve_, models[1].loss_curve_, 1e-5)


@both
def test_weights_of_the_wrong_shape(module):
    model = regressor(module).fit(X, Y)
    model.coefs_[1] = np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"3"):
        model.predict(X)


def test_n_iter_no_change_may_be_infinite():
    model = regressor(n_iter_no_change=np.inf, tol=1e9, max_iter=30).fit(X, Y)
    assert model.n_iter_ == 30


# ---- randomness


@pytest.mark.parametrize("n", [1, 2, 3, 255, 256, 257, 623, 624, 625, 40_000])
def test_order_of_rows_is_numpys(n):
    for seed in range(3):
        expected, state = np.random.RandomState(seed), np.random.RandomState(seed)
        expected.random_sample(seed * 100)
        state.random_sample(seed * 100)
        rows, ours_ = np.arange(n), np.arange(n, dtype=np.uint32)
        for _ in range(3):
            rows = sklearn.utils.shuffle(rows, random_state=expected)
            shuffle(ours_, state)
            np.testing.assert_array_equal(ours_, rows)
        assert state.random_sample() == expected.random_sample()


def test_random_state_is_handed_back():
    states = [np.random.RandomState(5), np.random.RandomState(5)]
    for module, state in zip((theirs, ours), states, strict=True):
        regressor(module, random_state=state).fit(X, Y)
    assert states[0].random_sample() == states[1].random_sample()


def test_another_generator_behind_the_random_state():
    models = [
        regressor(module, random_state=np.random.RandomState(np.random.PCG64(3))).fit(X, Y)
        for module in (theirs, ours)
    ]
    close(models[0].loss_curve_, models[1].loss_curve_)


def test_the_global_state():
    curves = []
    for module in (theirs, ours):
        np.random.seed(7)  # noqa: NPY002
        curves.append(regressor(module, random_state=None).fit(X, Y).loss_curve_)
    close(*curves)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_same_bits_for_any_number_of_threads(kind):
    rng = np.random.RandomState(2)
    table = rng.normal(size=(500, 300))
    if kind == "sparse":
        table = scipy.sparse.csr_array(table * (rng.uniform(size=table.shape) < 0.1))
    y = rng.normal(size=500)
    for options in ({"hidden_layer_sizes": (200, 100)}, {"solver": "lbfgs"}):
        models = [regressor(n_jobs=n, **options).fit(table, y) for n in (1, 2, 3, 4, 8, -1)]
        for model in models[1:]:
            assert same_weights(model, models[0])
            np.testing.assert_array_equal(model.predict(table), models[0].predict(table))


# ---- what is printed, warned of and raised


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
    assert model.score(X, Y) > -1


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


FAILURES = {
    "diverging": (X * 1e155, Y * 1e300, None),
    "no weight": (X, Y, np.where(np.arange(150) % 2 == 0, 1.0, -1.0)),
}


@pytest.mark.parametrize(
    ("solver", "method", "failure"),
    [
        ("adam", "fit", "diverging"),
        ("adam", "partial_fit", "diverging"),
        ("sgd", "fit", "no weight"),
        ("sgd", "partial_fit", "diverging"),
        ("sgd", "partial_fit", "no weight"),
        ("lbfgs", "fit", "no weight"),
    ],
)
def test_a_failed_call_leaves_the_model(solver, method, failure):
    model = regressor(warm_start=True, solver=solver).fit(X, Y)
    if method == "partial_fit":
        model.partial_fit(X, Y)
    before = copy.deepcopy(model)
    table, y, weights = FAILURES[failure]
    with np.errstate(all="ignore"), pytest.raises((ValueError, ZeroDivisionError)):
        getattr(model, method)(table, y, sample_weight=weights)
    assert model.__dict__.keys() == before.__dict__.keys()
    assert same_weights(model, before)
    assert getattr(model, "loss_curve_", None) == getattr(before, "loss_curve_", None)
    np.testing.assert_array_equal(model.predict(X), before.predict(X))
    for other in (model, before):
        getattr(other, method)(X, Y)
    assert same_weights(model, before)


def test_interrupt_keeps_a_model():
    table, y = RNG.normal(size=(20_000, 50)), RNG.normal(size=20_000)
    model = regressor(hidden_layer_sizes=(256, 256), max_iter=10_000, tol=0, verbose=False)
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(table, y)
    assert time.monotonic() - start < 60
    assert 0 <= model.n_iter_ < 10_000
    assert len(model.loss_curve_) == model.n_iter_
    assert np.isfinite(model.predict(table)).all()


def test_interrupted_partial_fit_goes_on_as_if_it_had_not_been(monkeypatch):
    table, y = RNG.normal(size=(20_000, 50)), RNG.normal(size=20_000)
    model = regressor(hidden_layer_sizes=(600, 600)).partial_fit(table[:500], y[:500])
    model.partial_fit(table[:500], y[:500])
    other = copy.deepcopy(model)
    run_epoch = Session.run_epoch

    def run_with_alarm(*args):
        threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
        return run_epoch(*args)

    monkeypatch.setattr(Session, "run_epoch", run_with_alarm)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.partial_fit(np.tile(table, (10, 1)), np.tile(y, 10))
    assert same_weights(model, other)
    monkeypatch.undo()
    for each in (model, other):
        each.partial_fit(table[:500], y[:500])
    assert same_weights(model, other)


def test_early_stopping_with_labels_of_text():
    """Which scikit-learn's own class could not before 1.9."""
    names = np.array(["low", "mid", "high"])[LABELS]
    model = classifier(early_stopping=True).fit(X, names)
    assert len(model.validation_scores_) == 6
    numbers = classifier(early_stopping=True).fit(X, np.unique(names, return_inverse=True)[1])
    assert model.validation_scores_ == numbers.validation_scores_


# ---- sample weights


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


# ---- sparse tables


def sparse_table(rows=200, columns=60, seed=0):
    rng = np.random.RandomState(seed)
    dense = rng.normal(size=(rows, columns)) * (rng.uniform(size=(rows, columns)) < 0.1)
    return scipy.sparse.csr_array(dense)


def variants():
    table = sparse_table()
    unsorted = table.copy()
    for i in range(table.shape[0]):
        part = slice(table.indptr[i], table.indptr[i + 1])
        unsorted.indices[part] = table.indices[part][::-1]
        unsorted.data[part] = table.data[part][::-1]
    unsorted.has_sorted_indices = False
    twice = scipy.sparse.csr_array(
        (np.repeat(table.data / 2, 2), np.repeat(table.indices, 2), table.indptr * 2),
        shape=table.shape,
    )
    wide = table.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    with_zeros = table.copy()
    with_zeros.data[::7] = 0
    return {
        "csc": table.tocsc(),
        "csr_matrix": scipy.sparse.csr_matrix(table),
        "unsorted": unsorted,
        "duplicates": twice,
        "int64 indices": wide,
        "explicit zeros": with_zeros,
        "int values": (table * 10).astype(np.int64),
        "empty rows": scipy.sparse.csr_array(table.multiply(np.arange(200)[:, None] % 2)),
        "nothing": scipy.sparse.csr_array((200, 60)),
    }


@pytest.mark.parametrize("name", variants())
def test_sparse_tables(name):
    table = variants()[name]
    before = table.copy()
    y = np.sin(np.arange(200.0))
    dense = table.toarray()
    a = regressor(theirs, batch_size=32).fit(dense, y)
    b = regressor(batch_size=32).fit(table, y)
    close(a.loss_curve_, b.loss_curve_)
    close(a.predict(dense), b.predict(table))
    close(b.predict(dense), b.predict(table))
    close(a.predict(dense[:3]), b.predict(table[:3]))
    assert (before != table).nnz == 0


def test_sparse_partial_fit_and_early_stopping():
    table, y = sparse_table(), np.arange(200) % 3
    models = [classifier(module, early_stopping=True).fit(table, y) for module in (theirs, ours)]
    assert models[0].validation_scores_ == models[1].validation_scores_
    models = [classifier(module) for module in (theirs, ours)]
    for _ in range(4):
        for model in models:
            model.partial_fit(table, y, classes=[0, 1, 2])
    close(models[0].loss_curve_, models[1].loss_curve_)


def test_sparse_tables_are_not_densified():
    """As a dense float64 array this one would take 48 GB."""
    n_rows, n_columns = 60_000, 100_000
    rng = np.random.RandomState(0)
    columns = rng.randint(n_columns, size=2 * n_rows)
    table = scipy.sparse.csr_array(
        (np.ones(2 * n_rows), columns, np.arange(0, 2 * n_rows + 1, 2)), shape=(n_rows, n_columns)
    )
    model = regressor(hidden_layer_sizes=4, max_iter=1, batch_size=6000).fit(table, columns[::2])
    assert np.isfinite(model.predict(table)).all()


@both
def test_sparse_table_with_a_missing_value(module):
    table = sparse_table()
    table.data[3] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        regressor(module).fit(table, np.arange(200.0))


def test_sorted_flag_that_is_out_of_date():
    rng = np.random.RandomState(0)
    table = scipy.sparse.random(400, 2000, density=0.01, format="csr", random_state=rng)
    assert table.has_sorted_indices  # which SciPy remembers
    table.indices[:] = table.indices[::-1].copy()
    y = rng.normal(size=400)
    close(regressor(theirs).fit(table.copy(), y).loss_curve_, regressor().fit(table, y).loss_curve_)


# ---- the type to compute in


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


# ---- copies, files, tools


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_copies_go_on_alike(solver, tmp_path):
    model = classifier(solver=solver, warm_start=True).fit(X, LABELS)
    if solver != "lbfgs":
        model.partial_fit(X, LABELS)
    model.predict(X)
    joblib.dump(model, tmp_path / "model.joblib")
    copies = [
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        joblib.load(tmp_path / "model.joblib"),
        joblib.load(tmp_path / "model.joblib", mmap_mode="r"),
    ]
    expected = model.predict_proba(X)
    method = "fit" if solver == "lbfgs" else "partial_fit"
    getattr(model, method)(X, LABELS)
    for other in copies:
        np.testing.assert_array_equal(other.predict_proba(X), expected)
        getattr(other, method)(X, LABELS)
        assert same_weights(other, model)


def test_predict_does_not_change_the_model():
    model = regressor().fit(X, Y)
    before = dict(model.__dict__)
    model.predict(X)
    assert model.__dict__ == before


class Named(ours.MLPRegressor):
    """A subclass as users write them: another default, another start, another score."""

    def __init__(self, hidden_layer_sizes=(7,), random_state=0, max_iter=6):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes, random_state=random_state, max_iter=max_iter
        )

    def _init_coef(self, fan_in, fan_out, dtype):
        return np.full((fan_in, fan_out), 0.1, dtype), np.zeros(fan_out, dtype)


def test_subclass():
    model = Named().fit(X, Y)
    assert sorted(model.get_params()) == ["hidden_layer_sizes", "max_iter", "random_state"]
    assert np.ptp(model.coefs_[0], axis=1) == pytest.approx(0, abs=1e-12)  # all units alike
    search = GridSearchCV(Named(), {"hidden_layer_sizes": [(3,), (5,)]}, cv=2).fit(X, Y)
    assert search.best_estimator_.coefs_[0].shape[0] == 6


class SoftLabels(ours.MLPRegressor):
    """Regression of probabilities, as scikit-learn's users write it."""

    def _initialize(self, y, layer_units, dtype):
        super()._initialize(y, layer_units, dtype)
        self.out_activation_ = "softmax"


class TheirSoftLabels(theirs.MLPRegressor):
    def _initialize(self, y, layer_units, dtype):
        super()._initialize(y, layer_units, dtype)
        self.out_activation_ = "softmax"


class Counting(ours.MLPRegressor):
    calls = 0

    def _backprop(self, *args):
        self.calls += 1
        return super()._backprop(*args)


def test_what_the_engine_does_not_know_is_left_to_scikit_learn():
    soft = np.exp(X[:, :3]) / np.exp(X[:, :3]).sum(axis=1, keepdims=True)
    models = [kind(max_iter=6, random_state=0) for kind in (TheirSoftLabels, SoftLabels)]
    for model in models:
        model.fit(X, soft)
    np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))
    for solver in ("adam", "lbfgs"):
        counting = Counting(max_iter=6, random_state=0, solver=solver).fit(X, Y)
        assert counting.calls > 5
        close(counting.predict(X), regressor(solver=solver).fit(X, Y).predict(X), 1e-8)


def test_scikit_learns_passes_are_not_used(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("scikit-learn's own pass was asked for")

    for name in ("_backprop", "_compute_loss_grad", "_forward_pass"):
        monkeypatch.setattr(BaseMultilayerPerceptron, name, refuse)
    for solver in ("adam", "sgd", "lbfgs"):
        regressor(solver=solver, early_stopping=solver == "adam").fit(X, Y).predict(X)


class Unhashable(ours.MLPRegressor):
    def __eq__(self, other):
        return self is other


def test_model_that_has_no_hash():
    model = Unhashable(max_iter=3, random_state=0).fit(X, Y).partial_fit(X, Y)
    assert np.isfinite(model.predict(X)).all()


def test_random_numbers_drawn_meanwhile():
    """With the global state others draw too, and nothing is drawn twice."""
    drawn = {theirs: [], ours: []}
    for module, own in drawn.items():

        class Drawing(module.MLPRegressor):
            meanwhile = own

            def _update_no_improvement_count(self, *args):
                self.meanwhile.append(np.random.random_sample())  # noqa: NPY002
                super()._update_no_improvement_count(*args)

        np.random.seed(3)  # noqa: NPY002
        own += Drawing(max_iter=5).fit(X, Y).loss_curve_
    close(*drawn.values())


@both
def test_lbfgs_keeps_its_last_weights_where_warnings_are_errors(module):
    model = regressor(module, solver="lbfgs", max_iter=30)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            model.fit(X, Y)
    assert model.score(X, Y) > 0.5


def test_lbfgs_in_threads_gives_blas_its_threads_back():
    def threads():
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with ThreadPoolExecutor(4) as pool:
            fits = [pool.submit(regressor(solver="lbfgs", alpha=a).fit, X, Y) for a in range(12)]
            assert all(fit.result() for fit in fits)
        assert threads() == before


def test_subclass_that_watches_sees_the_weights_of_the_epoch():
    seen = {theirs: [], ours: []}
    for module, own in seen.items():

        class Watching(module.MLPRegressor):
            scores = own

            def _update_no_improvement_count(self, *args):
                super()._update_no_improvement_count(*args)
                self.scores.append(self.score(X, Y))

        Watching(max_iter=4, random_state=0).fit(X, Y)
    close(*seen.values())


@pytest.mark.parametrize("y", [Y.astype(str), np.arange(150).astype("datetime64[D]")])
def test_targets_that_are_no_numbers(y):
    with pytest.raises(TypeError, match="y"):
        regressor().fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_poisson_refuses_negative_targets(solver):
    with pytest.raises(ValueError, match="requires y >= 0"):
        regressor(loss="poisson", solver=solver).fit(X, Y)


def test_lbfgs_refuses_weights_of_another_shape():
    model = regressor(solver="lbfgs", warm_start=True, hidden_layer_sizes=(50,)).fit(X, Y)
    before = copy.deepcopy(model)
    model.set_params(hidden_layer_sizes=(3, 3))
    with pytest.raises(ValueError, match=r"shapes \[\(6, 3\), \(3, 3\), \(3, 1\)\]"):
        model.fit(X, Y)
    assert same_weights(model, before)


def test_changed_loss_is_the_one_reported():
    models = [regressor(module, warm_start=True).fit(X, np.abs(Y)) for module in (theirs, ours)]
    for model in models:
        with np.errstate(all="ignore"):
            model.set_params(loss="poisson").fit(X, np.abs(Y))
    np.testing.assert_allclose(models[0].loss_, models[1].loss_)


def test_failed_call_shows_readers_no_half_model():
    model = regressor().fit(X, Y)
    model.partial_fit(X, Y)
    stop = threading.Event()

    def predict():
        while not stop.is_set():
            model.predict(X)
        return True

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(predict)
        for _ in range(200):
            with pytest.raises(ValueError, match="contains NaN"):
                model.partial_fit(np.full_like(X, np.nan), Y)
        stop.set()
        assert reader.result()


def test_pipeline_frames_and_display():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    models = [
        make_pipeline(StandardScaler(), classifier(module)).set_output(transform="pandas")
        for module in (theirs, ours)
    ]
    for model in models:
        model.fit(frame, np.array(["low", "mid", "high"])[LABELS])
    a, b = models
    np.testing.assert_array_equal(a.predict(frame), b.predict(frame))
    assert list(b[-1].feature_names_in_) == list(a[-1].feature_names_in_)
    assert "MLPClassifier" in b._repr_html_()
    with pytest.raises(ValueError, match="feature names"):
        b[-1].predict(frame[list("fedcba")])


def test_metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=False),
            {"alpha": [1e-4, 1e-2]},
            cv=2,
        )
        search.fit(X, Y, sample_weight=np.ones(150))
    assert search.best_score_ < 1


def test_is_scikit_learns_to_tools_that_ask():
    assert isinstance(regressor(), theirs.MLPRegressor)
    assert isinstance(classifier(), theirs.MLPClassifier)


def test_many_threads_at_once():
    model = regressor(max_iter=30).fit(X, Y)
    expected = model.predict(X)

    def work(i):
        if i % 2:
            return np.array_equal(model.predict(X), expected)
        return same_weights(regressor(max_iter=30).fit(X, Y), model)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))


def test_multilabel_and_one_class():
    iris = load_iris()
    labels = np.eye(3, dtype=int)[iris.target][:, :2]
    for y in (labels, np.zeros(150, int), np.arange(150) % 2 == 0):
        models = [classifier(module).fit(iris.data, y) for module in (theirs, ours)]
        close(models[0].predict_proba(iris.data), models[1].predict_proba(iris.data))
        close(models[0].predict_log_proba(X[:, :4]), models[1].predict_log_proba(X[:, :4]))
        np.testing.assert_array_equal(models[0].predict(iris.data), models[1].predict(iris.data))
