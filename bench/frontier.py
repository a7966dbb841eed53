"""Weigh accuracy against fit time: a table and a plot from results that tabular.py has recorded.

See README.md in this folder for what is compared and how to read the table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ranking import FIRST, Measured, geometric_mean, lines_of

REFERENCE = "catboost"
TASKS = dict(zip(FIRST, ("regression", "classification"), strict=True))


# ---- ratios to the reference


def of_program(results: list[dict[str, Any]], program: str, reference: str) -> pd.DataFrame:
    """Ratios of one program, a row per table, over the splits that it shares with the reference.

    Measured alone with the reference, so that no other program limits the splits.
    """
    measured = Measured.of(results, models=list({program, reference}))
    time = measured.relative("fit_seconds", reference)[program]
    parts = []
    for measure, task in TASKS.items():
        error = measured.relative(measure, reference)[program].dropna()
        parts.append(pd.DataFrame({"task": task, "error": error, "time": time[error.index]}))
    return pd.concat([part for part in parts if len(part)]).assign(program=program)


def of_file(path: Path, reference: str) -> pd.DataFrame | None:
    """Ratios of all programs of a file, or None where the reference was not measured.

    A ratio never compares times of two files, which may come from different machines.
    """
    results = json.loads(path.read_text())["results"]
    done = {(r["table"], r["split"]) for r in results if r["model"] == reference}
    if not done:
        return None
    shared = [r for r in results if (r["table"], r["split"]) in done]
    programs = dict.fromkeys(r["model"] for r in shared)
    return pd.concat([of_program(shared, program, reference) for program in programs])


def of_files(paths: list[Path], reference: str) -> pd.DataFrame:
    """Ratios of all programs and tables; later files replace earlier ones."""
    parts = []
    for path in paths:
        part = of_file(path, reference)
        if part is None:
            print(f"{path} left out: it has no results of {reference}", file=sys.stderr)
        else:
            parts.append(part.rename_axis("table").reset_index())
    if not parts:
        raise SystemExit("nothing measured to compare")
    return pd.concat(parts).drop_duplicates(["program", "table"], keep="last")


# ---- programs as points


def on_frontier(points: pd.DataFrame) -> Any:
    """Tell for each program whether no other has both less error and less time."""
    error, time = points["error"].to_numpy(), points["time"].to_numpy()
    beaten = (error < error[:, np.newaxis]) & (time < time[:, np.newaxis])
    return ~beaten.any(axis=1)


def points_of(ratios: pd.DataFrame) -> pd.DataFrame:
    """Average the ratios over tables: a row per program, the fastest first."""
    lines = {}
    for program, part in ratios.groupby("program"):
        error, time = part["error"], part["time"]
        by_task = {task: geometric_mean(error[part["task"] == task]) for task in TASKS.values()}
        lines[program] = {
            "tables": len(part),
            "error": geometric_mean(error),
            **by_task,
            "time": geometric_mean(time),
            "median": time.median(),
            "largest": time.max(),
        }
    points = pd.DataFrame.from_dict(lines, orient="index").sort_values(["time", "error"])
    return points.assign(frontier=on_frontier(points))


# ---- reporting


def text(points: pd.DataFrame, reference: str) -> str:
    """The table to print."""
    marked = points.drop(columns="frontier")
    marked.index = [
        f"{program} *" if best else program for program, best in points["frontier"].items()
    ]
    title = f"relative to {reference} (*: on the frontier)"
    return lines_of(marked.rename(columns={"time": "fit time"}), title)


def labels(points: pd.DataFrame) -> Iterator[str]:
    """Name the programs, with the number of tables of those that have fewer than others."""
    for program, tables in points["tables"].items():
        yield program if tables == points["tables"].max() else f"{program} ({tables})"


def plot(points: pd.DataFrame, reference: str, path: Path) -> None:
    """Draw error against time. Better programs are lower and further to the left."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = plt.figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.add_subplot()
    best, others = points[points["frontier"]], points[~points["frontier"]]
    axes.axhline(1, color="0.85", linewidth=1, zorder=0)
    axes.axvline(1, color="0.85", linewidth=1, zorder=0)
    axes.step(best["time"], best["error"], "C0", where="post", label="frontier", zorder=1)
    axes.plot(best["time"], best["error"], "C0o", markersize=8)
    axes.plot(others["time"], others["error"], "o", color="0.5", markersize=8)
    for label, point in zip(labels(points), points.itertuples(), strict=True):
        # No point is below the frontier, so there is room for the labels of those on it.
        offset, ha, va = (-5, "right", "top") if point.frontier else (5, "left", "bottom")
        xy = (point.time, point.error)
        axes.annotate(
            label, xy, (offset, offset), textcoords="offset points", fontsize=9, ha=ha, va=va
        )
    axes.set(
        xscale="log",
        xlabel=f"fit time relative to {reference}",
        ylabel=f"RMSE or log-loss relative to {reference}",
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.15)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


# ---- command line


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="JSON of tabular.py")
    parser.add_argument(
        "--reference", default=REFERENCE, metavar="NAME", help="default %(default)s"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw error against time")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    points = points_of(of_files(options.files, options.reference))
    print(text(points, options.reference))
    if options.plot:
        plot(points, options.reference, options.plot)


if __name__ == "__main__":
    main()
