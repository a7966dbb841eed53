"""Every step by hand: a house-price network from the raw table to the finished model.

    python examples/tutorial.py
    python examples/tutorial.py --csv TABLE.csv --target COLUMN

Each step is a function; `tutorial`, at the end, calls them in order. fastmlp would clean, normalise
and validate by itself, as `house_prices.py` shows. pandas and scikit-learn do it here.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import command_line
import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
from csv_table import InputError, Split, load, split
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import (
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastmlp import LossCurveDisplay, Regressor

MAX_CATEGORIES = 50  # text columns with more, such as names, are left out
NUMBER = "{:,.6g}"  # prices and small fractions alike


# ---- 1. Load: see csv_table.py
# ---- 2. Encode


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
            ("numbers", SimpleImputer(strategy="median"), numbers),
            ("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), text),
        ]
    )


# ---- 3. Normalise


def normalised(encoder: ColumnTransformer) -> ColumnTransformer:
    """Return an encoder that also scales numbers to mean 0 and standard deviation 1.

    The 0/1 columns made from text stay as they are. If they were scaled, a rare category would
    become a very large number.
    """
    imputer = encoder.transformers[0][1]
    return clone(encoder).set_params(numbers=make_pipeline(clone(imputer), StandardScaler()))


# ---- 4. The network


def make_network(seed: int) -> Regressor:
    """Two hidden layers of ReLU units, trained with Adam, against overfitting by three means."""
    return Regressor(
        preset="plain",
        hidden_layer_sizes=(64, 32),
        activation="relu",
        loss="squared_error",
        solver="adam",
        learning_rate="constant",
        learning_rate_init=0.001,
        batch_size=64,
        alpha=0.01,  # the penalty on large weights:
        l1_ratio=0.5,  # half L1, half L2
        weight_decay=0.0,
        dropout=0.05,  # the share of hidden units that each step leaves out
        max_iter=100,
        early_stopping=False,  # keep the last weights, not the best ones,
        n_iter_no_change=math.inf,  # and run all epochs whatever the loss does
        random_state=seed,
    )


# ---- 5. Draw


def draw_losses(network: Regressor, path: Path) -> None:
    """Draw training and validation loss over the epochs to a file."""
    mpl.use("Agg")  # draws to files, without a screen
    display = LossCurveDisplay.from_estimator(network, name="Mean squared error")
    try:
        display.figure_.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write the picture: {error}") from error
    finally:
        plt.close(display.figure_)
    print(f"Loss curves: {path}")


# ---- 6. Cross-validate and search


def cross_validate(model: Pipeline, X: pd.DataFrame, y: pd.Series) -> None:
    """Train on four fifths of the rows and test on the other fifth, five times."""
    rmse = -cross_val_score(model, X, y, cv=5, scoring="neg_root_mean_squared_error")
    mean, deviation = map(NUMBER.format, (rmse.mean(), rmse.std()))
    print(f"RMSE in 5-fold cross-validation: {mean} +/- {deviation}")


def search_grid(model: Pipeline, X: pd.DataFrame, y: pd.Series) -> GridSearchCV:
    """Try learning rates and dropout, then fit the best pair again on all rows."""
    grid = {"regressor__learning_rate_init": [0.001, 0.003, 0.01], "regressor__dropout": [0.0, 0.1]}
    search = GridSearchCV(model, grid, cv=3, scoring="neg_root_mean_squared_error").fit(X, y)
    results = search.cv_results_
    tried = pd.DataFrame(
        {
            "learning rate": results["param_regressor__learning_rate_init"],
            "dropout": results["param_regressor__dropout"],
            "RMSE": -results["mean_test_score"],
            "std": results["std_test_score"],
        }
    )
    forms = {"learning rate": "{:g}".format, "RMSE": NUMBER.format, "std": NUMBER.format}
    print(tried.sort_values("RMSE").to_string(index=False, formatters=forms))
    learning_rate, dropout = (search.best_params_[name] for name in grid)
    print(f"Best: learning rate {learning_rate:g}, dropout {dropout:g}")
    return search


# ---- 7. Compare


def compare(predictions: dict[str, NDArray[Any]], y_test: pd.Series) -> None:
    """Print the errors of each model on the test rows."""
    width = max(map(len, predictions))
    print(f"{'Test rows':{width}} {'RMSE':>12} {'MAE':>12} {'R2':>8}")
    for name, predicted in predictions.items():
        rmse = root_mean_squared_error(y_test, predicted)
        mae = mean_absolute_error(y_test, predicted)
        r2 = r2_score(y_test, predicted)
        print(f"{name:{width}} {rmse:>12,.6g} {mae:>12,.6g} {r2:>8.4f}")


# ---- The tutorial


def heading(text: str) -> None:
    """Print the title of a step."""
    print(f"\n{text}\n{'-' * len(text)}")


def tutorial(options: argparse.Namespace) -> None:
    """Run all steps."""
    heading("1. Load, clean and split the table")
    table = load(options.csv, options.target, "regression", options.encoding)
    parts: Split = split(table, test_share=0.15, seed=options.seed)
    X_train, X_val, target_train, target_val = train_test_split(
        parts.X_train, parts.y_train, test_size=0.15, random_state=options.seed
    )

    heading("2. Encode text and missing values")
    encoder = make_encoder(X_train)

    heading("3. Normalise inputs and target")
    # Means and standard deviations are those of the training rows only, here and everywhere.
    inputs = normalised(encoder).fit(X_train)
    unit = StandardScaler().fit(target_train.to_frame())
    y_train, y_val, y_test = (
        unit.transform(target.to_frame()).ravel()
        for target in (target_train, target_val, parts.y_test)
    )
    print(f"Inputs of the network: {inputs.transform(X_train).shape[1]}")
    print(f"Target: mean {unit.mean_[0]:,.6g}, standard deviation {unit.scale_[0]:,.6g}")

    heading("4. Train a network with two hidden layers")
    network = make_network(options.seed).set_params(standardize=False, verbose=2)
    network.fit(inputs.transform(X_train), y_train, X_val=inputs.transform(X_val), y_val=y_val)
    predicted = network.predict(inputs.transform(parts.X_test))
    print(f"Test Loss: {mean_squared_error(y_test, predicted):.4f}")

    heading("5. Draw the loss curves")
    draw_losses(network, options.plot)

    heading("6. Cross-validate and search learning rate and dropout")
    # Encoding and normalising are part of the model, so that each fold learns its own.
    model = make_pipeline(encoder, make_network(options.seed).set_params(max_iter=30))
    cross_validate(model, parts.X_train, parts.y_train)
    search = search_grid(model, parts.X_train, parts.y_train)

    heading("7. Compare with Regressor() and its defaults")
    # It takes the raw table: encoding, normalising and validation happen inside.
    defaults = Regressor(random_state=options.seed).fit(parts.X_train, parts.y_train)
    compare(
        {
            "the network of step 4": unit.inverse_transform(predicted[:, None])[:, 0],
            "the best of step 6": search.predict(parts.X_test),
            "Regressor()": defaults.predict(parts.X_test),
        },
        parts.y_test,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run the tutorial."""
    return command_line.run(
        tutorial, command_line.table_parser(__doc__, "loss.png").parse_args(argv)
    )


if __name__ == "__main__":
    sys.exit(main())
