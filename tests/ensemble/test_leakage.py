"""Warnings that random folds do not fit the rows, and tables that give none."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.model_selection import KFold
from tiny_models import FOLDS, tiny

from fastmlp import Classifier, Regressor, ValidationWarning
from fastmlp.ensemble.leakage import warning as leakage
from fastmlp.ensemble.leakage.copies import is_measured
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


def test_a_column_whose_sampled_rows_are_all_zero_is_not_measured():
    """Such as amounts that one row of 100,000 has."""
    assert not is_measured(np.zeros(5))
    assert is_measured(np.random.default_rng(0).normal(size=2000))


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


def patients(n_groups, seed, **own):
    """Twenty visits each of patients that have an intercept and columns of their own."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_groups), 20)
    columns = {name: draw(rng, n_groups)[patient] for name, draw in own.items()}
    frame = pd.DataFrame({"dose": rng.normal(size=patient.size), **columns})
    noise = 0.1 * rng.normal(size=patient.size)
    return frame, frame["dose"] + rng.normal(size=n_groups)[patient] + noise


def measured(rng, n):
    return rng.normal(170, 9, n)


def in_whole_years(rng, n):
    return rng.normal(50, 9, n).round()


@pytest.mark.parametrize(
    ("n_groups", "age", "least"),
    [(10, measured, 3), (20, measured, 4), (20, in_whole_years, 4), (30, in_whole_years, 4)],
)
def test_few_groups_are_found(n_groups, age, least):
    found = [
        "come in groups" in warned(*patients(n_groups, seed, age=age, height=measured))
        for seed in range(4)
    ]
    assert sum(found) >= least


@pytest.mark.parametrize("n_groups", [10, 50])
def test_whole_numbers_tell_groups_beside_an_identifier(n_groups):
    """Without one, any code and what is looked up for it are like a patient and an age."""
    number = {"number": lambda rng, n: rng.permutation(n)}
    frame, y = patients(n_groups, 0, age=in_whole_years, **number)
    named = frame.rename(columns={"number": "patient_id"})
    assert "same 'patient_id' have the same 'age' too" in warned(named, y)
    assert not warned(frame, y)
    assert not warned(named, named["age"] / 9 + named["dose"])  # a new patient's age foretells it


def test_groups_may_have_missing_values():
    frame, y = patients(20, 0, age=measured, height=measured)
    known = frame["height"].isin(frame["height"].unique()[:15])
    assert "come in groups" in warned(frame.assign(height=frame["height"].where(known)), y)


def few_known(rng, n):
    """Of six patients in six hundred, and for some seeds of none of those that are compared."""
    return np.where(np.arange(n) % 100 == 0, rng.normal(size=n), np.nan)


def far_apart(rng, n):
    return 1e200 * rng.normal(size=n)


def nearly_zero(rng, n):
    """The smallest numbers that there are, beside others."""
    return np.where(np.arange(n) < n // 4, 1e-310 * np.arange(n), rng.random(n))


@pytest.mark.parametrize(
    ("n_groups", "one", "other"),
    [
        (600, measured, few_known),
        (20, measured, far_apart),
        (20, in_whole_years, nearly_zero),
    ],
)
def test_numpy_warns_of_no_numbers(n_groups, one, other):
    """Of hardly any that are known, of very large and of very small ones."""
    for seed in range(4):
        assert "come in groups" in warned(*patients(n_groups, seed, one=one, other=other))


def test_columns_that_codes_determine_are_no_groups():
    """Lookups, counts and encodings of a code, and functions of it, tell the target."""
    code = RNG.integers(15, size=1000)
    hour, x = RNG.integers(24, size=1000), RNG.normal(size=1000)
    effect = RNG.normal(size=15)
    frame = pd.DataFrame({"x": x, "code": code, "square": (code - 7.0) ** 2, "log": np.log1p(code)})
    assert not warned(frame, effect[code] + x)
    frame = pd.DataFrame({"x": x, "code": code, "effect": effect[code]})
    assert not warned(frame, effect[code] + x)
    frame = pd.DataFrame({"hour": hour, "cos": np.cos(2 * np.pi * hour / 24), "x": x})
    assert not warned(frame, RNG.normal(size=24)[hour] + x)
    rarely = np.where(RNG.random((1000, 2)) < 0.97, 0, RNG.integers(40, size=(1000, 2)) / 7)
    assert not warned(rarely, rarely[:, 0] + x)


@pytest.mark.parametrize("seed", range(4))
def test_a_new_group_whose_columns_foretell_its_target_is_no_reason_to_warn(seed):
    rng = np.random.default_rng(seed)
    place = rng.integers(40, size=500)
    income, rent = rng.normal(size=(2, 40)).round(2)[:, place]
    frame = pd.DataFrame({"zip": place, "income": income, "x": rng.normal(size=500)})
    assert not warned(frame, income + frame["x"])
    assert not warned(frame, income)
    assert not warned(frame.assign(rent=rent), income - rent + frame["x"])
    assert "come in groups" in warned(frame, rng.normal(size=40)[place] + frame["x"])


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
    again = np.random.default_rng(0).permutation(len(y))[: len(y) // 5]
    twice = np.r_[np.arange(len(y)), again]
    assert re.search("% of the rows of X.* are copies", warned(X[twice], y[twice], estimator))


def test_copies_in_a_table_with_one_column_of_many_digits():
    """Their targets are copies too; those of repeated measurements are not."""
    x, y = RNG.normal(size=(2, 300))
    frame = pd.DataFrame({"x": x, "age": RNG.integers(20, 80, 300), "town": [*"abc"] * 100})
    for n in (20, 60, 300):
        twice = np.r_[:300, :n]
        copied = f"{n / (300 + n):.0%} of the rows of X are copies"
        for X in (frame, frame[["x"]], frame[["x", "age"]]):
            assert copied in warned(X.iloc[twice], y[twice])
            assert copied in warned(X.iloc[twice], y[twice] > 0, Classifier)
        assert not warned(frame[["x"]].iloc[twice], RNG.permutation(y[twice]))


@pytest.mark.parametrize("n_codes", [60, 1000])
def test_rows_of_equal_codes_are_no_copies(n_codes):
    """Neither standardised codes nor what is looked up for them, where most targets are equal."""
    code, rare = RNG.integers(n_codes, size=1000), RNG.random(1000) < 0.03
    looked_up = RNG.normal(size=n_codes)[code]
    for x in (code, code / 7, (code - code.mean()) / code.std(), looked_up):
        for X in (x[:, None], np.column_stack([x, RNG.integers(2, size=1000)])):
            assert not warned(X, rare, Classifier)
            assert not warned(X, looked_up + RNG.normal(size=1000))
    assert not warned((code / 7)[:, None], code / 7)


def test_copies_among_very_many_rows():
    X = RNG.normal(size=(2**18, 3))
    rows = RNG.permutation(np.r_[: len(X), : len(X) // 7])
    assert "12% of the rows of X are copies" in warned(X[rows], X[rows, 0])


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
    assert "copies of other rows" in warned(some_zero, some_zero.sum(axis=1))


def test_the_share_of_copies_is_that_of_rows_with_rare_values():
    """Of the others, most of a column that is mostly zero, more are equal by chance."""
    amount = np.maximum(RNG.normal(size=600) - 1, 0)
    codes = {name: RNG.integers(60, size=600) for name in "ab"}
    frame = pd.DataFrame({"amount": amount, **codes})
    twice = frame.iloc[np.r_[:600, :600]]
    copied = "50% of the rows of X with a rare value of 'amount' are copies"
    assert copied in warned(twice, twice.sum(axis=1))


def test_rows_that_lack_a_value_may_be_copies():
    """They are among the rows that the share is of: a missing value is no frequent one."""
    table = np.random.default_rng(0).normal(size=(300, 3))
    for column in range(3):
        table[30 * column : 30 * (column + 1), column] = np.nan
    twice = np.vstack([table, table])
    assert "50% of the rows of X are copies" in warned(twice, np.arange(600.0))


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
    # Dates are told by their values, the others by their names.
    assert bool(warned(frame.rename(columns={column: "lifetime"}), x)) == (column == "day")


def test_rows_without_a_date_hide_no_order():
    """A single one did; `time` takes none of them."""
    x, without = RNG.normal(size=40), "pass time='day', without the rows that lack it"
    for missing in ([3], range(0, 40, 2), range(20)):
        days = pd.Series(DATES)
        days[[*missing]] = None
        frame = pd.DataFrame({"x": x, "day": days})
        assert without in warned(frame, x)
        assert not warned(frame.sample(frac=1, random_state=0), x)
    years = np.append(np.nan, np.arange(1981.0, 2020))
    assert "pass time='year', without" in warned(pd.DataFrame({"x": x, "year": years}), x)
    assert not warned(frame.assign(day=days.where(days.index > 20)), x)  # few have one
    few = frame.assign(day=days.where(days.index > 29))  # nine steps between those that are left
    assert not warned(few[20:], x[20:])


def test_series_that_are_each_in_the_order_of_time():
    """A panel: shop after shop."""
    x = RNG.normal(size=120)
    shops = pd.DataFrame({"x": x, "date": np.tile(DATES, 3), "shop": np.repeat([*"abc"], 40)})
    assert "in series, each in the order of 'date'" in warned(shops, x)
    by_month = shops.assign(date=np.tile(DATES[:8], 15))
    assert "pass time='date'" in warned(by_month, x)
    assert not warned(shops.assign(date=np.tile(DATES[:3], 40)), x)


@pytest.mark.parametrize("name", ["birthdate", "date_of_birth", "DOB", "born_date", "BirthYear"])
def test_dates_of_birth_are_no_times_of_rows(name):
    x = RNG.normal(size=40)
    assert not warned(pd.DataFrame({"x": x, name: DATES}), x)
    assert not warned(pd.DataFrame({"x": x, name: np.arange(1960, 2000)}), x)
