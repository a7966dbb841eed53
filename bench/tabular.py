"""Compare accuracy and time of fastmlp and other programs for tables, each with its defaults.

See README.md in this folder for what is measured and how to read the report.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
import ranking
from compare import PAUSE, origin, positive, write_json
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
from tables import DATA, Array, Split, Table, catalogue
from threadpoolctl import threadpool_limits

LARGEST_CATEGORICAL = 255  # most values of a categorical column of HistGradientBoosting
LEAST_PROBABILITY = 1e-15


class Setting(NamedTuple):
    """What a program gets in addition to the rows."""

    classification: bool
    seed: int
    threads: int


# Numbers, or probabilities and the classes that they belong to.
Prediction = Array | tuple[Array, Array]
Predict = Callable[[pd.DataFrame], Prediction]
Fit = Callable[[pd.DataFrame, Array, Setting], Predict]


# ---- the programs: each fits a raw table and returns its predict function


def text_columns(X: pd.DataFrame) -> list[str]:
    return list(X.select_dtypes(exclude="number"))


def without_empty(X: pd.DataFrame) -> pd.DataFrame:
    """Drop columns without any value, which some programs reject."""
    return X.dropna(axis="columns", how="all")


def with_categories(train: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Give text columns the categories of the training part; other values become missing.

    Columns that are not in `train` are dropped.
    """
    categories = {name: pd.Index(train[name].dropna().unique()) for name in text_columns(train)}

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        columns = {
            name: pd.Categorical.from_codes(values.get_indexer(X[name]), values)
            for name, values in categories.items()
        }
        return X[train.columns].assign(**columns)

    return prepare


def predictor(model: Any, prepare: Callable[[pd.DataFrame], Any] = lambda X: X) -> Predict:
    """Return the predict function of a fitted estimator."""
    if hasattr(model, "predict_proba"):
        return lambda X: (model.predict_proba(prepare(X)), model.classes_)
    return lambda X: model.predict(prepare(X))


def fastmlp(**parameters: Any) -> Fit:
    """Use fastmlp with its defaults except `parameters`."""

    def fit(X: pd.DataFrame, y: Array, setting: Setting) -> Predict:
        import fastmlp

        kind: Any = fastmlp.Classifier if setting.classification else fastmlp.Regressor
        model = kind(random_state=setting.seed, n_jobs=setting.threads, **parameters)
        return predictor(model.fit(X, y))

    return fit


def sklearn_mlp(X: pd.DataFrame, y: Array, setting: Setting) -> Predict:
    """Use scikit-learn's MLP in a typical pipeline."""
    X = without_empty(X)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("text", OneHotEncoder(handle_unknown="ignore"), text_columns(X)),
        ],
        sparse_threshold=0,
    )
    if setting.classification:
        mlp: Any = MLPClassifier(random_state=setting.seed)
    else:
        mlp = TransformedTargetRegressor(
            MLPRegressor(random_state=setting.seed), transformer=StandardScaler()
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return predictor(make_pipeline(columns, mlp).fit(X, y))


def hist_gradient_boosting(X: pd.DataFrame, y: Array, setting: Setting) -> Predict:
    """Use scikit-learn's trees. Columns with too many categories become category numbers."""
    categorical = with_categories(without_empty(X))
    wide = [name for name in text_columns(X) if X[name].nunique() > LARGEST_CATEGORICAL]

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        X = categorical(X)
        codes = {name: X[name].cat.codes.replace(-1, np.nan) for name in wide}
        return X.assign(**codes)

    kind = (
        HistGradientBoostingClassifier if setting.classification else HistGradientBoostingRegressor
    )
    model = kind(categorical_features="from_dtype", random_state=setting.seed)
    return predictor(model.fit(prepare(X), y), prepare)


def lightgbm(X: pd.DataFrame, y: Array, setting: Setting) -> Predict:
    import lightgbm

    prepare = with_categories(X)
    kind = lightgbm.LGBMClassifier if setting.classification else lightgbm.LGBMRegressor
    model = kind(random_state=setting.seed, n_jobs=setting.threads, verbose=-1)
    return predictor(model.fit(prepare(X), y), prepare)


def xgboost(X: pd.DataFrame, y: Array, setting: Setting) -> Predict:
    import xgboost

    prepare = with_categories(X)
    kind = xgboost.XGBClassifier if setting.classification else xgboost.XGBRegressor
    model = kind(enable_categorical=True, random_state=setting.seed, n_jobs=setting.threads)
    if not setting.classification:
        return predictor(model.fit(prepare(X), y), prepare)
    labels = LabelEncoder()
    model.fit(prepare(X), labels.fit_transform(y))
    return lambda X: (model.predict_proba(prepare(X)), labels.classes_)


def catboost(X: pd.DataFrame, y: Array, setting: Setting) -> Predict:
    import catboost

    text = text_columns(X)

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(**{name: X[name].astype(object).fillna("nan") for name in text})

    kind = catboost.CatBoostClassifier if setting.classification else catboost.CatBoostRegressor
    model = kind(
        cat_features=text,
        random_seed=setting.seed,
        thread_count=setting.threads,
        verbose=0,
        allow_writing_files=False,
    )
    return predictor(model.fit(prepare(X), y), prepare)


def realmlp(X: pd.DataFrame, y: Array, setting: Setting) -> Predict:
    """Use RealMLP-TD, one network. It rejects missing numbers, so they become the median."""
    import pytabkit

    categorical = with_categories(without_empty(X))
    medians = X.median(numeric_only=True)

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        return categorical(X.fillna(medians.to_dict()))

    kind = (
        pytabkit.RealMLP_TD_Classifier if setting.classification else pytabkit.RealMLP_TD_Regressor
    )
    model = kind(device="cpu", random_state=setting.seed, n_threads=setting.threads)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        return predictor(model.fit(prepare(X), y), prepare)


PROGRAMS: dict[str, tuple[str, Fit]] = {  # name: (package that it needs, fit function)
    "fastmlp": ("fastmlp", fastmlp()),
    "fastmlp-fast": ("fastmlp", fastmlp(preset="fast")),
    "fastmlp-best": ("fastmlp", fastmlp(preset="best")),
    "fastmlp-one": ("fastmlp", fastmlp(n_estimators=1)),
    "sklearn-mlp": ("sklearn", sklearn_mlp),
    "hist-gb": ("sklearn", hist_gradient_boosting),
    "lightgbm": ("lightgbm", lightgbm),
    "xgboost": ("xgboost", xgboost),
    "catboost": ("catboost", catboost),
    "realmlp-td": ("pytabkit", realmlp),
}
VARIANT = "fastmlp:"  # the names of programs that --variant adds begin with this


def add_variants(variants: dict[str, dict[str, Any]]) -> None:
    """Add programs, so that new defaults can be tried beside the present ones in one run."""
    for name, parameters in variants.items():
        PROGRAMS[name] = ("fastmlp", fastmlp(**parameters))


def redefined(variants: dict[str, dict[str, Any]], report: dict[str, Any]) -> list[str]:
    """Find variants that the report has with other parameters, whose results would be mixed."""
    recorded = [origin.get("variants", {}) for origin in report["origins"]]
    return [
        name
        for name, parameters in variants.items()
        if any(known.get(name, parameters) != parameters for known in recorded)
    ]


# ---- measuring


def scores(table: Table, test: Array, prediction: Prediction) -> dict[str, float]:
    """Compute the measures of a task. Classes that are not in the training part get 0."""
    y = table.y[test]
    if isinstance(prediction, tuple):
        given, classes = prediction
        labels = np.unique(table.y)
        probabilities = np.zeros((len(y), len(labels)))
        probabilities[:, np.searchsorted(labels, np.ravel(classes))] = given
        wrong = labels[probabilities.argmax(axis=1)] != y
        probabilities = probabilities.clip(LEAST_PROBABILITY, None)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return {
            "log_loss": float(log_loss(y, probabilities, labels=labels)),
            "error": float(wrong.mean()),
        }
    return {"rmse": float(root_mean_squared_error(y, np.ravel(prediction)))}


def main_error(table: Table, rows: Array, prediction: Prediction) -> float:
    """RMSE, or log-loss of classes."""
    return next(iter(scores(table, rows, prediction).values()))


def error_of(model: Any, table: Table, rows: Array) -> float:
    """RMSE, or log-loss, of an estimator's predictions."""
    return main_error(table, rows, predictor(model)(table.X.iloc[rows]))


@cache
def warm_up(name: str, classification: bool, threads: int) -> None:
    """Fit a tiny table, so that imports are not timed."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((100, 2)), columns=["a", "b"])
    X["c"] = np.tile(["x", "y"], 50)
    y = X["a"].to_numpy() + rng.standard_normal(100)
    _, fit = PROGRAMS[name]
    fit(X, (y > 0).astype(int) if classification else y, Setting(classification, 0, threads))(X)


def measure(name: str, table: Table, split: Split, seed: int, threads: int) -> dict[str, Any]:
    """Fit a program on the training part, predict the test part, and time both."""
    warm_up(name, table.classification, threads)
    train, test = split
    X, X_test = table.X.iloc[train].reset_index(drop=True), table.X.iloc[test]
    time.sleep(PAUSE)
    _, fit = PROGRAMS[name]
    start = time.perf_counter()
    predict = fit(X, table.y[train], Setting(table.classification, seed, threads))
    fitted = time.perf_counter()
    prediction = predict(X_test)
    end = time.perf_counter()
    return {
        "rows": len(train),
        "test_rows": len(test),
        "fit_seconds": fitted - start,
        "predict_seconds": end - fitted,
        **scores(table, test, prediction),
    }


def save(path: Path, report: dict[str, Any]) -> None:
    """Write all or nothing, so that a run that is stopped here can be resumed."""
    unfinished = path.with_suffix(".unfinished")
    write_json(unfinished, report)
    unfinished.replace(path)


def measure_all(
    names: list[str], tables: list[Table], options: argparse.Namespace, report: dict[str, Any]
) -> int:
    """Measure what the report lacks, save after each result; return the number of failures."""
    done = {(r["table"], r["split"], r["model"]) for r in report["results"]}
    failures = 0
    for table in tables:
        for index, split in enumerate(table.splits(options.splits)):
            for name in names:
                if (table.name, index, name) in done:
                    continue
                try:
                    result = measure(name, table, split, index, options.threads)
                except Exception as error:  # hours of other results must not be lost
                    failures += 1
                    print(f"{table.name} {index} {name} failed: {error!r}", file=sys.stderr)
                    continue
                what = {"table": table.name, "split": index, "model": name}
                report["results"].append(what | result)
                if options.out:
                    save(options.out, report)
                figures = (f"{key} {value:.4g}" for key, value in result.items())
                print(table.name, index, name, *figures, file=sys.stderr, flush=True)
    return failures


# ---- command line


def installed(names: list[str]) -> Iterator[str]:
    for name in names:
        package, _ = PROGRAMS[name]
        if importlib.util.find_spec(package):
            yield name
        else:
            print(f"{name} left out: {package} is not installed", file=sys.stderr)


def variant(text: str) -> tuple[str, dict[str, Any]]:
    """Read an argument of --variant as the name of a program and its parameters."""
    name, _, value = text.partition("=")
    try:
        parameters = json.loads(value)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=JSON: {error}") from None
    if not name or not isinstance(parameters, dict):
        raise argparse.ArgumentTypeError(f"needs a name and a JSON object; got {text!r}")
    return VARIANT + name, parameters


def choose_models(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Add the variants to the programs and to --models, and reject unknown names."""
    variants = dict(options.variants)
    if len(variants) < len(options.variants):
        parser.error("each --variant needs a name of its own")
    options.variants = variants
    add_variants(variants)
    if not options.models:
        return
    options.models = list(dict.fromkeys([*options.models, *variants]))
    for name in options.models:
        recorded = options.report and name.startswith(VARIANT)
        if name not in PROGRAMS and not recorded:
            parser.error(f"unknown program {name!r}; choose from {', '.join(PROGRAMS)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", metavar="NAME", help="default: all that are found")
    parser.add_argument(
        "--splits", type=positive, metavar="N", help="the first N; default 5, for large tables 3"
    )
    parser.add_argument(
        "--models", nargs="+", metavar="NAME", help=f"from {', '.join(PROGRAMS)}; default: all"
    )
    parser.add_argument(
        "--variant",
        type=variant,
        action="append",
        default=[],
        dest="variants",
        metavar="NAME=JSON",
        help=f"also measure {VARIANT}NAME, which is fastmlp with the parameters of a JSON object",
    )
    parser.add_argument("--threads", type=positive, default=joblib.cpu_count(), metavar="N")
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="the real tables")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="more tables: CSV files, `target` last"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON, written after every result")
    parser.add_argument("--resume", action="store_true", help="keep the results that are in --out")
    parser.add_argument(
        "--report", type=Path, nargs="+", metavar="FILE", help="measure nothing, only report these"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the report")
    options = parser.parse_args()
    if options.resume and not options.out:
        parser.error("--resume needs --out")
    if options.out and options.out.exists() and not options.resume:
        parser.error(f"{options.out} already exists: add --resume or remove it")
    choose_models(parser, options)
    if options.report:
        return options
    options.catalogue = catalogue(options.data, options.folder)
    if unknown := set(options.tables or ()) - set(options.catalogue):
        parser.error(f"unknown tables {sorted(unknown)}; known: {', '.join(options.catalogue)}")
    return options


def main() -> int:
    options = arguments()
    failures = 0
    if options.report:
        results = [r for path in options.report for r in json.loads(path.read_text())["results"]]
    else:
        report: dict[str, Any] = {"origins": [], "results": []}
        if options.resume and options.out.exists():
            report = json.loads(options.out.read_text())
        if mixed := redefined(options.variants, report):
            raise SystemExit(f"{options.out} has {', '.join(mixed)} with other parameters")
        names = list(installed(options.models or list(PROGRAMS)))
        packages = {PROGRAMS[name][0] for name in names} - {"fastmlp", "sklearn"}
        head = origin(with_torch="realmlp-td" in names)
        head["versions"] |= {name: version(name) for name in sorted(packages)}
        settings = {"variants": options.variants, "threads": options.threads}
        report["origins"].append({**head, "models": names, **settings})
        tables = [options.catalogue[name]() for name in options.tables or options.catalogue]
        with threadpool_limits(options.threads):
            failures = measure_all(names, tables, options, report)
        results = report["results"]
    measured = ranking.Measured.of(results, options.tables, options.models)
    print(ranking.text(measured))
    if options.plot:
        ranking.plot(measured, options.plot)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
