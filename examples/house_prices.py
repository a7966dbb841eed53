"""Predict house prices, or any column of any table, and compare with other programs.

    python examples/house_prices.py
    python examples/house_prices.py --csv TABLE.csv --target COLUMN

The first command trains on 20,640 block groups of California, the second one on your own CSV file.
`tutorial.py` does by hand what fastmlp does inside.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import command_line
from csv_table import InputError, Table, load, split
from peers import measured, measured_peers, scores
from picture import draw

from fastmlp import Classifier, Regressor

WORDS_OF_FREE_TEXT = 8  # in a text, on average


def house_prices(options: argparse.Namespace) -> None:
    """Train on four fifths of the rows, predict the others, compare, and draw a picture."""
    table = without_free_text(load(options.csv, options.target, options.task, options.encoding))
    parts = split(table, test_share=0.2, seed=options.seed)
    X_train, X_test, y_train, y_test = parts.X_train, parts.X_test, parts.y_train, parts.y_test
    Model = Classifier if table.is_classification else Regressor

    start = time.perf_counter()
    try:
        # The two lines that matter. The table is raw: text and missing values are part of it.
        model = Model(random_state=options.seed, verbose=1).fit(X_train, y_train)
        seconds = time.perf_counter() - start
        predicted = model.predict(X_test)
    except (TypeError, ValueError) as error:
        raise InputError(f"fastmlp cannot learn from this table: {error}") from error

    lines = {"fastmlp": {**scores(y_test, model, X_test), "fit": seconds}}
    if options.verbose:
        lines["fastmlp, one plain network"] = measured(one_network(Model, options.seed), parts)
    print("Training the other programs, to compare")
    lines |= measured_peers(parts, table.is_classification, options.seed)
    show(lines)
    draw(model, parts, predicted, options.plot)


def without_free_text(table: Table) -> Table:
    """Leave out columns such as descriptions, many words and hardly any twice: no categories."""
    X = table.X
    for column in X.select_dtypes(object):
        texts = X[column].dropna()
        words = texts.str.split().str.len().mean()
        if texts.nunique() > len(texts) / 2 and words >= WORDS_OF_FREE_TEXT:
            print(f"Column left out: {column!r} is free text, with {words:.0f} words in each row")
            X = X.drop(columns=column)
    if X.columns.empty:
        raise InputError("no input columns are left: all are free text")
    return replace(table, X=X)


def one_network(Model: Any, seed: int) -> Any:
    """Return a small stack of dense layers, unfitted, that prints its losses of every epoch."""
    return Model(
        preset="plain",
        hidden_layer_sizes=(64, 64),
        max_iter=100,
        n_iter_no_change=math.inf,  # train all epochs, keep the weights of the best one
        random_state=seed,
        verbose=2,
    )


def show(lines: dict[str, dict[str, float]]) -> None:
    """Print the measures on the test rows and the seconds of each fit."""
    width = max(map(len, lines))
    measures = list(next(iter(lines.values())))
    print(f"\n{'Test rows':{width}}", *(f"{measure:>10}" for measure in measures))
    for name, line in lines.items():
        *values, seconds = line.values()
        cells = [f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" for value in values]
        print(f"{name:{width}}", *(f"{cell:>10}" for cell in [*cells, f"{seconds:.1f} s"]))


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run the example."""
    parser = command_line.table_parser(__doc__, "house_prices.png")
    parser.add_argument(
        "--task",
        choices=["auto", "regression", "classification"],
        default="auto",
        help="auto: text, booleans and two different numbers are classes",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="also train one network and print all its epochs"
    )
    return command_line.run(house_prices, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
