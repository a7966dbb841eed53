"""What a fit needs beside its table: rows are converted as they are gathered, never all at once."""

import json
import os
import select
import subprocess
import sys

import numpy as np
import pytest
from tiny_models import both

# Fits memory maps in a process of its own, which waits for a word before each fit. The tests look
# at its anonymous memory meanwhile; the pages of a map are not part of that.
CHILD = """
import ctypes, json, sys
import numpy as np
import fastmlp

trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: None)


def fitted(X, estimator, options, classes=0, outputs=None, weighted=False):
    rng = np.random.default_rng(0)
    shape = len(X) if outputs is None else (len(X), outputs)
    y = rng.integers(0, classes, shape) if classes else rng.normal(size=shape)
    weights = rng.uniform(0.5, 1.5, len(X)) if weighted else None
    model = getattr(fastmlp, estimator)(max_iter=1, n_jobs=2, random_state=0, **options)
    wait()
    return model.fit(X, y, weights)


def wait():
    trim(0)  # memory that was freed before would serve again unseen
    print("ready", flush=True)
    sys.stdin.readline()


def bound(model, n_rows):
    parameters = sum(w.nbytes for network in model.networks_ for w in network.parameters)
    of_rows = 16 * model.n_outputs_ + 8 * (len(model.networks_) - 1)
    return 64 * 2**20 + 10 * parameters + of_rows * n_rows


for line in sys.stdin:
    kept = None  # until now, so that the end is seen too
    case = json.loads(line)
    step = case.pop("step")
    X = np.load(case.pop("path"), mmap_mode="r")[::step, ::step]
    answer = {"table": X.nbytes}
    if case:
        kept = fitted(X, **case)
        answer["bound"] = bound(kept, len(X))
    else:
        wait()
        kept = X.copy()
    print(json.dumps(answer), flush=True)
"""


def anonymous(pid):
    with open(f"/proc/{pid}/statm") as pages:
        _, resident, shared, *_ = map(int, pages.read().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def child():
    """Function that has the other process copy a table or fit it, and tells by how much it grew."""
    if not sys.platform.startswith("linux"):
        pytest.skip("anonymous memory is told from Linux's /proc/PID/statm")
    command = [sys.executable, "-W", "error", "-c", CHILD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:

        def say(line):
            print(line, file=process.stdin, flush=True)

        def answer():
            line = process.stdout.readline()
            assert line, "the other process failed: see its message"
            return line

        def ask(**case):
            say(json.dumps(case))
            answer()
            before = peak = anonymous(process.pid)
            say("go")
            done = []
            while not done:
                done, *_ = select.select([process.stdout], [], [], 5e-4)
                peak = max(peak, anonymous(process.pid))
            return json.loads(answer()) | {"growth": peak - before}

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
# Bin edges are learnt from all rows; periodic features, which take longest, are among KINDS.
FOLDS = SEVERAL | {"numeric_embedding": "piecewise_linear"}
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
        ("many rows", "Regressor", FOLDS, {"weighted": True}),
        ("many rows", "Classifier", FOLDS, {"classes": 3}),
        ("integers", "Regressor", FOLDS | WHOLE, {}),
        ("Fortran order", "Regressor", FOLDS, {}),
        ("strided", "Classifier", FOLDS, CLASSES),
        ("many rows", "Regressor", KINDS, {"weighted": True}),
        ("many rows", "Classifier", KINDS, {"classes": 3}),
    ],
)
def test_fit_does_not_copy_the_table(child, table, name, estimator, options, targets):
    """64 MiB, ten times the parameters, 16 bytes for every row and output.

    And 8 for every row and each network more: which rows it is trained on, and in which order.
    """
    small = {"hidden_layer_sizes": 1} if "columns" in name else {"hidden_layer_sizes": 8}
    options = PLAIN | small | {"batch_size": min(1024, TABLES[name][0][0])} | options
    done = child(**table(name), estimator=estimator, options=options, **targets)
    assert done["growth"] <= done["bound"] < done["table"]


def test_a_copy_would_be_seen(child, table):
    done = child(**table("integers"))
    assert done["growth"] > 0.99 * done["table"]


VIEWS = {
    "C": ("C", np.s_[:, :]),
    "Fortran": ("F", np.s_[:, :]),
    "strided": ("C", np.s_[::2, 1::2]),
    "backwards": ("F", np.s_[::-1, ::-1]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
@pytest.mark.parametrize("view", VIEWS)
@both
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
