"""From a CSV file to inputs and a target. What is wrong with the file is said in a sentence.

`house_prices.py` and `tutorial.py` share this file. pandas does the reading; fastmlp is not used.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

HOUSES = Path(__file__).parent / "data" / "housing.csv.gz"
HOUSES_TARGET = "median_house_value"
MIN_ROWS = 20
MIN_CLASS_ROWS = 5
NEARLY_ALL = 0.9  # a text column with such a share of numbers holds numbers
MOST_NAMES = 20  # columns that an error lists
SHOWN = 40  # characters of a value that an error quotes


class InputError(Exception):
    """The input cannot be used; the message says why."""


@dataclass(frozen=True)
class Table:
    """A table in two: the inputs, and the target of the rows that have one."""

    X: pd.DataFrame
    y: pd.Series
    is_classification: bool


@dataclass(frozen=True)
class Split:
    """Rows to train on, and rows to test the trained model with."""

    X_train: pd.DataFrame
    X_test: pd.DataFrame
    y_train: pd.Series
    y_test: pd.Series


# ---- Read


def load(
    path: Path | None, target: str | None, task: str = "auto", encoding: str = "utf-8"
) -> Table:
    """Read a CSV file, or the house prices if there is none, and report what is in it."""
    if path is None:
        if target is not None:
            raise InputError("--target needs --csv: it names the column to predict")
        path, target = HOUSES, HOUSES_TARGET
        print("No --csv given: using the block groups of California in 1990 (examples/data).")
    frame = read_csv(path, encoding)
    check_target(path, frame, target)
    return clean(frame, target, task)


def read_csv(path: Path, encoding: str) -> pd.DataFrame:
    """Read a CSV file with a header row, plain or gzipped, with whatever separates its fields."""
    if not path.exists():
        raise InputError(f"no such file: {path}")
    is_zipped = path.suffix == ".gz"
    try:
        with (gzip.open if is_zipped else open)(path, "rt", encoding=encoding) as file:
            head = file.read(100_000)
        separator = separator_of(head)
        decimal = "," if separator == ";" and has_decimal_commas(head) else "."
        frame = pd.read_csv(
            path,
            sep=separator,
            decimal=decimal,
            encoding=encoding,
            compression="gzip" if is_zipped else None,
            low_memory=False,
        )
    except UnicodeDecodeError as error:
        is_utf16 = error.object.startswith((b"\xff\xfe", b"\xfe\xff"))
        other = "utf-16" if is_utf16 else "cp1252"
        raise InputError(
            f"cannot read {path} as CSV: it is not {encoding} text. If it is text in another "
            f"encoding, name that, for example --encoding {other}"
        ) from error
    except LookupError as error:
        raise InputError(f"--encoding: {error}") from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot read {path} as CSV: {reason}") from error
    # Where rows are longer than the header, pandas makes the first column an index.
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(f"cannot read {path} as CSV: its rows have more fields than its header")
    return frame


def separator_of(head: str) -> str:
    """Return the separator that the header has most of, outside of quotes; else a comma."""
    header = re.sub(r'"[^"]*"', "", head.partition("\n")[0])
    return max(",;\t|", key=header.count)


def has_decimal_commas(head: str) -> bool:
    """Tell whether fields between semicolons hold numbers such as 12,5; 1,250 may be 1250."""
    numbers = re.findall(r"(?:^|;)-?(\d+,\d+)", head, re.MULTILINE)
    return any(not re.fullmatch(r"[1-9]\d{0,2},\d{3}", number) for number in numbers)


def check_target(path: Path, frame: pd.DataFrame, target: str | None) -> None:
    """Check that the table has rows, the target and other columns."""
    names = [str(name) for name in frame.columns]
    shown = ", ".join(map(repr, names[:MOST_NAMES]))
    if len(names) > MOST_NAMES:
        shown += f" and {len(names) - MOST_NAMES} more"
    if target is None:
        raise InputError(
            f"--csv needs --target, the name of the column to predict; {path} has {shown}"
        )
    if target not in names:
        by_lower = {name.lower(): name for name in reversed(names)}
        close = [by_lower[name] for name in get_close_matches(target.lower(), by_lower)]
        meant = f"did you mean {' or '.join(map(repr, close))}? It" if close else "it"
        raise InputError(f"{path} has no column {target!r}; {meant} has {shown}")
    if len(names) == 1:
        raise InputError(f"{path} has no input columns: {target!r} is the only one")
    if frame.empty:
        raise InputError(f"{path} has a header but no rows")


# ---- Clean


def clean(frame: pd.DataFrame, target: str, task: str) -> Table:
    """Separate inputs from target, report what is in them, and drop rows without a target."""
    X = frame.drop(columns=target)
    numbers = X.select_dtypes("number").columns
    for column in X.columns.difference(numbers, sort=False):
        X[column] = X[column].map(str, na_action="ignore").astype(object)

    y, is_classification = target_of(frame[target], task)
    what = f"{y.nunique()} classes" if is_classification else "a number"
    print(f"Rows: {len(frame):,}, to predict {target!r}, {what}")
    print(f"Inputs: {len(numbers)} with numbers, {X.columns.size - len(numbers)} with text")
    missing = X.isna().sum()
    missing = missing[missing > 0]
    counts = ", ".join(f"{column} {count:,}" for column, count in missing.items())
    print(f"Missing values: {counts or 'none'}")

    infinite = X[numbers].isin([np.inf, -np.inf])
    for column, count in infinite.sum().items():
        if count:
            print(f"Infinite values in {column!r}, treated as missing: {count:,}")
    X[numbers] = X[numbers].mask(infinite)

    used = y.notna()
    if not used.all():
        print(f"Rows left out because {target!r} is missing: {(~used).sum():,}")
    if is_classification:
        used &= ~is_rare(y[used]).reindex(y.index, fill_value=False)
    X, y = X[used], y[used]
    if len(y) < MIN_ROWS:
        raise InputError(f"only {len(y)} rows have a {target!r}; at least {MIN_ROWS} are needed")
    if y.nunique() == 1:
        raise InputError(f"nothing to learn: {target!r} is {y.iloc[0]!s} in every row")
    return Table(X, y, is_classification)


def target_of(column: pd.Series, task: str) -> tuple[pd.Series, bool]:
    """Return the target, missing where it is unknown, and whether it consists of classes.

    Text and booleans are classes, and so are two different numbers. Text such as $1,234 is read as
    the number that it is. `task`, 'regression' or 'classification', overrides this. Classes become
    text, so that all programs take them.
    """
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if is_number:
        y = column.astype(np.float64).replace([np.inf, -np.inf], np.nan)
        if task == "regression" or (task == "auto" and y.nunique() != 2):
            return y, False
        return y.map("{:.15g}".format, na_action="ignore").astype(object), True

    text = column.map(str, na_action="ignore")
    if task != "classification":
        y = numbers_in(text)
        wrong = text[y.isna() & text.notna()]
        if task == "regression" or y.notna().sum() >= NEARLY_ALL * text.notna().sum() > 0:
            if not wrong.empty:
                # The header is line 1 of the file.
                raise InputError(
                    f"the target {column.name!r} is not a number in {len(wrong):,} of "
                    f"{text.notna().sum():,} rows: line {wrong.index[0] + 2} has "
                    f"{wrong.iloc[0][:SHOWN]!r}"
                )
            print(f"{column.name!r} is text such as {text.dropna().iloc[0]!r}, read as numbers")
            return y, False
    return text.astype(object), True


def numbers_in(text: pd.Series) -> pd.Series:
    """Read numbers as people write them: $1,234 or 12.5 %. What is none becomes missing."""
    plain = text.astype("str").str.replace(r"[$€£¥%\s]", "", regex=True)
    plain = plain.str.replace(r"(?<=\d),(?=\d{3}(?:\D|$))", "", regex=True)
    return pd.to_numeric(plain, errors="coerce").replace([np.inf, -np.inf], np.nan)


def is_rare(y: pd.Series) -> pd.Series:
    """Tell which rows belong to a class that has too few rows to learn and test."""
    counts = y.value_counts()
    rare = counts.index[counts < MIN_CLASS_ROWS]
    is_left_out = y.isin(rare)
    if is_left_out.mean() > 0.5:
        raise InputError(
            f"most of the {len(counts):,} values of the target {y.name!r} occur in fewer than "
            f"{MIN_CLASS_ROWS} rows, so it is neither a number nor a class"
        )
    if len(rare):
        print(
            f"Rows left out because their class has fewer than {MIN_CLASS_ROWS}: "
            f"{is_left_out.sum():,}"
        )
    return is_left_out


def split(table: Table, test_share: float, seed: int) -> Split:
    """Split the rows at random; each part gets its share of every class."""
    parts = train_test_split(
        table.X,
        table.y,
        test_size=test_share,
        random_state=seed,
        stratify=table.y if table.is_classification else None,
    )
    result = Split(*parts)
    print(f"Rows for training and for the test: {len(result.y_train):,}, {len(result.y_test):,}")
    return result
