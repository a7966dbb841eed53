"""Warnings that random folds do not fit the rows, and tables that give none."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.model_selection import KFold
from tiny_models import FOLDS, tiny

from fastmlp import Classifier, Regressor, ValidationWarning
from fastmlp.ensemble import leakage
from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.encoder import DenseEncoder

RNG = np.random.default_rng(0)


def warned(X, y, estimator=Regressor):
    """The message of the warning; the empty text without one."""
    model = tiny(estimator)
    encoder, table = DenseEncoder.learn(X)
    task, targets = model._new_task(np.asarray(y), model._settings(X, None))
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "warn", lambda message, category: said.append(message))
        leakage.warn_of_leakage(encoder, task, RowSubset(table, targets, None))
    return "".join(said)


def grouped(n_groups=50, n_rows=400, intercept=1.0):
    """Rows of groups that have an intercept and two columns of their own."""
    own, intercepts = RNG.normal(size=(n_groups, 2)), intercept * RNG.normal(size=n_groups)
    groups, x = RNG.integers(n_groups, size=n_rows), RNG.normal(size=(n_rows, 2))
    y = x[:, 0] + 0.5 * own[groups, 0] + intercepts[groups] + 0.5 * RNG.normal(size=n_rows)
    return np.column_stack([x, own[groups]]), y, groups


GROUPED = grouped()


def test_few_groups_of_many_rows_are_found():
    X, y, _ = grouped(n_rows=60_000)
    assert "(50 different values in 60000 rows)" in warned(X, y)


def test_rows_that_share_numbers_seem_to_come_in_groups():
    X, y, groups = GROUPED
    with pytest.warns(ValidationWarning, match="the same 'x[23]' too .50 different.* pass groups"):
        Regressor(**FOLDS).fit(X, y)
    Regressor(**FOLDS).fit(X, y, groups=groups)
    Regressor(**FOLDS).fit(X, y, cv=KFold(4, shuffle=True, random_state=0))
    Regressor(**FOLDS).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    Regressor(**FOLDS | {"early_stopping": False}).fit(X, y)


def test_groups_are_found_among_many_columns_and_rows_and_in_classes():
    X, y, _ = grouped(n_groups=800, n_rows=40_000)
    wide = np.hstack([RNG.normal(size=(len(X), 4)), X, RNG.integers(3, size=(len(X), 4))])
    assert "come in groups" in warned(wide, y)
    X, y, _ = GROUPED
    assert "come in groups" in warned(X, y > 0, Classifier)
    assert "come in groups" in warned(pd.DataFrame(X).add_prefix("c").assign(d="a"), y)


def test_columns_of_one_variable_are_no_groups():
    """Neither functions of the day of the year, nor the same number in two units."""
    day = RNG.integers(365, size=2000)
    angle = 2 * np.pi * day / 365
    X = np.column_stack([np.sin(angle), np.cos(angle), RNG.normal(size=2000)])
    y = 3 * np.sin(angle + 1) + X[:, 2] + 0.5 * RNG.normal(size=2000)
    assert not warned(X, y)
    celsius = np.round(RNG.normal(size=2000), 1)
    twice = np.column_stack([celsius, 1.8 * celsius + 32])
    assert not warned(twice, celsius)
    assert not warned(np.column_stack([twice, np.round(RNG.normal(size=2000), 1)]), celsius)


@pytest.mark.parametrize("load", [load_diabetes, load_wine, load_breast_cancer, load_iris])
def test_copies_of_rows(load):
    X, y = load(return_X_y=True)
    estimator = Regressor if load is load_diabetes else Classifier
    assert not warned(X, y, estimator)
    twice = np.r_[np.arange(len(y)), RNG.permutation(len(y))[: len(y) // 5]]
    assert "% of the rows of X are copies" in warned(X[twice], y[twice], estimator)


def test_rows_of_few_values_are_equal_by_chance():
    y = RNG.normal(size=3000)
    assert not warned(RNG.integers(40, size=(3000, 2)), y)
    assert not warned(pd.DataFrame({"a": RNG.choice(list("abcd"), 3000)}), y)
    rounded = np.round(RNG.normal(size=(3000, 2)), 1)
    assert not warned(rounded, y)


def test_counts_and_amounts_that_are_mostly_zero_are_equal_by_chance():
    counts = RNG.poisson(3, (100_000, 6))
    assert not warned(counts, counts.sum(axis=1))
    amounts = np.maximum(RNG.normal(size=(3000, 6)) - 1.2, 0)
    assert not warned(amounts, amounts.sum(axis=1))
    some_zero = np.maximum(RNG.normal(size=(300, 3)) + 1, 0)[np.r_[:300, :300]]
    assert "50% of the rows of X are copies" in warned(some_zero, some_zero.sum(axis=1))


DATES = pd.date_range("2024-01-01", periods=40)


@pytest.mark.parametrize(
    ("column", "time"),
    [
        ("day", DATES),
        ("day", DATES.strftime("%d.%m.%Y")),
        ("day", DATES[::-1]),
        ("sale_year", np.repeat(np.arange(1990, 2010), 2)),
        ("Timestamp", 1.7e9 + np.arange(40)),
    ],
)
def test_rows_in_the_order_of_time(column, time):
    x = RNG.normal(size=40)
    frame = pd.DataFrame({"x": x, column: time})
    assert f"pass time='{column}'" in warned(frame, x)
    assert not warned(frame.sample(frac=1, random_state=0), x)
    assert not warned(frame.rename(columns={column: "lifetime"}), x) or column == "day"
