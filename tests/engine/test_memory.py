"""What a fit needs beside its table: rows are converted as they are gathered, never all at once."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.utils import compute_sample_weight

from fastmlp import Classifier, Regressor, _rows, _scaling
from fastmlp._scaling import learn_scaling

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
    parameters = sum(w.nbytes for network in model.networks_ for w in network.parameters)
    bound = 64 * 2**20 + 10 * parameters + 16 * len(X) * model.n_outputs_
    return growth, bound + 8 * len(X) * (len(model.networks_) - 1)


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


PLAIN = {"preset": "plain"}
SEVERAL = {"preset": "default", "n_estimators": 3}
KINDS = {"preset": "default", "n_estimators": 4, "validation_fraction": 0.5}
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
        ("many rows", "Regressor", SEVERAL, {"weighted": True}),
        ("many rows", "Classifier", SEVERAL, {"classes": 3}),
        ("integers", "Regressor", SEVERAL | WHOLE, {}),
        ("Fortran order", "Regressor", SEVERAL, {}),
        ("strided", "Classifier", SEVERAL, CLASSES),
        ("many rows", "Regressor", KINDS, {"weighted": True}),
        ("many rows", "Classifier", KINDS, {"classes": 3}),
    ],
)
def test_fit_does_not_copy_the_table(child, table, name, estimator, options, targets):
    """64 MiB, ten times the parameters, 16 bytes for every row and output.

    And 8 for every row and each network more: which rows it is trained on, and in which order.
    """
    options = PLAIN | {"hidden_layer_sizes": 1 if "columns" in name else 8} | options
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
@pytest.mark.parametrize("options", [PLAIN, SEVERAL], ids=["plain", "default"])
def test_map_gives_the_bits_of_memory(options, estimator, view, dtype, tmp_path):
    order, part = VIEWS[view]
    rng = np.random.default_rng(0)
    whole = np.asarray(100 * rng.normal(size=(3000, 24)), dtype=dtype, order=order)
    np.save(tmp_path / "X.npy", whole)
    X, mapped = whole[part], np.load(tmp_path / "X.npy", mmap_mode="r")[part]
    assert isinstance(mapped, np.memmap)
    assert mapped.strides == X.strides
    y = np.digitize(X[:, 0], [-50, 50])
    one, other = (
        estimator(20, max_iter=2, dropout=0.1, random_state=0, **options).fit(table, y)
        for table in (X, mapped)
    )
    for own, others in zip(one.networks_, other.networks_, strict=True):
        for a, b in zip(own.parameters, others.parameters, strict=True):
            np.testing.assert_array_equal(a, b)
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_curve_ == other.validation_curve_
    np.testing.assert_array_equal(one.predict(X), other.predict(mapped))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_scales_that_are_learnt_in_parts(monkeypatch, missing, held_out, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.gamma(2, size=(400, 7)), 5 + rng.gamma(2, size=(400, 2))
    weights = rng.uniform(size=len(X)) if weighted else None
    X = np.where(missing & (rng.uniform(size=X.shape) < 0.2), np.nan, X)
    model = Regressor(4, preset="plain", max_iter=1, random_state=0, early_stopping=held_out)

    def scales():
        model.fit(X, y, weights)
        inputs = model._scaling
        return [inputs.shift, inputs.scale, model._target_shift, model._target_scale]

    at_once = scales()
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    monkeypatch.setattr(_scaling, "_COLUMNS", 3)
    for part, whole in zip(scales(), at_once, strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-12)
    if not held_out:
        known = np.ma.masked_invalid(X)
        mean = np.ma.average(known, axis=0, weights=weights)
        variance = np.ma.average((known - mean) ** 2, axis=0, weights=weights)
        np.testing.assert_allclose(at_once[0][:7], mean)
        np.testing.assert_allclose(at_once[1][:7], 1 / np.sqrt(variance))
        np.testing.assert_allclose(at_once[2], np.average(y, axis=0, weights=weights))


@pytest.mark.parametrize("weighted", [False, True])
def test_medians_of_all_columns_and_of_a_few_at_a_time(monkeypatch, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.gamma(2, size=(400, 7)), rng.normal(size=400)
    weights = rng.integers(0, 3, size=len(X)).astype(float) if weighted else None
    model = Regressor(4, n_estimators=2, max_iter=1, random_state=0).fit(X, y, weights)
    known = X if weights is None else X[weights > 0]
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75], axis=0)
    np.testing.assert_allclose(model._scaling.shift, middle, rtol=1e-12)
    np.testing.assert_allclose(model._scaling.scale, 1 / (high - low), rtol=1e-12)
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    parts = learn_scaling(X, 7, None, weights, robust=True)
    np.testing.assert_array_equal(parts.shift, model._scaling.shift)
    np.testing.assert_array_equal(parts.scale, model._scaling.scale)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_targets_that_are_scaled_in_parts(monkeypatch, loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.poisson(20, size=400)
    model = Regressor((), preset="plain", loss=loss, max_iter=1, random_state=0)
    at_once = model.fit(X, y).predict(X)
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    np.testing.assert_allclose(model.fit(X, y).predict(X), at_once, rtol=1e-5)


def test_balanced_weights_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.choice(list("abc"), size=400, p=[0.6, 0.3, 0.1])
    weights = compute_sample_weight("balanced", y)
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    options = {"max_iter": 2, "random_state": 0, "preset": "plain"}
    one = Classifier(4, **options).fit(X, y, weights)
    other = Classifier(4, **options, class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize("test_size", [0.1, 0.37, 0.5])
@pytest.mark.parametrize("n_classes", [0, 2, 3, 40])
def test_held_out_rows_are_those_of_scikit_learn(n_classes, test_size):
    rows = np.arange(1001)
    classes = np.random.default_rng(0).integers(0, n_classes, rows.size) if n_classes else None
    n_val = int(test_size * rows.size)
    own, theirs = np.random.RandomState(0), np.random.RandomState(0)
    chosen = _rows.held_out(rows.size, n_val, classes, own)
    _, expected = train_test_split(rows, test_size=n_val, random_state=theirs, stratify=classes)
    np.testing.assert_array_equal(rows[chosen], np.sort(expected))
    assert own.uniform() == theirs.uniform()  # both have drawn as often


def test_classes_too_small_to_be_held_out_by_class():
    rows = np.arange(100)
    alone = np.where(rows == 7, 1, 0)
    many = rows // 2  # more classes than rows to hold out
    for classes in (alone, many):
        one, other = (
            _rows.held_out(rows.size, 10, c, np.random.RandomState(0)) for c in (classes, None)
        )
        np.testing.assert_array_equal(one, other)
