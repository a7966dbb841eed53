"""Federated training: a model of several sites, whose rows never leave them. See docs/federated.md.

`Regressor` and `Classifier` are those of fastmlp, except that `fit` takes sites instead of a table.
"""

from fastmlp.federated.estimators import Classifier, Regressor
from fastmlp.federated.site import LocalSite, Site
from fastmlp.federated.sketch import ColumnSketch, TableSketch
from fastmlp.rounds.messages import RoundStart, Update
from fastmlp.rounds.plan import Plan

__all__ = [
    "Classifier",
    "ColumnSketch",
    "LocalSite",
    "Plan",
    "Regressor",
    "RoundStart",
    "Site",
    "TableSketch",
    "Update",
]
