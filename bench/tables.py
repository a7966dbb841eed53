"""The tables of tabular.py: where to find them, how to read them, and their splits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.model_selection import train_test_split

Array = NDArray[Any]
Split = tuple[Array, Array]  # row numbers of the training and of the test part

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
MOST_TEST_ROWS = 2000  # of a draw

UCI = ("concrete", "energy", "kin8nm")
SMALL_REGRESSION = ("abalone", "autoMpg", "pbc", "quake", "sensory", "strike")
SMALL_CLASSIFICATION = ("credit-g", "hypothyroid", "phoneme", "segment", "vote")
BUNDLED = ("diabetes", "breast_cancer", "digits", "wine")
ALL_TEXT = ("sensory",)  # tables whose categories are written as numbers


@dataclass(frozen=True)
class Table:
    """A table and the splits on which the programs are compared.

    Parameters
    ----------
    name : str
    X : DataFrame
        Text columns are categories; NaN is missing.
    y : ndarray of shape (rows,)
        Numbers or labels.
    classification : bool
    n_splits : int
        Number of splits by default. Larger tables need fewer for the same certainty.
    test_parts : tuple of ndarray, default=()
        Row numbers of published test parts, used instead of random ones.
    """

    name: str
    X: pd.DataFrame
    y: Array
    classification: bool
    n_splits: int = 5
    test_parts: tuple[Array, ...] = ()

    def splits(self, n: int | None = None) -> Iterator[Split]:
        """Yield the first `n` splits: published ones, otherwise 80/20 with seeds 0, 1, ..."""
        rows = np.arange(len(self.y))
        if self.test_parts:
            for test in self.test_parts[: n or self.n_splits]:
                yield np.setdiff1d(rows, test), test
            return
        strata = self.y if self.classification else None
        for seed in range(n or self.n_splits):
            train, test = train_test_split(rows, test_size=0.2, random_state=seed, stratify=strata)
            yield train, test

    def draws(self, seeds: range, most_rows: int, share: float = 0.7) -> Iterator[Split]:
        """Yield random splits: at most this many training rows, and up to 2,000 test rows."""
        for seed in seeds:
            rows = np.random.default_rng(seed).permutation(len(self.y))
            n_train = min(most_rows, int(share * rows.size))
            yield rows[:n_train], rows[n_train : n_train + MOST_TEST_ROWS]

    def rows(self, rows: Array) -> tuple[pd.DataFrame, Array]:
        """Some rows and their targets."""
        return self.X.iloc[rows], self.y[rows]


def from_csv(path: Path, classification: bool | None = None) -> Table:
    """Read a CSV file: empty fields are missing, `target` is last, text targets are labels."""
    X = pd.read_csv(path, keep_default_na=False, na_values=[""])
    y = X.pop("target").to_numpy()
    if classification is None:
        classification = not np.issubdtype(y.dtype, np.number)
    name = path.name.removesuffix(".csv.gz").removesuffix(".csv")
    if name in ALL_TEXT:
        X = X.astype(str)
    return Table(name, X, y if classification else y.astype(float), classification)


def uci(data: Path, name: str) -> Table:
    file = np.load(data / "uci" / f"{name}.npz")
    X = pd.DataFrame(file["X"].astype(float)).add_prefix("c")
    tests = tuple(file[f"test_{i}"] for i in range(20))
    return Table(name, X, file["y"].astype(float).ravel(), False, test_parts=tests)


def housing(data: Path) -> Table:
    X = pd.read_csv(data / "housing.csv.gz")
    y = X.pop("median_house_value").to_numpy(float)
    return Table("housing", X, y, False, n_splits=3)


def adult(data: Path) -> Table:
    """Read both published parts as one table, which is split again."""
    read = partial(
        pd.read_csv, header=None, skipinitialspace=True, keep_default_na=False, na_values=["?"]
    )
    parts = [read(data / f"adult-{part}.csv.gz") for part in ("train", "test")]
    X = pd.concat(parts, ignore_index=True).rename(columns="c{}".format)
    y = X.pop(X.columns[-1]).str.rstrip(".").to_numpy()
    return Table("adult", X, y, True, n_splits=3)


def bundled(name: str) -> Table:
    """Load one of scikit-learn's own tables."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    return Table(name, X, y.to_numpy(), name != "diabetes")


def catalogue(data: Path, folder: Path | None) -> dict[str, Callable[[], Table]]:
    """Return the loaders of all tables that can be found.

    Parameters
    ----------
    data : Path
        The folder of real tables. If it does not exist, only scikit-learn's tables are used.
    folder : Path or None
        More tables, `NAME.csv.gz` as for `from_csv`. An `index.json` there may give
        `{NAME: {"task": "regression" or "classification"}}`.
    """
    found: dict[str, Callable[[], Table]] = {}
    if data.is_dir():
        found |= {name: partial(uci, data, name) for name in UCI}
        for names, classification in ((SMALL_REGRESSION, False), (SMALL_CLASSIFICATION, True)):
            for name in names:
                path = data / "tables" / f"{name}.csv.gz"
                found[name] = partial(from_csv, path, classification)
    else:
        print(f"no tables in {data}: using scikit-learn's only", file=sys.stderr)
    found |= {name: partial(bundled, name) for name in BUNDLED}
    if data.is_dir():  # the large ones are last
        found |= {"housing": partial(housing, data), "adult": partial(adult, data)}
    if folder:
        index = folder / "index.json"
        tasks = pd.read_json(index, orient="index")["task"].to_dict() if index.exists() else {}
        for path in sorted(folder.glob("*.csv.gz")):
            name = path.name.removesuffix(".csv.gz")
            classification = tasks[name] == "classification" if name in tasks else None
            found[name] = partial(from_csv, path, classification)
    return found


def loaded(names: Iterable[str], data: Path) -> list[Table]:
    """Load tables by name, or exit with the names that there are."""
    known = catalogue(data, None)
    if missing := [name for name in names if name not in known]:
        sys.exit(f"there is no table {', '.join(missing)}; known are {', '.join(known)}")
    return [known[name]() for name in names]
