"""What a fit needs beside its table: rows are converted as they are gathered, never all at once."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.utils import compute_sample_weight

from fastmlp import Classifier, Regressor, _base

# ---- how much

# Fits memory maps in a process of its own and tells by how much its anonymous memory grew; the
# pages of a map are not part of that.
CHILD = """
import ctypes, json, sys, threading
import numpy as np
import fastmlp

sys.setswitchinterval(1e-3)
trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: None)


def anonymous():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("RssAnon"))


def growth_during(call):
    trim(0)  # memory that was freed before would serve again unseen
    before = peak = anonymous()
    done = threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(5e-4):
            peak = max(peak, anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = call()
        peak = max(peak, anonymous())
    finally:
        done.set()
        watcher.join()
    return peak - before


def growth_and_bound(X, estimator, options, classes=0, outputs=None, weighted=False):
    rng = np.random.default_rng(0)
    shape = len(X) if outputs is None else (len(X), outputs)
    y = rng.integers(0, classes, shape) if classes else rng.normal(size=shape)
    weights = rng.uniform(0.5, 1.5, len(X)) if weighted else None
    model = getattr(fastmlp, estimator)(max_iter=1, n_jobs=2, random_state=0, **options)
    growth = growth_during(lambda: model.fit(X, y, weights))
    parameters = sum(w.nbytes for w in model.coefs_ + model.intercepts_)
    return growth, 64 * 2**20 + 10 * parameters + 16 * len(X) * model.n_outputs_


for line in sys.stdin:
    case = json.loads(line)
    step = case.pop("step")
    X = np.load(case.pop("path"), mmap_mode="r")[::step, ::step]
    growth, bound = growth_and_bound(X, **case) if case else (growth_during(X.copy), None)
    print(json.dumps({"growth": growth, "bound": bound, "table": X.nbytes}), flush=True)
"""


@pytest.fixture(scope="module")
def child():
    """Function that has one line answered by the other process."""
    if not sys.platform.startswith("linux"):
        pytest.skip("anonymous memory is RssAnon in Linux's /proc/self/status")
    command = [sys.executable, "-W", "error", "-c", CHILD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:

        def ask(**case):
            print(json.dumps(case), file=process.stdin, flush=True)
            answer = process.stdout.readline()
            assert answer, "the other process failed: see its message"
            return json.loads(answer)

        yield ask
        process.stdin.close()


TABLES = {
    "many rows": ((400_000, 64), "float32"),
    "most rows": ((4_000_000, 40), "int8"),
    "integers": ((600_000, 80), "int16"),
    "many columns": ((300, 100_000), "float64"),
    "most columns": ((40, 700_000), "float64"),
    "Fortran order": ((300_000, 80), "float32"),
    "strided": ((700_000, 128), "float32"),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Function that gives a table's path and step; it is written when first asked for."""
    folder = tmp_path_factory.mktemp("tables")

    def written(name):
        path = folder / f"{name}.npy"
        if not path.exists():
            shape, dtype = TABLES[name]
            by_column = name == "Fortran order"
            X = np.lib.format.open_memmap(path, "w+", dtype, shape, fortran_order=by_column)
            some = X[: -(-len(X) // 100)]  # the others are zeros, which take no room on the disk
            some[...] = np.random.default_rng(0).integers(0, 100, size=some.shape)
        return {"path": str(path), "step": 2 if name == "strided" else 1}

    yield written
    for path in folder.iterdir():
        path.unlink()


RAW = {"standardize": False}
WHOLE = {"early_stopping": False}
CLASSES = {"classes": 2}


@pytest.mark.parametrize(
    ("name", "estimator", "options", "targets"),
    [
        ("many rows", "Regressor", {}, {}),
        ("many rows", "Classifier", WHOLE, CLASSES),
        ("most rows", "Regressor", RAW, {"weighted": True}),
        ("most rows", "Classifier", RAW | {"class_weight": "balanced"}, CLASSES),
        ("integers", "Regressor", WHOLE, {"outputs": 3}),
        ("integers", "Classifier", {}, {"classes": 3}),
        ("many columns", "Regressor", {}, {}),
        ("many columns", "Classifier", RAW | WHOLE, CLASSES),
        ("many columns", "Regressor", RAW | WHOLE | {"batch_size": 300}, {}),
        ("most columns", "Regressor", {}, {}),
        ("most columns", "Classifier", RAW | WHOLE, CLASSES),
        ("Fortran order", "Regressor", {}, {}),
        ("Fortran order", "Classifier", RAW, CLASSES),
        ("strided", "Regressor", RAW | WHOLE, {}),
        ("strided", "Classifier", {}, CLASSES),
    ],
)
def test_fit_does_not_copy_the_table(child, table, name, estimator, options, targets):
    """64 MiB, ten times the parameters, and 16 bytes for every row and output."""
    options = {"hidden_layer_sizes": 1 if "columns" in name else 8} | options
    done = child(**table(name), estimator=estimator, options=options, **targets)
    assert done["growth"] <= done["bound"] < done["table"]


def test_a_copy_would_be_seen(child, table):
    done = child(**table("integers"))
    assert done["growth"] > 0.99 * done["table"]


# ---- and the results are those of a fit with more memory


VIEWS = {
    "C": ("C", np.s_[:, :]),
    "Fortran": ("F", np.s_[:, :]),
    "strided": ("C", np.s_[::2, 1::2]),
    "backwards": ("F", np.s_[::-1, ::-1]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("estimator", [Regressor, Classifier])
def test_map_gives_the_bits_of_memory(estimator, view, dtype, tmp_path):
    order, part = VIEWS[view]
    rng = np.random.default_rng(0)
    whole = np.asarray(100 * rng.normal(size=(3000, 24)), dtype=dtype, order=order)
    np.save(tmp_path / "X.npy", whole)
    X, mapped = whole[part], np.load(tmp_path / "X.npy", mmap_mode="r")[part]
    assert isinstance(mapped, np.memmap)
    assert mapped.strides == X.strides
    y = np.digitize(X[:, 0], [-50, 50])
    one, other = (
        estimator(20, max_iter=2, dropout=0.1, random_state=0).fit(table, y)
        for table in (X, mapped)
    )
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_curve_ == other.validation_curve_
    np.testing.assert_array_equal(one.predict(X), other.predict(mapped))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("held_out", [False, True])
def test_scales_that_are_learnt_in_parts(monkeypatch, held_out, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.gamma(2, size=(400, 7)), 5 + rng.gamma(2, size=(400, 2))
    weights = rng.uniform(size=len(X)) if weighted else None
    model = Regressor(4, max_iter=1, random_state=0, early_stopping=held_out)

    def scales():
        model.fit(X, y, weights)
        return [model._input_shift, model._input_scale, model._target_shift, model._target_scale]

    at_once = scales()
    monkeypatch.setattr(_base, "_CHUNK", 100)
    monkeypatch.setattr(_base, "_COLUMNS", 3)
    for part, whole in zip(scales(), at_once, strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-12)
    if not held_out:
        np.testing.assert_allclose(at_once[0], np.average(X, axis=0, weights=weights))
        np.testing.assert_allclose(at_once[2], np.average(y, axis=0, weights=weights))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_targets_that_are_scaled_in_parts(monkeypatch, loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.poisson(20, size=400)
    model = Regressor((), loss=loss, max_iter=1, random_state=0)
    at_once = model.fit(X, y).predict(X)
    monkeypatch.setattr(_base, "_CHUNK", 100)
    np.testing.assert_allclose(model.fit(X, y).predict(X), at_once, rtol=1e-5)


def test_balanced_weights_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.choice(list("abc"), size=400, p=[0.6, 0.3, 0.1])
    weights = compute_sample_weight("balanced", y)
    monkeypatch.setattr(_base, "_CHUNK", 100)
    one = Classifier(4, max_iter=2, random_state=0).fit(X, y, weights)
    other = Classifier(4, max_iter=2, random_state=0, class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize("test_size", [0.1, 0.37, 0.5])
@pytest.mark.parametrize("n_classes", [0, 2, 3, 40])
def test_held_out_rows_are_those_of_scikit_learn(n_classes, test_size):
    rows = np.arange(1001)
    classes = np.random.default_rng(0).integers(0, n_classes, rows.size) if n_classes else None
    n_val = int(test_size * rows.size)
    own, theirs = np.random.RandomState(0), np.random.RandomState(0)
    chosen = _base.held_out(rows.size, n_val, classes, own)
    _, expected = train_test_split(rows, test_size=n_val, random_state=theirs, stratify=classes)
    np.testing.assert_array_equal(rows[chosen], np.sort(expected))
    assert own.uniform() == theirs.uniform()  # both have drawn as often


def test_classes_too_small_to_be_held_out_by_class():
    rows = np.arange(100)
    alone = np.where(rows == 7, 1, 0)
    many = rows // 2  # more classes than rows to hold out
    for classes in (alone, many):
        one, other = (
            _base.held_out(rows.size, 10, c, np.random.RandomState(0)) for c in (classes, None)
        )
        np.testing.assert_array_equal(one, other)
