"""Finance: credit by rules that hold, at the least cost, and a look at whom the errors fall on.

    python examples/credit_decisions.py --data FOLDER

Three questions that a bank is asked, and a model that has to answer them:

- Does the model keep the rules? With `monotonic_cst` a longer loan never makes a customer look
  safer. That is guaranteed for every customer, so it can be written into a contract. Where the rule
  is true it costs next to nothing.
- What does an error cost? A loan that is not paid back costs five times what a refused good
  customer does. `cost_matrix` makes `predict` choose what costs least; the probabilities stay.
- Whom do the errors fall on? Customers who would pay, and are refused, are counted by age. The
  model does not get the columns that tell sex and origin, but leaving out a column proves nothing:
  others may stand for it. Measure. With few rows differences of some percent are noise, so the
  standard error stands beside them.

The table is the German credit data (1,000 customers; Hofmann 1994), `tables/credit-g.csv.gz` in
FOLDER or in the folder that the environment variable FASTMLP_DATA names. Its last column is called
target. Without it the example says so and ends.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import command_line
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from picture import save
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from fastmlp import Classifier

COSTS = [[0, 5], [1, 0]]  # of the true class (row) bad, good, where bad, good (column) is predicted
# The probability of the second class, good, never rises with these.
RULES = {"duration": -1, "installment_commitment": -1}
NOT_FOR_DECISIONS = ["personal_status", "foreign_worker"]
YOUNG = 30  # years


def credit_decisions(options: argparse.Namespace) -> None:
    """Train with rules and costs; compare what decisions cost, and whom they refuse."""
    path = table_path(options.data)
    if path is None or not path.is_file():
        print(f"skipped: there is no {path or 'table; name its folder with --data'}")
        return
    table = pd.read_csv(path)
    X, y = table.drop(columns=["target", *NOT_FOR_DECISIONS]), table["target"].to_numpy()
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.4, stratify=y, random_state=options.seed
    )
    free = Classifier(preset="fast", random_state=options.seed).fit(X_train, y_train)
    ruled = Classifier(
        preset="fast", monotonic_cst=RULES, cost_matrix=COSTS, random_state=options.seed
    ).fit(X_train, y_train)
    for name, model in (("without rules", free), ("with rules", ruled)):
        area = roc_auc_score(y_test == "good", model.predict_proba(X_test)[:, 1])
        print(f"Area under the ROC curve {name}: {area:.3f}")

    decisions = {
        "everybody gets credit": np.full(len(y_test), "good"),
        "nobody does": np.full(len(y_test), "bad"),
        "the more probable class": free.predict(X_test),
        "rules and costs": ruled.predict(X_test),
    }
    print(f"\n{'Decisions':24}{'refused':>9}{'cost of 100 customers':>23}")
    for name, decided in decisions.items():
        print(f"{name:24}{(decided == 'bad').mean():9.0%}{100 * cost_of(y_test, decided):23.0f}")
    by_age = refused_by_age(X_test["age"], y_test, decisions["rules and costs"])
    draw(free, ruled, X_test, y_test, by_age, options)


def table_path(folder: Path | None) -> Path | None:
    """The file of the table, in the folder that was given or that the environment names."""
    folder = folder or (Path(os.environ["FASTMLP_DATA"]) if "FASTMLP_DATA" in os.environ else None)
    return None if folder is None else folder / "tables" / "credit-g.csv.gz"


def cost_of(true: NDArray[Any], decided: NDArray[Any]) -> float:
    """Mean cost of decisions."""
    costs = np.array(COSTS)
    return float(costs[(true == "good").astype(int), (decided == "good").astype(int)].mean())


def refused_by_age(
    age: pd.Series, true: NDArray[Any], decided: NDArray[Any]
) -> dict[str, tuple[float, float]]:
    """The share of good customers who are refused, with its standard error, printed too."""
    print("\nGood customers who are refused")
    is_young, found = age.to_numpy() < YOUNG, {}
    for name, group in ((f"under {YOUNG}", is_young), (f"{YOUNG} and older", ~is_young)):
        refused = decided[group & (true == "good")] == "bad"
        share = refused.mean()
        found[name] = share, np.sqrt(share * (1 - share) / len(refused))
        print(f"  {name:14}{share:6.0%} +/- {found[name][1]:.0%} of {len(refused)}")
    return found


def draw(
    free: Any,
    ruled: Any,
    X: pd.DataFrame,
    y: NDArray[Any],
    by_age: dict[str, tuple[float, float]],
    options: argparse.Namespace,
) -> None:
    """Draw what the models make of the duration, costs over thresholds, and refusals by age."""
    figure = Figure(figsize=(17, 5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    months = np.arange(4, 73, 2)
    for name, model, colour in (("free", free, "tab:gray"), ("with the rule", ruled, "tab:blue")):
        for row in range(0, len(X), len(X) // 12):
            customer = pd.concat([X.iloc[[row]]] * len(months)).assign(duration=months)
            good = model.predict_proba(customer)[:, 1]
            left.plot(months, good, color=colour, alpha=0.7, label=name if row == 0 else None)
    left.set(title="Twelve customers", xlabel="duration of the loan, months", ylabel="P(good)")
    left.legend()
    good = ruled.predict_proba(X)[:, 1]
    thresholds = np.linspace(0, 1, 101)
    costs = [100 * cost_of(y, np.where(good >= one, "good", "bad")) for one in thresholds]
    middle.plot(thresholds, costs)
    middle.axvline(5 / 6, color="tab:blue", linestyle="--", label="by the costs: 5 / (5 + 1)")
    middle.axvline(1 / 2, color="tab:gray", linestyle=":", label="the more probable class")
    middle.set(title="What decisions cost", xlabel="P(good) from which on there is credit")
    middle.set_ylabel("cost of 100 customers")
    middle.legend()
    shares, errors = zip(*by_age.values(), strict=True)
    right.bar([*by_age], shares, yerr=errors, capsize=8, color=["tab:orange", "tab:blue"])
    right.set(title="Good customers who are refused", ylabel="share, with its standard error")
    save(figure, options.plot)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run the example."""
    parser = command_line.parser(__doc__, "credit_decisions.png")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="default: $FASTMLP_DATA")
    return command_line.run(credit_decisions, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
