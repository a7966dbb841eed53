"""The report of tabular.py: means, ranks and ratios of the results, and a figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from compare import aligned

MEASURES = {"rmse": "RMSE", "log_loss": "log-loss", "error": "error rate"}
TIMES = ("fit_seconds", "predict_seconds")
FIRST = ("rmse", "log_loss")  # every table has one of these two
ERRORS = ("rmse", "error")  # and one of these two
REFERENCES = ("catboost", "realmlp-td")
SLOW = "realmlp-td"  # fit times are reported relative to this program's
SMALL = ("log_loss", "error")  # a good model may bring these to zero,
LEAST = 1e-3  # so in ratios, smaller ones count as this


@dataclass(frozen=True)
class Measured:
    """Means over splits, and medians of times, so that a pause of the machine does not count.

    Parameters
    ----------
    means : DataFrame
        Columns are models; rows are (measure, table), where times are measures too. NaN if a model
        was not run on the table.
    splits : Series
        For each table, the number of splits that all its models have done. Means are over these.
    """

    means: pd.DataFrame
    splits: pd.Series

    @classmethod
    def of(
        cls,
        results: list[dict[str, Any]],
        tables: list[str] | None = None,
        models: list[str] | None = None,
    ) -> Measured:
        """Select `tables` and `models`, if given; later results replace earlier ones."""
        frame = pd.DataFrame(results).drop_duplicates(["table", "split", "model"], keep="last")
        if tables:
            frame = frame[frame["table"].isin(tables)]
        if models:
            frame = frame[frame["model"].isin(models)]
        if frame.empty:
            raise SystemExit("nothing measured to report")
        frame["needed"] = frame.groupby("table")["model"].transform("nunique")
        frame["there"] = frame.groupby(["table", "split"])["model"].transform("nunique")
        frame = frame[frame["needed"] == frame["there"]]
        measures = [name for name in MEASURES if name in frame]
        long = frame.melt(["table", "model"], [*measures, *TIMES], "measure").dropna()
        by_table = long.groupby(["measure", "table", "model"], sort=False)["value"]
        means, medians = by_table.mean().unstack(), by_table.median().unstack()
        means = pd.concat([means.drop(index=list(TIMES)), medians.loc[list(TIMES)]])
        order = models or list(frame["model"].unique())
        return cls(
            means[[name for name in order if name in means]],
            frame.groupby("table")["split"].nunique(),
        )

    def of_measure(self, measure: str, complete: bool = False) -> pd.DataFrame:
        """Means of a measure, one row per table; `complete` drops tables that a model lacks."""
        if measure not in self.means.index:
            return self.means.iloc[:0].droplevel("measure")
        lines = self.means.loc[measure]
        return lines.dropna() if complete else lines

    def ranks(self) -> pd.DataFrame:
        """Mean rank per measure and over all tables; a classifier's two measures count half."""
        ranks = {name: self.of_measure(name, True).rank(axis=1) for name in MEASURES}
        both = [ranks["rmse"], (ranks["log_loss"] + ranks["error"]) / 2]
        lines = {MEASURES[name]: part.mean() for name, part in ranks.items() if len(part)}
        return pd.DataFrame({**lines, "all": pd.concat(both).mean()})

    def ratios(self, reference: str) -> pd.DataFrame:
        """Geometric means of errors relative to a model, over the tables that both have."""
        relative = {name: self.relative(name, reference) for name in MEASURES}
        parts = {name: part for name, part in relative.items() if len(part)}
        lines = {MEASURES[name]: geometric_mean(part) for name, part in parts.items()}
        for pair in (FIRST, ERRORS):
            both = pd.concat([parts[name] for name in pair if name in parts])
            lines[" and ".join(MEASURES[name] for name in pair)] = geometric_mean(both)
        return pd.DataFrame(lines)

    def relative(self, measure: str, reference: str) -> pd.DataFrame:
        """Errors or times divided by those of a model, on the tables that it has."""
        means = self.of_measure(measure).dropna(subset=[reference])
        if measure in SMALL:
            means = means.clip(lower=LEAST)
        return means.div(means[reference], axis=0)

    def times(self) -> pd.DataFrame:
        """Seconds on the tables that all models have, and fit times relative to `SLOW`."""
        fit = self.of_measure("fit_seconds", complete=True)
        columns = {
            "median fit s": fit.median(),
            "total fit s": fit.sum(),
            "median predict s": self.of_measure("predict_seconds", complete=True).median(),
        }
        if SLOW in self.means:
            ratio = self.relative("fit_seconds", SLOW)
            columns[f"fit / {SLOW}: median"] = ratio.median()
            columns["maximum"] = ratio.max()
        return pd.DataFrame(columns)


def geometric_mean(ratios: pd.DataFrame | pd.Series) -> Any:
    """Average ratios, of each column if there are several: 2 and 1/2 average to 1."""
    return np.exp(np.log(ratios).mean())


def lines_of(frame: pd.DataFrame, title: str, digits: int = 4) -> str:
    """Format a frame as aligned text; `title` heads its index."""
    cells = [[title, *map(str, frame.columns)]]
    for name, line in frame.iterrows():
        figures = ["-" if np.isnan(value) else f"{value:.{digits}g}" for value in line]
        cells.append([str(name), *figures])
    return aligned(cells)


def text(measured: Measured) -> str:
    """The report to print."""
    parts = []
    for name, title in MEASURES.items():
        if len(means := measured.of_measure(name)):
            means.index = [f"{table} ({measured.splits[table]})" for table in means.index]
            parts.append(lines_of(means, f"{title} (splits)"))
    parts.append(lines_of(measured.of_measure("fit_seconds"), "fit seconds", 3))
    complete = measured.of_measure("fit_seconds", complete=True)
    if not len(complete):
        parts.append("No table was run by all models, so there are no ranks.")
        return "\n\n".join(parts)
    title = f"mean rank on the {len(complete)} tables that all models have"
    parts.append(lines_of(measured.ranks(), title, 3))
    for reference in REFERENCES:
        if reference in measured.means:
            ratios = measured.ratios(reference)
            parts.append(lines_of(ratios, f"error relative to {reference}"))
    parts.append(lines_of(measured.times(), "time", 3))
    return "\n\n".join(parts)


def plot(measured: Measured, path: Path) -> None:
    """Draw rank against time, and for each table the error relative to the first reference."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    reference = next((name for name in REFERENCES if name in measured.means), None)
    figure, axes = plt.subplots(
        1, 2, figsize=(13, 5.5), width_ratios=(2, 3), layout="constrained", squeeze=False
    )
    left, right = axes[0]
    ranks, times = measured.ranks()["all"], measured.times()["median fit s"]
    relative = pd.DataFrame()
    if reference:
        relative = pd.concat([measured.relative(name, reference) for name in FIRST])
    markers = "osD^v<>ph*XP"
    for index, model in enumerate(measured.means):
        style: dict[str, Any] = {"color": f"C{index}", "marker": markers[index % len(markers)]}
        left.plot(ranks[model], times[model], linestyle="none", markersize=9, **style)
        left.annotate(
            model, (ranks[model], times[model]), (6, 6), textcoords="offset points", fontsize=8
        )
        if reference:
            right.plot(
                relative.index, relative[model], linestyle="none", label=model, alpha=0.8, **style
            )
    left.set(xlabel="mean rank over tables", ylabel="median seconds of a fit", yscale="log")
    left.margins(0.15)
    if reference:
        right.axhline(1, color="0.7", linewidth=1, zorder=0)
        right.set(yscale="log", ylabel=f"RMSE or log-loss relative to {reference}")
        right.tick_params(axis="x", rotation=90)
        right.legend(fontsize=8, ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
