"""Print how errors differ from a program's, table by table, from results of tabular.py.

A cell is the mean over splits, with the standard deviation between them: the change of RMSE, or of
log-loss, geometric. Below stand mean and median over the tables. It measures nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markdown_table import print_head, print_line
from ranking import FIRST, LEAST, MEASURES, SMALL
from tabular import VARIANT


def log_ratios(results: list[dict[str, Any]], measure: str, reference: str) -> pd.DataFrame:
    """Logarithms of ratios to the reference: a row per table and split, a column per program."""
    frame = pd.DataFrame(results).drop_duplicates(["table", "split", "model"], keep="last")
    if measure not in frame:
        return pd.DataFrame()
    errors = frame.dropna(subset=[measure]).set_index(["table", "split", "model"])[measure]
    if measure in SMALL:
        errors = errors.clip(lower=LEAST)
    wide = np.log(errors).unstack("model").dropna(subset=[reference])
    order = [name for name in frame["model"].unique() if name in wide and name != reference]
    return wide[order].sub(wide[reference], axis=0)


def percent(log_ratio: float) -> str:
    return f"{round(np.expm1(log_ratio), 3) + 0.0:+.1%}"  # no minus before zero


def print_changes(ratios: pd.DataFrame, title: str) -> None:
    """Print the lines of a measure."""
    by_table = ratios.groupby("table", sort=False)
    means, deviations = by_table.mean(), by_table.std()
    for table, counts in by_table.count().iterrows():
        pairs = zip(means.loc[table], deviations.loc[table], strict=True)
        cells = [
            percent(mean) + ("" if np.isnan(deviation) else f" ± {100 * deviation:.1f}")
            for mean, deviation in pairs
        ]
        print_line([str(table), str(counts.max()), *cells])
    both = zip(means.mean(), means.median(), strict=True)
    cells = [f"{percent(mean)}; {percent(median)}" for mean, median in both]
    print_line([f"**{title}, mean; median**", "", *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="JSON of tabular.py")
    parser.add_argument("--reference", default="fastmlp", metavar="NAME")
    options = parser.parse_args()
    results = [r for path in options.files for r in json.loads(path.read_text())["results"]]
    parts = {measure: log_ratios(results, measure, options.reference) for measure in FIRST}
    measured = {measure: part for measure, part in parts.items() if len(part)}
    columns = next(iter(measured.values())).columns
    print_head(["table", "splits", *(name.removeprefix(VARIANT) for name in columns)])
    for measure, part in measured.items():
        print_changes(part, MEASURES[measure])


if __name__ == "__main__":
    main()
