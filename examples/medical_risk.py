"""Medicine: a risk that can be believed, and the reasons for it.

    python examples/medical_risk.py

From 30 measurements of cell nuclei the model predicts the probability that a tumour is malignant.
Somebody will act on it, so it has to answer more than "which class":

- A risk of 20% has to come true for one in five. Probabilities are checked on patients that the
  model has not seen, by a calibration curve and by the Brier score, not by accuracy alone.
- Where the model cannot tell, it should say so. `predict_set` returns both classes then: these
  patients get a second look, and the true class is in 98% of the sets, of each class's patients.
- A doctor has to be able to disagree. `explain_row` says which measurements raise and lower one
  patient's risk. It explains the model, not the disease: of columns that say nearly the same
  (radius, perimeter, area) any may get the credit.

The table is scikit-learn's breast cancer data (569 patients; Wolberg, Street & Mangasarian 1995).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import command_line
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from picture import save
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

from fastmlp import Classifier

COVERAGE = 0.98  # of the sets of classes


def medical_risk(options: argparse.Namespace) -> None:
    """Train on two thirds of the patients; check the risks of the others, and explain one."""
    X, code = load_breast_cancer(return_X_y=True, as_frame=True)
    y = np.where(code == 0, "malignant", "benign")
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1 / 3, stratify=y, random_state=options.seed
    )
    model = Classifier(preset="fast", random_state=options.seed).fit(X_train, y_train)
    is_malignant = y_test == "malignant"
    risk = model.predict_proba(X_test)[:, 1]  # classes_ are in alphabetical order
    print(f"Patients for the test: {len(y_test)}; {is_malignant.sum()} have a malignant tumour")
    print(f"Area under the ROC curve: {roc_auc_score(is_malignant, risk):.3f}")
    print(f"Log loss: {log_loss(is_malignant, risk):.3f}")
    print(f"Brier score: {brier_score_loss(is_malignant, risk):.3f}")
    show_risks(risk, is_malignant)

    sets = model.predict_set(X_test, coverage=COVERAGE, class_conditional=True)
    is_unsure = sets.sum(axis=1) != 1
    holds = np.where(is_malignant, sets[:, 1], sets[:, 0])
    print(f"Sets of classes hold the true one: {holds.mean():.1%}; asked for: {COVERAGE:.0%}")
    print(f"Patients for a second look: {is_unsure.sum()}")

    patient = int(np.argmin(np.abs(risk - 0.5)))
    print(f"\nThe patient whose tumour is hardest to tell; it is {y_test[patient]}:")
    print(model.explain_row(X_test.iloc[patient], X_train))
    draw(model, X_train, X_test, risk, is_malignant, patient, options)


def show_risks(risk: NDArray[Any], is_malignant: NDArray[Any]) -> None:
    """Print, for patients of similar risk, how often it came true."""
    of_patients = pd.DataFrame({"risk": risk, "malignant": is_malignant})
    parts = of_patients.groupby(pd.cut(risk, [-0.01, 0.05, 0.5, 0.95, 1.0]), observed=True)
    print("\nPatients   mean risk   malignant")
    for _, part in parts:
        print(f"{len(part):8} {part['risk'].mean():11.1%} {part['malignant'].mean():11.1%}")
    print()


def draw(
    model: Any,
    X_train: pd.DataFrame,
    X_test: pd.DataFrame,
    risk: NDArray[Any],
    is_malignant: NDArray[Any],
    patient: int,
    options: argparse.Namespace,
) -> None:
    """Draw the calibration curve, what moves the risks of all, and what that of one patient."""
    figure = Figure(figsize=(17, 5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    CalibrationDisplay.from_predictions(
        is_malignant, risk, n_bins=5, strategy="quantile", name="fastmlp", ax=left
    )
    left.set(title="Does the risk come true?", xlabel="predicted risk", ylabel="malignant")
    found = model.attributions(X_test, background=X_train)
    found.plot("beeswarm", ax=middle, max_columns=8)
    middle.set(title="What moves the risk of each patient")
    found.plot("waterfall", ax=right, row=patient, max_columns=8)
    right.set(title="From the mean risk to that of one patient")
    save(figure, options.plot)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run the example."""
    parser = command_line.parser(__doc__, "medical_risk.png")
    return command_line.run(medical_risk, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
