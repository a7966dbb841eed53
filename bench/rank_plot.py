"""Draw mean rank against fit time from results that tabular.py has recorded, and print the table.

See README.md in this folder for what is compared. This is the picture of the project's README.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd
from ranking import FIRST, Measured, geometric_mean

REFERENCE = "catboost"
OURS = ("fastmlp", "fastmlp-fast")  # programs of ours: each is ranked among the others alone
NAMES = {
    "fastmlp": "fastmlp",
    "fastmlp-fast": 'fastmlp, `preset="fast"`',
    "catboost": "CatBoost",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "hist-gb": "scikit-learn's gradient boosting",
    "sklearn-mlp": "scikit-learn's MLP in a pipeline",
}


def standing(files: list[Path]) -> pd.DataFrame:
    """Mean rank, error relative to `REFERENCE` and fit time of each program, the best first."""
    results = [r for file in files for r in json.loads(file.read_text())["results"]]
    models = list(dict.fromkeys(r["model"] for r in results))
    others = [model for model in models if model not in OURS]
    parts = []
    for ours in (model for model in OURS if model in models):
        measured = Measured.of(results, models=[ours, *others])
        errors = pd.concat([measured.relative(name, REFERENCE) for name in FIRST])
        part = pd.DataFrame(
            {
                "rank": measured.ranks()["all"],
                "error": geometric_mean(errors),
                "seconds": geometric_mean(measured.of_measure("fit_seconds", complete=True)),
                "tables": len(errors),
            }
        )
        # The others' ranks are those among them and the first of ours.
        parts.append(part if not parts else part.loc[[ours]])
    return pd.concat(parts).sort_values("rank")


def markdown(points: pd.DataFrame) -> str:
    """The table as it stands in README.md."""
    lines = [
        f"| {points['tables'].iloc[0]} tables | mean rank | error | fit |",
        "|---|---|---|---|",
    ]
    for name, point in points.iterrows():
        cells = f"{point['rank']:.2f} | {point['error']:.2f} | {point['seconds']:.2g} s"
        lines.append(f"| {NAMES[str(name)]} | {cells} |")
    return "\n".join(lines)


def plot(panels: list[pd.DataFrame], path: Path) -> None:
    """Draw a panel for each set of tables. Better programs are lower and further to the left."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    figure, _ = plt.subplots(
        1,
        len(panels),
        figsize=(5 * len(panels), 3.8),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for points, panel in zip(panels, figure.axes, strict=True):
        for name, point in points.iterrows():
            is_ours = name in OURS
            xy = (point["seconds"], point["rank"])
            panel.plot(*xy, "o", color="C3" if is_ours else "0.5")
            annotate(panel, NAMES[str(name)].replace("`", ""), xy, is_ours)
        panel.set(
            xscale="log",
            xlabel="seconds of a fit (geometric mean)",
            title=f"{points['tables'].iloc[0]} tables",
        )
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.margins(x=0.3, y=0.12)
    figure.axes[0].set_ylabel("mean rank (1: the best)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def annotate(panel: Any, name: str, xy: tuple[float, float], is_ours: bool) -> None:
    """Write a program's name above its point."""
    panel.annotate(
        name,
        xy,
        (0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color="C3" if is_ours else "0.3",
        weight="bold" if is_ours else "normal",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--panel",
        type=Path,
        nargs="+",
        action="append",
        required=True,
        metavar="FILE",
        help="JSON files of tabular.py, whose tables are taken together; may be repeated",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="picture to write")
    options = parser.parse_args()
    panels = [standing(files) for files in options.panel]
    print("\n\n".join(map(markdown, panels)))
    if options.plot:
        plot(panels, options.plot)


if __name__ == "__main__":
    main()
