"""Fit scikit-learn's MLP and fastmlp's on a table, and print how they agree and how long they took.

See ``python -m fastmlp.neural_network --help``.
"""

from __future__ import annotations

import argparse
import ast
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import sklearn.neural_network as sklearn_mlp
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastmlp.neural_network as fastmlp_mlp
from fastmlp._threads import n_threads

_FEW_CLASSES = 20  # whole numbers with at most this many values are labels
_AGREEMENT = {"float64": 1e-6, "float32": 1e-2}  # of losses and predictions, relative


def _parameter(text: str) -> tuple[str, Any]:
    """NAME=VALUE with a Python literal, or text, for a value."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE; got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fastmlp.neural_network",
        description="Fit scikit-learn's MLP and fastmlp's on a table, with the same parameters and "
        "seed. Columns of numbers are filled with their median and standardised, others are "
        "one-hot encoded; a quarter of the rows is held out for the score.",
    )
    parser.add_argument("--compare", metavar="TABLE.csv", required=True, help="with a header row")
    parser.add_argument("--target", metavar="COLUMN", required=True)
    parser.add_argument(
        "--task",
        choices=("regression", "classification"),
        help=f"default: classification of text and of up to {_FEW_CLASSES} whole numbers",
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        type=_parameter,
        action="append",
        default=[],
        help="parameter of both, such as hidden_layer_sizes=(64,64) or solver=sgd; repeatable",
    )
    parser.add_argument("--seed", type=int, default=0, help="random_state of both; default 0")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--repeats", type=int, default=3, help="fits of each, taking turns")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1; got {options.repeats}")
    return options


def _read(options: argparse.Namespace) -> tuple[Any, Any, bool]:
    """The encoded table, the targets, and whether these are classes."""
    try:
        import pandas as pd
    except ImportError:
        raise SystemExit("Reading a CSV needs pandas: pip install pandas") from None
    try:
        frame = pd.read_csv(options.compare)
    except (OSError, ValueError) as error:
        raise SystemExit(f"--compare: cannot read {options.compare}: {error}") from error
    if options.target not in frame.columns:
        raise SystemExit(
            f"--target: there is no column {options.target!r}; there are "
            f"{', '.join(map(str, frame.columns))}"
        )
    frame = frame.replace([np.inf, -np.inf], np.nan)
    frame = frame[frame[options.target].notna()]
    y = frame.pop(options.target).to_numpy()
    if frame.shape[1] == 0 or len(y) < 8:
        raise SystemExit("the table must have at least 8 rows with a target and another column")
    is_number = y.dtype.kind in "iuf"
    few = is_number and np.all(y == np.round(y)) and len(np.unique(y)) <= _FEW_CLASSES
    task = options.task or ("regression" if is_number and not few else "classification")
    if task == "regression" and not is_number:
        raise SystemExit(f"--task regression: the column {options.target!r} holds no numbers")
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    encoder = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(), make_column_selector(dtype_exclude="number")),
    )
    X = encoder.fit_transform(frame).astype(options.dtype)
    if task == "classification":
        return X, y.astype(str) if y.dtype == object else y, True
    y = y.astype(options.dtype)
    if dict(options.set).get("loss") != "poisson":
        y = StandardScaler().fit_transform(y[:, None])[:, 0]
    return X, y, False


def _difference(a: Any, b: Any) -> float:
    """Largest difference, relative to the largest number."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(a)), np.finfo(float).tiny))


def main(arguments: list[str] | None = None) -> int:
    """Compare; 0 where the two agree."""
    options = _arguments(arguments)
    X, y, classifies = _read(options)
    name = "MLPClassifier" if classifies else "MLPRegressor"
    parameters = {"random_state": options.seed, **dict(options.set)}
    programs = {"scikit-learn": sklearn_mlp, "fastmlp": fastmlp_mlp}
    models: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {program: [] for program in programs}
    try:
        parts = train_test_split(X, y, random_state=options.seed)
        X_train, X_test, y_train, y_test = parts
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for _ in range(options.repeats):
                for program, module in programs.items():
                    time.sleep(0.1)  # threads of the fit before may still spin
                    start = time.perf_counter()
                    model = getattr(module, name)(**parameters).fit(X_train, y_train)
                    seconds[program].append(time.perf_counter() - start)
                    models[program] = model
    except (TypeError, ValueError) as error:
        raise SystemExit(f"{name}: {error}") from error
    theirs, ours = models.values()
    medians = {program: float(np.median(times)) for program, times in seconds.items()}
    output = "predict_proba" if classifies else "predict"
    predictions = _difference(*(getattr(m, output)(X_test) for m in (theirs, ours)))
    curves = [getattr(m, "loss_curve_", [m.loss_]) for m in (theirs, ours)]
    epochs = min(map(len, curves))
    losses = _difference(curves[0][:epochs], curves[1][:epochs])

    kind = "sparse" if hasattr(X, "tocsr") else "dense"
    print(f"{X_train.shape[0]} x {X.shape[1]} {kind} {options.dtype}, {n_threads(None)} threads")
    print(f"{ours}\n")
    print(f"{'':24}{'scikit-learn ' + version('scikit-learn'):>22}{'fastmlp':>14}")
    print(
        f"{'seconds':24}{medians['scikit-learn']:22.4f}{medians['fastmlp']:14.4f}"
        f"    {medians['scikit-learn'] / medians['fastmlp']:.1f} times as fast"
    )
    print(f"{'iterations':24}{theirs.n_iter_:22d}{ours.n_iter_:14d}")
    print(f"{'loss':24}{theirs.loss_:22.8f}{ours.loss_:14.8f}")
    scores = [model.score(X_test, y_test) for model in (theirs, ours)]
    score = "held-out " + ("accuracy" if classifies else "R2")
    print(f"{score:24}{scores[0]:22.6f}{scores[1]:14.6f}\n")
    print(f"largest relative difference of the losses: {losses:.1e}, of predictions: ", end="")
    print(f"{predictions:.1e}")
    agrees = max(losses, predictions) < _AGREEMENT[options.dtype]
    if not agrees:
        print(
            "They have drifted apart. Where training is chaotic rounding alone does that (lbfgs, "
            "high learning rates): compare fewer iterations with --set max_iter=20."
        )
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
