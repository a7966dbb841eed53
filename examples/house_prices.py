"""House prices with a small neural network, from the raw table to the finished model.

    python examples/house_prices.py --csv housing.csv.gz --target median_house_value

Any CSV file with a header row will do, plain or gzipped, as long as the target is a number.
Without --csv the script uses a table that comes with scikit-learn.

Every step below is a function; `tutorial`, at the end, calls them in order. fastmlp is used in
`tutorial_network` and in steps 4 to 7. pandas and scikit-learn clean the table.
"""

from __future__ import annotations

import argparse
import sys
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import (
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastmlp import LossCurveDisplay, Regressor

MAX_CATEGORIES = 50  # text columns with more, such as names or dates, are left out
MIN_ROWS = 20
NUMBER = "{:,.6g}"  # prices and small fractions alike
DIVERGED = "training diverged; are there extreme values in the table?"


class InputError(Exception):
    """The input cannot be used; the message says why."""


@dataclass
class Parts:
    """The rows in three parts: 70% for training, 15% for validation, 15% for the final test."""

    X_train: pd.DataFrame
    X_val: pd.DataFrame
    X_test: pd.DataFrame
    y_train: pd.Series
    y_val: pd.Series
    y_test: pd.Series

    @property
    def X_train_val(self) -> pd.DataFrame:
        """Training and validation inputs, for models that choose their own validation rows."""
        return pd.concat([self.X_train, self.X_val])

    @property
    def y_train_val(self) -> pd.Series:
        """The targets of `X_train_val`."""
        return pd.concat([self.y_train, self.y_val])


# ---- 1. Load


def load_table(path: Path | None, target: str | None) -> tuple[pd.DataFrame, str]:
    """Read the CSV file, or load scikit-learn's diabetes table; also return the target's name."""
    if path is None:
        if target is not None:
            raise InputError("--target needs --csv: it names the column to predict")
        print("No --csv given: using scikit-learn's diabetes table. The target measures how far")
        print("the disease has progressed after one year.")
        return load_diabetes(as_frame=True, scaled=False).frame, "target"
    if target is None:
        raise InputError("--csv needs --target: the name of the column to predict")

    table = read_csv(path)
    if target not in table.columns:
        columns = ", ".join(map(repr, table.columns))
        raise InputError(f"{path} has no column {target!r}; it has {columns}")
    if table.columns.size == 1:
        raise InputError(f"{path} has no input columns: {target!r} is the only one")
    if table.empty:
        raise InputError(f"{path} has a header but no rows")
    return table, target


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV file; an error says in one line why it cannot be read."""
    if not path.exists():
        raise InputError(f"no such file: {path}")
    compression = "gzip" if path.suffix == ".gz" else None
    try:
        table = pd.read_csv(path, compression=compression, low_memory=False)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot read {path} as CSV: {reason}") from error
    # Where rows are longer than the header, pandas makes the first column an index.
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(f"cannot read {path} as CSV: its rows have more fields than its header")
    return table


def report(table: pd.DataFrame, target: str) -> None:
    """Print what is in the table."""
    inputs = table.drop(columns=target)
    n_numbers = inputs.select_dtypes("number").columns.size
    print(f"Rows: {len(table)}")
    print(f"Columns: {table.columns.size}, of which {target!r} is the target")
    print(f"Inputs: {n_numbers} with numbers, {inputs.columns.size - n_numbers} with text")
    missing = table.isna().sum()
    missing = missing[missing > 0]
    print("Missing values: none" if missing.empty else "Missing values:")
    for column, count in missing.items():
        print(f"  {column}: {count}")


# ---- 2. Clean and split


def clean(table: pd.DataFrame, target: str) -> tuple[pd.DataFrame, pd.Series]:
    """Separate inputs from target and convert both to uniform types.

    Each row is cleaned by itself. The encoder does what needs statistics of many rows, and learns
    them from the training part only.
    """
    X = table.drop(columns=target)
    y = numeric_target(table[target])

    numbers = X.select_dtypes("number").columns
    for column in X.columns:
        if column in numbers:
            X[column] = X[column].astype(np.float64)
        else:
            X[column] = X[column].map(str, na_action="ignore").astype(object)

    infinite = X[numbers].isin([np.inf, -np.inf])
    for column, count in infinite.sum().items():
        if count:
            print(f"Infinite values in {column!r}, treated as missing: {count}")
    X[numbers] = X[numbers].mask(infinite)

    known = np.isfinite(y)
    print(f"Rows dropped because the target is missing: {(~known).sum()}")
    X, y = X[known], y[known]
    if len(y) < MIN_ROWS:
        raise InputError(f"only {len(y)} rows have a {target!r}; at least {MIN_ROWS} are needed")
    if y.nunique() == 1:
        raise InputError(f"nothing to learn: {target!r} is {y.iloc[0]:g} in every row")
    return X, y


def numeric_target(column: pd.Series) -> pd.Series:
    """Return the target as float64; missing values stay NaN."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        text = column.map(str, na_action="ignore")
        column = pd.to_numeric(text, errors="coerce")
        wrong = text[column.isna() & text.notna()]
        if not wrong.empty:
            raise InputError(f"the target {text.name!r} is not numeric: it has {wrong.iloc[0]!r}")
    return column.astype(np.float64)


def split(X: pd.DataFrame, y: pd.Series, seed: int) -> Parts:
    """Split the rows at random: 70% training, 15% validation, 15% test."""
    n_part = round(0.15 * len(y))
    X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=n_part, random_state=seed)
    X_train, X_val, y_train, y_val = train_test_split(
        X_rest, y_rest, test_size=n_part, random_state=seed
    )
    print(f"Training, validation and test rows: {len(y_train)}, {len(y_val)}, {len(y_test)}")
    return Parts(X_train, X_val, X_test, y_train, y_val, y_test)


def make_encoder(X_train: pd.DataFrame) -> ColumnTransformer:
    """Choose how each column becomes numbers. The encoder is not fitted yet."""
    numbers, text = [], []
    for column in X_train.columns:
        values = X_train[column]
        n_categories = values.nunique()
        if n_categories == 0:
            print(f"Column left out: {column!r} has no values in the training part")
        elif pd.api.types.is_numeric_dtype(values):
            numbers.append(column)
        elif n_categories <= MAX_CATEGORIES:
            text.append(column)
        else:
            print(f"Column left out: {column!r} is text with {n_categories} different values")
    if not numbers and not text:
        raise InputError("no input columns are left after cleaning")
    print(f"Numbers (missing values become the median): {', '.join(numbers) or 'none'}")
    print(f"Text (one column per category, missing is one too): {', '.join(text) or 'none'}")
    return ColumnTransformer(
        [
            ("numbers", make_imputer(), numbers),
            ("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), text),
        ]
    )


def make_imputer() -> SimpleImputer:
    """Replace missing numbers by the median."""
    return SimpleImputer(strategy="median", keep_empty_features=True)


# ---- 3. Normalise


def normalised(encoder: ColumnTransformer) -> ColumnTransformer:
    """Return an encoder that also scales numbers to mean 0 and standard deviation 1.

    The 0/1 columns made from text stay as they are. If they were scaled, a rare category would
    become a number so large that plain gradient descent fails.
    """
    return clone(encoder).set_params(numbers=make_pipeline(make_imputer(), StandardScaler()))


# ---- 4. The tutorial's network


def tutorial_network(seed: int) -> Regressor:
    """One hidden layer of 10 ReLU units, trained by plain stochastic gradient descent."""
    return Regressor(
        preset="plain",
        hidden_layer_sizes=10,
        activation="relu",
        loss="squared_error",
        solver="sgd",
        momentum=0.0,
        weight_decay=0.0,
        batch_size=32,
        learning_rate="constant",
        learning_rate_init=0.01,
        max_iter=100,
        early_stopping=False,  # keep the last weights, not the best ones,
        n_iter_no_change=np.inf,  # and run all epochs whatever the loss does
        random_state=seed,
    )


# ---- 5. Draw


def draw_losses(network: Regressor, path: Path) -> None:
    """Draw training and validation loss over the epochs to a PNG file."""
    matplotlib.use("Agg")  # draws to files, without a screen
    display = LossCurveDisplay.from_estimator(network, name="Mean squared error")
    try:
        display.figure_.savefig(path, format="png")
    except OSError as error:
        raise InputError(f"cannot write the plot: {error}") from error
    finally:
        plt.close(display.figure_)
    print(f"Loss curves drawn to {path}")


# ---- 6. Cross-validate and search


def cross_validate(model: TransformedTargetRegressor, parts: Parts) -> None:
    """Train on four fifths of the rows and test on the other fifth, five times."""
    rmse = -cross_val_score(
        model,
        parts.X_train_val,
        parts.y_train_val,
        cv=5,
        scoring="neg_root_mean_squared_error",
        error_score="raise",
    )
    print(f"RMSE in 5-fold cross-validation: {rmse.mean():,.6g} +/- {rmse.std():,.6g}")


def search_grid(model: TransformedTargetRegressor, parts: Parts) -> GridSearchCV:
    """Try learning rates and minibatch sizes, then fit the best pair again on all rows."""
    # A name lists the objects from the outside in: target transformer, pipeline, network.
    learning_rate = "regressor__regressor__learning_rate_init"
    batch_size = "regressor__regressor__batch_size"
    search = GridSearchCV(
        model,
        {learning_rate: [0.003, 0.01, 0.03], batch_size: [32, 128]},
        cv=3,
        scoring="neg_root_mean_squared_error",
    )
    with warnings.catch_warnings():
        # If training diverges the score is NaN, which ranks last.
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite")
        search.fit(parts.X_train_val, parts.y_train_val)

    results = search.cv_results_
    tried = pd.DataFrame(
        {
            "learning rate": results[f"param_{learning_rate}"],
            "batch size": results[f"param_{batch_size}"],
            "RMSE": -results["mean_test_score"],
            "std": results["std_test_score"],
        }
    )
    forms = {"learning rate": "{:g}".format, "RMSE": NUMBER.format, "std": NUMBER.format}
    print(tried.sort_values("RMSE").to_string(index=False, formatters=forms))
    if tried["RMSE"].isna().any():
        print("NaN: training diverged")
    if np.isnan(search.best_score_):
        raise InputError(DIVERGED)
    best = search.best_params_
    print(f"Best: learning rate {best[learning_rate]:g}, batch size {best[batch_size]}")
    return search


# ---- 7. Compare


def compare(predictions: dict[str, np.ndarray], y_test: pd.Series) -> None:
    """Print the errors of each model on the test part."""
    width = max(map(len, predictions))
    print(f"{'Test part':{width}} {'RMSE':>12} {'MAE':>12} {'R2':>8}")
    for name, predicted in predictions.items():
        rmse = root_mean_squared_error(y_test, predicted)
        mae = mean_absolute_error(y_test, predicted)
        r2 = r2_score(y_test, predicted)
        print(f"{name:{width}} {rmse:>12,.6g} {mae:>12,.6g} {r2:>8.4f}")


# ---- The tutorial


def heading(text: str) -> None:
    """Print the title of a step."""
    print(f"\n{text}\n{'-' * len(text)}")


def tutorial(path: Path | None, target: str | None, plot: Path, seed: int) -> None:
    """Run all steps."""
    heading("1. Load the table")
    table, target = load_table(path, target)
    report(table, target)

    heading("2. Clean and split it")
    X, y = clean(table, target)
    parts = split(X, y, seed)
    encoder = make_encoder(parts.X_train)

    heading("3. Normalise inputs and target")
    # Mean and standard deviation are those of the training part only. fastmlp would normalise by
    # itself; steps 3 to 6 do it by hand to show how it works.
    inputs = normalised(encoder).fit(parts.X_train)
    X_train, X_val, X_test = map(inputs.transform, (parts.X_train, parts.X_val, parts.X_test))
    unit = StandardScaler().fit(parts.y_train.to_frame())
    y_train, y_val, y_test = (
        unit.transform(part.to_frame()).ravel()
        for part in (parts.y_train, parts.y_val, parts.y_test)
    )
    print(f"Inputs of the network: {X_train.shape[1]}")
    print(f"Target: mean {unit.mean_[0]:,.6g}, standard deviation {unit.scale_[0]:,.6g}")

    heading("4. Train a network with 10 hidden units")
    network = tutorial_network(seed).set_params(standardize=False, verbose=2)
    network.fit(X_train, y_train, X_val=X_val, y_val=y_val)
    print(f"Test Loss: {mean_squared_error(y_test, network.predict(X_test)):.4f}")

    heading("5. Draw the loss curves")
    draw_losses(network, plot)

    heading("6. Cross-validate and search learning rate and batch size")
    # Imputing and normalising are part of the model here, so that each fold learns its own.
    network_30 = tutorial_network(seed).set_params(standardize=False, max_iter=30)
    model = TransformedTargetRegressor(
        make_pipeline(normalised(encoder), network_30), transformer=StandardScaler()
    )
    cross_validate(model, parts)
    search = search_grid(model, parts)

    heading("7. Compare with Regressor() and its defaults")
    # It takes the raw table: encoding, normalising and validation happen inside.
    defaults = Regressor(random_state=seed).fit(parts.X_train_val, parts.y_train_val)
    compare(
        {
            "tutorial's network": unit.inverse_transform(network.predict(X_test)[:, None])[:, 0],
            "grid search's best": search.predict(parts.X_test),
            "Regressor()": defaults.predict(parts.X_test),
        },
        parts.y_test,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run the tutorial; return 0, or 2 if the input is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, help="table with a header row, plain or gzipped")
    parser.add_argument("--target", help="column to predict")
    parser.add_argument("--plot", type=Path, default=Path("loss.png"), help="PNG file to write")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random")
    arguments = parser.parse_args(argv)
    try:
        if not 0 <= arguments.seed < 2**32:
            raise InputError(f"--seed must be in [0, 2**32); got {arguments.seed}")
        tutorial(arguments.csv, arguments.target, arguments.plot, arguments.seed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ValueError as error:
        if "training diverged" not in str(error):
            raise
        print(f"error: {DIVERGED}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
