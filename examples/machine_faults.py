"""Manufacturing: faults of new machines and of next month, and a model that goes on learning.

    python examples/machine_faults.py

Machines report temperature, vibration and load once a day. Will one fail within three days? There
are two traps, and ways around them:

- Rows of one machine resemble each other. With random folds a row is validated by networks that
  know its machine, and the score promises what no new machine will keep. `fit(..., groups=machine)`
  holds out whole machines.
- Machines change. From week 16 on bearings are of another make, and vibration means something else.
  Columns beyond the range of the training rows give a warning, and the model gets worse from that
  day on. `partial_fit` learns from the rows of each week when their outcome is known, in a moment
  and without the old rows. It is scored on each week before it learns from it, as in production.
  (`fit(..., time=day)` tells beforehand how well later days are predicted from earlier ones.)

The table is simulated, because real ones are not public: 60 machines, each with its own mounting of
the sensor, wear until a fault or the next service. The first 30 are there from the beginning.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import command_line
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from picture import save
from sklearn.metrics import log_loss

from fastmlp import Classifier, ExtrapolationWarning, ValidationWarning

MACHINES, WEEKS = 60, 28
TRAINING_WEEKS, CHANGE = 12, 16
PASSES = 3  # over each week's rows


def simulated(seed: int) -> pd.DataFrame:
    """A row for each machine and day: what was measured, and whether a fault came within 3 days."""
    rng = np.random.default_rng(seed)
    days = 7 * WEEKS
    mounting, idle_current = rng.normal(0, 0.3, MACHINES), rng.normal(5, 0.5, MACHINES)
    weakness = rng.normal(0, 2.5, MACHINES)  # nothing that is measured tells it
    wear, rows = rng.uniform(0, 1, MACHINES), []
    for day in range(days):
        load = rng.uniform(0.3, 1.0, MACHINES)
        wear += 0.05 * load
        chance = 1 / (1 + np.exp(11 - 6 * wear - 2 * load - weakness))
        failed = rng.random(MACHINES) < chance
        rows.append(
            pd.DataFrame(
                {
                    "day": day,
                    "machine": np.arange(MACHINES),
                    "load": load,
                    "temperature": 40 + 25 * load + 6 * wear + rng.normal(0, 4, MACHINES),
                    "vibration": 2 * wear + mounting + rng.normal(0, 0.2, MACHINES),
                    "idle_current": idle_current + rng.normal(0, 0.02, MACHINES),
                    "failed": failed,
                }
            )
        )
        wear = np.where(failed | (rng.random(MACHINES) < 0.01), 0.0, wear)  # or serviced
    table = pd.concat(rows, ignore_index=True)
    table.loc[table["day"] >= 7 * CHANGE, "vibration"] += 2.5  # of another make of bearings
    of_machine = table.groupby("machine")["failed"]
    table["fault"] = sum(of_machine.shift(-later, fill_value=False) for later in (1, 2, 3)) > 0
    return table[table["day"] < days - 3]  # for which it is known what came later


def machine_faults(options: argparse.Namespace) -> None:
    """Compare validations with what new machines show; then go on learning, week by week."""
    table = simulated(options.seed)
    old = table["machine"] < MACHINES // 2
    early = table["day"] < 7 * TRAINING_WEEKS
    training, new = table[old & early], table[~old & early]
    share = training["fault"].mean()
    print(f"Rows to train on: {len(training):,}, of which {share:.1%} come before a fault")

    losses, models = {}, {}
    for name, groups in (("random folds", None), ("machines held out", training["machine"])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidationWarning)  # that random folds do not fit
            models[name] = fitted = new_model(options.seed).fit(
                inputs(training), training["fault"], groups=groups
            )
        losses[name] = log_loss(training["fault"], fitted.oof_proba_)
    model = models["machines held out"]
    losses["new machines"] = log_loss(new["fault"], model.predict_proba(inputs(new)))
    always = np.full(len(new), share)
    losses["always the same risk"] = log_loss(new["fault"], always)
    print("\nLog loss")
    for name, loss in losses.items():
        print(f"  {name:22}{loss:.3f}")
    draw(losses, by_week(model, table[~early]), options)


def new_model(seed: int) -> Any:
    """An ensemble of five networks."""
    return Classifier(preset="fast", random_state=seed)


def inputs(rows: pd.DataFrame) -> pd.DataFrame:
    """What the model reads: not the machine, which it will not know, nor the day."""
    return rows[["load", "temperature", "vibration", "idle_current"]]


def by_week(model: Any, later: pd.DataFrame) -> pd.DataFrame:
    """Log loss of each week, for a model that stays and one that learns from each week."""
    learning, lines, said = deepcopy(model), [], ""
    for week, rows in later.groupby(later["day"] // 7):
        X, fault = inputs(rows), rows["fault"]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ExtrapolationWarning)
            risks = {
                "trained once": model.predict_proba(X),
                "goes on learning": learning.predict_proba(X),
            }
        if caught and not said:
            said = f"Week {week}, a warning: {caught[0].message}"
        losses_now = {
            name: log_loss(fault, risk, labels=[False, True]) for name, risk in risks.items()
        }
        lines.append({"week": week} | losses_now)
        for _ in range(PASSES):
            learning.partial_fit(X, fault)
    losses = pd.DataFrame(lines).set_index("week")
    if said:
        print(f"\n{said}")
    print(f"\nLog loss before and after the change in week {CHANGE}")
    for name in losses:
        means = [losses.loc[when, name].mean() for when in (slice(CHANGE - 1), slice(CHANGE, None))]
        print(f"  {name:22}{means[0]:.3f}  {means[1]:.3f}")
    return losses


def draw(losses: dict[str, float], weeks: pd.DataFrame, options: argparse.Namespace) -> None:
    """Draw what validations promise and new machines show, and the weeks after training."""
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.barh(
        [*losses][::-1],
        [*losses.values()][::-1],
        color=["tab:gray", "tab:blue", "tab:blue", "tab:red"],
    )
    left.set(title="What validation promises, and what comes", xlabel="log loss (less is better)")
    for name in weeks:
        right.plot(weeks.index, weeks[name], marker="o", markersize=4, label=name)
    right.axvline(CHANGE, color="gray", linestyle=":", label="other bearings")
    right.set(title="All machines, week by week", xlabel="week", ylabel="log loss")
    right.legend()
    save(figure, options.plot)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run the example."""
    parser = command_line.parser(__doc__, "machine_faults.png")
    return command_line.run(machine_faults, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
