"""House prices with a range: how far off may an estimate be?

    python examples/house_price_ranges.py

An estimate of 200,000 is worth little without a range. Three things to learn:

- `predict_interval(X, coverage=0.9)` gives two ends between which nine of ten prices lie. The width
  follows the price, since errors for dear houses are larger. Check coverage on rows of neither the
  training nor the calibration, as here.
- Coverage is a mean over all houses. Of one kind of house it may be worse, and nobody sees that in
  the mean. `conformalize(X, y, groups=...)` with rows kept aside promises it for each kind alone;
  kinds with few rows pay with wider ranges.
- "90%" is a choice. The picture shows what each coverage costs in width.

The table is that of `house_prices.py`: 20,640 block groups of California in 1990 (Pace & Barry
1997).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import command_line
import numpy as np
import pandas as pd
from csv_table import load
from matplotlib.figure import Figure
from numpy.typing import NDArray
from picture import save
from sklearn.model_selection import train_test_split

from fastmlp import Regressor

KIND = "ocean_proximity"
TRAINING_ROWS, CALIBRATION_ROWS, TEST_ROWS = 5000, 4000, 6000
HOUSES_SHOWN = 60
FEWEST_ROWS = 50  # of a kind of house in the printed table


def house_price_ranges(options: argparse.Namespace) -> None:
    """Train, calibrate for each kind of house with other rows, and check with yet others."""
    table = load(None, None)
    table_of = pd.concat([table.X, table.y], axis=1).sample(frac=1, random_state=options.seed)
    table_of = table_of[table_of.groupby(KIND)[KIND].transform("size") >= 2 * FEWEST_ROWS]
    training, others = train_test_split(
        table_of, train_size=TRAINING_ROWS, stratify=table_of[KIND], random_state=options.seed
    )
    calibration, test = train_test_split(
        others,
        train_size=CALIBRATION_ROWS,
        test_size=TEST_ROWS,
        stratify=others[KIND],
        random_state=options.seed,
    )
    (X, y), (X_calibration, y_calibration), (X_test, y_test) = (
        (rows.drop(columns=table.y.name), rows[table.y.name].to_numpy())
        for rows in (training, calibration, test)
    )
    model = Regressor(preset="fast", random_state=options.seed).fit(X, y)
    together = model.predict_interval(X_test, coverage=0.9)
    model.conformalize(X_calibration, y_calibration, groups=X_calibration[KIND])
    apart = model.predict_interval(X_test, coverage=0.9, groups=X_test[KIND])
    show(X_test[KIND], y_test, together, apart)
    draw(model, X_test, y_test, apart, options)


def is_covered(y: NDArray[Any], ranges: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each price is within its range."""
    return (ranges[:, 0] <= y) & (y <= ranges[:, 1])


def show(kinds: pd.Series, y: NDArray[Any], together: NDArray[Any], apart: NDArray[Any]) -> None:
    """Print coverage and mean width by kind of house, calibrated together and for each kind."""
    print(f"\n{'':14}{'':8}  calibrated together      for each kind")
    print(f"{'houses':14}{'rows':>8}  {'coverage':>8}{'width':>11}  {'coverage':>8}{'width':>11}")
    of_kinds = [(kind, kinds.to_numpy() == kind) for kind in sorted(kinds.unique())]
    for name, rows in [("all", np.ones(len(y), dtype=bool)), *of_kinds]:
        if rows.sum() < FEWEST_ROWS:
            continue
        cells = [f"{name:14}{rows.sum():8,}"]
        for ranges in (together, apart):
            width = np.diff(ranges[rows], axis=1).mean()
            cells.append(f"  {is_covered(y[rows], ranges[rows]).mean():8.1%}{width:11,.0f}")
        print("".join(cells))


def draw(
    model: Any,
    X: pd.DataFrame,
    y: NDArray[Any],
    ranges: NDArray[Any],
    options: argparse.Namespace,
) -> None:
    """Draw ranges of some houses, widths over prices, and what each coverage costs in width."""
    figure = Figure(figsize=(17, 5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    predicted = model.predict(X)
    some = np.argsort(predicted)[:: len(y) // HOUSES_SHOWN]
    missed = ~is_covered(y[some], ranges[some])
    place = np.arange(len(some))
    left.vlines(place, *ranges[some].T, color="tab:blue", alpha=0.4, linewidth=4)
    left.scatter(
        place[~missed], y[some][~missed], s=14, color="tab:blue", label="true, in the range"
    )
    left.scatter(place[missed], y[some][missed], s=20, color="tab:red", label="true, outside")
    left.set(title="Ranges for nine of ten prices", xlabel="houses by estimate", ylabel="price")
    left.legend()
    middle.scatter(predicted, np.diff(ranges, axis=1), s=4, alpha=0.3, linewidths=0)
    middle.set(
        title="Dear houses have wider ranges", xlabel="estimate", ylabel="width of the range"
    )
    levels = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    of_levels = [model.predict_interval(X, coverage=level, groups=X[KIND]) for level in levels]
    right.plot(levels, [np.diff(own, axis=1).mean() for own in of_levels], marker="o")
    right.set(title="What coverage costs", xlabel="coverage asked for", ylabel="mean width")
    for level, own in zip(levels, of_levels, strict=True):
        found = f"{is_covered(y, own).mean():.1%}"
        right.annotate(
            found, (level, np.diff(own, axis=1).mean()), xytext=(-34, 4), textcoords="offset points"
        )
    for axis in (left.yaxis, middle.xaxis, middle.yaxis, right.yaxis):
        axis.set_major_formatter("{x:,g}")
    save(figure, options.plot)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run the example."""
    parser = command_line.parser(__doc__, "house_price_ranges.png")
    return command_line.run(house_price_ranges, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
