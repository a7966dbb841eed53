"""Time predictions of a trained model: one row in microseconds, many rows, threads and imports.

See README.md in this folder. onnxruntime and LightGBM are timed beside it where they are installed.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from compare import aligned
from sklearn.neural_network import MLPRegressor

from fastmlp import Classifier, Predictor, Regressor

Call = Callable[[], Any]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 8))
Y = X[:, 0] ** 2 + X[:, 1]
ROW = X[3].copy()
TURN = 0.02  # least seconds of a turn
ADULT_ROWS = 100_000
DTYPES: tuple[Any, ...] = (None, "float16", "bfloat16", "int8")
OTHER_BYTES = 3_000_000  # more than a second cache holds
THREADS = 16
THREADS_TURN = 0.5  # seconds


def seconds_of_turn(call: Call) -> float:
    """Mean seconds of a call over a turn of calls."""
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < TURN:
        for _ in range(10):
            call()
        calls += 10
    return elapsed / calls


def microseconds(calls: dict[str, Call], repeats: int) -> dict[str, float]:
    """The median over turns of each call, which take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(seconds_of_turn(call))
    return {name: 1e6 * statistics.median(own) for name, own in times.items()}


def printed(title: str, found: dict[str, float], unit: str = "us", digits: int = 2) -> None:
    lines = [[title, unit], *([name, f"{value:.{digits}f}"] for name, value in found.items())]
    print(aligned(lines), end="\n\n")


# ---- one row


def lightgbm_calls() -> dict[str, Call]:
    """100 trees of LightGBM: by its Python API without a check of the shape, and by its C API."""
    import lightgbm

    booster = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(X, Y), 100)
    library = lightgbm.basic._LIB
    config, row, out = ctypes.c_void_p(), ROW[None].copy(), np.empty(1)
    library.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, 0, 0, -1, 1, ROW.size, ctypes.c_char_p(b"num_threads=1"),
        ctypes.byref(config),
    )  # fmt: skip
    predict, length = library.LGBM_BoosterPredictForMatSingleRowFast, ctypes.c_int64()

    def by_c_api() -> float:
        # The address of an array takes LightGBM's users a microsecond too.
        predict(
            config,
            ctypes.c_void_p(ROW.ctypes.data),
            ctypes.byref(length),
            ctypes.c_void_p(out.ctypes.data),
        )
        return float(out[0])

    assert by_c_api() == booster.predict(row)[0]
    return {
        "LightGBM, 100 trees, Booster.predict": lambda: booster.predict(
            row, predict_disable_shape_check=True
        ),
        "LightGBM, 100 trees, C API by ctypes": by_c_api,
    }


def onnxruntime_call(model: Any, predicted: float) -> dict[str, Call]:
    """The network in onnxruntime, as `to_onnx` writes it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.to_onnx().SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    [given] = session.get_inputs()
    inputs = {given.name: ROW[None].astype(np.float32 if "float" in given.type else np.float64)}
    np.testing.assert_allclose(np.ravel(session.run(None, inputs)[0])[0], predicted, 1e-4)
    return {"onnxruntime": lambda: session.run(None, inputs)}


def small_network(repeats: int) -> None:
    """One hidden layer of 100 units on 8 numbers, with a NumPy row."""
    options = {"hidden_layer_sizes": (100,), "activation": "relu", "random_state": 0}
    model = Regressor(preset="plain", max_iter=2, **options).fit(X, Y)
    theirs = MLPRegressor(max_iter=5, **options).fit(X, Y)
    predict, row = model.predictor().predict, ROW[None]
    calls: dict[str, Call] = {
        "fastmlp's predictor": lambda: predict(ROW),
        "fastmlp, model.predict": lambda: model.predict(row),
        "scikit-learn's MLP": lambda: theirs.predict(row),
    }
    if importlib.util.find_spec("lightgbm"):
        calls |= lightgbm_calls()
    if importlib.util.find_spec("onnxruntime") and hasattr(model, "to_onnx"):
        calls |= onnxruntime_call(model, predict(ROW))
    found = microseconds(calls, repeats)
    printed("one row, network 8-100-1", found)
    own = found["fastmlp's predictor"]
    printed("times as long", {name: t / own for name, t in found.items()}, "", 1)


def default_ensemble(repeats: int) -> None:
    """Ten networks, with rows in every form."""
    frame = pd.DataFrame(X, columns=[f"number {j}" for j in range(X.shape[1])])
    frame = frame.assign(
        town=RNG.choice(list("abcdef"), len(X)), sold=RNG.choice(["y", "n"], len(X))
    )
    numbers = Regressor(random_state=0, max_iter=1).fit(X, Y)
    mixed = Regressor(random_state=0, max_iter=1).fit(frame, Y)
    of_numbers, of_mixed = numbers.predictor(), mixed.predictor()
    size = sum(values.size for own in numbers.networks_ for values in own.parameters)
    weights = RNG.normal(size=size).astype(np.float32)
    row, one = ROW[None], frame[3:4]
    mapping, series, sequence = one.to_dict("records")[0], frame.iloc[3], one.values.tolist()[0]
    found = microseconds(
        {
            f"reading its weights, {4 * size / 1e3:.0f} KB (NumPy's max)": weights.max,
            "predictor, NumPy row": lambda: of_numbers.predict(ROW),
            "predictor, 10 columns, 2 of text: list": lambda: of_mixed.predict(sequence),
            "predictor, 10 columns, 2 of text: dict": lambda: of_mixed.predict(mapping),
            "predictor, 10 columns, 2 of text: Series": lambda: of_mixed.predict(series),
            "model.predict, NumPy row": lambda: numbers.predict(row),
            "model.predict, frame of a row, 2 columns of text": lambda: mixed.predict(one),
        },
        repeats,
    )
    printed("one row, default ensemble", found)


def small_weights(repeats: int) -> None:
    """Ten networks with weights in fewer bytes: single rows at once, and with other work between.

    That work takes the place of the weights in the caches, as a service's does.
    """
    model = Regressor(random_state=0, max_iter=1).fit(X, Y)
    predictors = {dtype or "float32": model.predictor(dtype=dtype) for dtype in DTYPES}
    printed("memory of the networks", {d: p.nbytes / 1e3 for d, p in predictors.items()}, "kB", 0)
    found = microseconds({d: lambda p=p: p.predict(ROW) for d, p in predictors.items()}, repeats)
    printed("one row, default ensemble, by dtype", found)
    other = np.zeros(OTHER_BYTES, np.int8)
    times: dict[str, list[float]] = {dtype: [] for dtype in predictors}
    for _ in range(20 * repeats):
        for dtype, predictor in predictors.items():
            other += 1
            start = time.perf_counter()
            predictor.predict(ROW)
            times[dtype].append(time.perf_counter() - start)
    found = {dtype: 1e6 * statistics.median(own) for dtype, own in times.items()}
    printed(f"the same, {OTHER_BYTES / 1e6:.0f} MB of other work between rows", found)


# ---- many rows


def many_rows(adult: Path | None, repeats: int) -> None:
    """`adult` from a frame: numbers, text, ten networks."""
    if adult is None:
        print("many rows: give --adult FILE, a CSV of `adult` whose last column is the target\n")
        return
    table = pd.read_csv(adult)
    frame, y = table.iloc[:, :-1], table.iloc[:, -1]
    model = Classifier(random_state=0, max_iter=1).fit(frame, y)
    rows = frame.sample(ADULT_ROWS, replace=True, random_state=0).reset_index(drop=True)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        model.predict_proba(rows)
        times.append(time.perf_counter() - start)
    printed(
        f"{ADULT_ROWS:,} rows of adult", {"predict_proba": 1e3 * statistics.median(times)}, "ms"
    )


# ---- threads


def calls_per_second(predictor: Predictor, given: Any, n_threads: int, seconds: float) -> float:
    """Predictions of so many threads at once; each must be the one of a single thread."""
    expected = np.asarray(predictor.predict(given))
    counts, wrong = [0] * n_threads, [0] * n_threads
    end = time.perf_counter() + seconds

    def work(k: int) -> None:
        while time.perf_counter() < end:
            wrong[k] += not np.array_equal(predictor.predict(given), expected)
            counts[k] += 1

    threads = [threading.Thread(target=work, args=(k,)) for k in range(n_threads)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any(wrong):
        raise AssertionError(f"{sum(wrong)} answers of {sum(counts)} differ from the serial one")
    return sum(counts) / (time.perf_counter() - start)


def threads(seconds: float) -> None:
    """One predictor, used by one thread, by two and by many, in turns of half a second."""
    predictor = Regressor(random_state=0, max_iter=1).fit(X, Y).predictor(n_jobs=1)
    lines = [["predictions per second", "1 thread", "2 threads", f"{THREADS} threads", "2 / 1"]]
    numbers = (1, 2, THREADS)
    turns = max(1, round(seconds / (3 * len(numbers) * THREADS_TURN)))
    for name, given in (
        ("default ensemble, a row", ROW),
        ("default ensemble, 20 rows", X[:20]),
        ("default ensemble, 200 rows", X[:200]),
    ):
        rates = np.array(
            [
                [calls_per_second(predictor, given, n, THREADS_TURN) for n in numbers]
                for _ in range(turns)
            ]
        )
        cells = [f"{rate:,.0f}" for rate in np.median(rates, axis=0)]
        lines.append([name, *cells, f"{np.median(rates[:, 1] / rates[:, 0]):.2f}"])
    print(aligned(lines), end="\n\n")


# ---- imports


def imports(repeats: int) -> None:
    """Seconds until a new process has done it; modules are compiled, as an installation does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.safetensors")
        Regressor(random_state=0, max_iter=1).fit(X, Y).save(file)
        codes = {
            "nothing": "",
            "import numpy": "import numpy",
            "import fastmlp": "import fastmlp",
            "import sklearn.base": "import sklearn.base",
            "import numpy, and load_predictor(file)": "import numpy; from fastmlp import "
            f"load_predictor; load_predictor({str(file)!r})",
        }
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {name: [] for name in codes}
        for _ in range(repeats + 1):  # the first one compiles
            for name, code in codes.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, env=environment)
                times[name].append(time.perf_counter() - start)
    found = {name: 1e3 * statistics.median(own[1:]) for name, own in times.items()}
    printed("a new process", found, "ms", 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=25, help="turns of each call")
    parser.add_argument("--seconds", type=float, default=60, help="time of the threads")
    parser.add_argument("--adult", type=Path, help="a CSV of adult, the target last")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    small_network(options.repeats)
    default_ensemble(options.repeats)
    small_weights(options.repeats)
    many_rows(options.adult, options.repeats)
    threads(options.seconds)
    imports(options.repeats)


if __name__ == "__main__":
    main()
