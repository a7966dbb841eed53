"""Measure weights, mixtures and SMOTE where a class is rare (docs/augmentation.md).

Rows of the class are left out until it has the share given. SMOTE and SMOTENC are those of
imbalanced-learn (`pip install imbalanced-learn`) with their defaults, applied to the training part,
medians in place of missing numbers. Cells are average precision, balanced accuracy and log-loss of
the test rows: means over random test parts of 30%.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from compare import positive
from imblearn.over_sampling import SMOTE, SMOTENC
from markdown_table import print_head, print_line
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from tables import DATA, Array, Table, loaded
from tabular import text_columns, without_empty

from fastmlp import Classifier


class Rare(NamedTuple):
    """A table, the labels that are made rare, their share (None: as it is), most other rows."""

    table: str
    labels: tuple[Any, ...]
    share: float | None
    most_others: int | None = None


THYROID = ("compensated", "primary", "secondary")
SHARES = (
    Rare("phoneme", (1,), 0.03),
    Rare("segment", ("grass",), 0.03),
    Rare("credit-g", ("bad",), 0.1),
    Rare("hypothyroid", tuple(f"{one}_hypothyroid" for one in THYROID), None),
    Rare("adult", (">50K",), 0.04, 6000),
)
BALANCED = {"class_weight": "balanced"}
WAYS: dict[str, dict[str, Any] | None] = {  # parameters, or None for SMOTE
    "`Classifier()`": {},
    '`Classifier(class_weight="balanced")`': BALANCED,
    "the same, `mixup=0.2`": BALANCED | {"mixup": 0.2},
    "SMOTE": None,
}


def with_rare_class(table: Table, rare: Rare) -> tuple[pd.DataFrame, Array]:
    """The rows, and whether they belong to the class."""
    is_rare = np.isin(table.y, rare.labels)
    rng = np.random.default_rng(0)
    few, others = np.flatnonzero(is_rare), np.flatnonzero(~is_rare)
    if rare.most_others:
        others = rng.choice(others, rare.most_others, replace=False)
    if rare.share:
        n = int(rare.share * len(others) / (1 - rare.share))
        few = rng.choice(few, min(n, len(few)), replace=False)
    rows = np.sort(np.concatenate([few, others]))
    return table.X.iloc[rows].reset_index(drop=True), is_rare[rows].astype(int)


def filled(X: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Put medians, or a category, in the place of missing values."""
    medians = like.median(numeric_only=True).to_dict()
    return X.fillna(medians | dict.fromkeys(text_columns(like), "nan"))


def resampled(X: pd.DataFrame, y: Array) -> tuple[pd.DataFrame, Array]:
    """Rows with synthetic ones of the rare class."""
    text = text_columns(X)
    sampler = SMOTENC(text, random_state=0) if text else SMOTE(random_state=0)
    rows: tuple[pd.DataFrame, Array] = sampler.fit_resample(X, y)
    return rows


def measures(X: pd.DataFrame, y: Array, seed: int, asked: argparse.Namespace) -> Array:
    """Of each way: average precision, balanced accuracy and log-loss."""
    X = without_empty(X)
    split = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
    lines = []
    for parameters in WAYS.values():
        X_train, X_test, y_train, y_test = split
        if parameters is None:
            X_test, X_train = filled(X_test, X_train), filled(X_train, X_train)
            X_train, y_train = resampled(X_train, y_train)
        model = Classifier(preset=asked.preset, random_state=seed, **(parameters or {}))
        risk = model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
        of_order = average_precision_score(y_test, risk)
        lines.append(
            [of_order, balanced_accuracy_score(y_test, risk > 0.5), log_loss(y_test, risk)]
        )
    return np.array(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real tables")
    parser.add_argument("--splits", type=positive, default=3)
    parser.add_argument("--preset", default="fast")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    columns, cells = [], []
    for rare, table in zip(SHARES, loaded([one.table for one in SHARES], asked.data), strict=True):
        X, y = with_rare_class(table, rare)
        columns.append(f"{table.name}, {y.mean():.0%} of {len(y):,}")
        means = np.mean([measures(X, y, seed, asked) for seed in range(asked.splits)], axis=0)
        cells.append(["; ".join(f"{one:.2f}" for one in line) for line in means])
    print_head(["average precision; balanced accuracy; log-loss", *columns])
    for way, line in zip(WAYS, zip(*cells, strict=True), strict=True):
        print_line([way, *line])


if __name__ == "__main__":
    main()
