"""Federated training: data that never leaves a site, by the same call. See docs/federated.md.

`Regressor` and `Classifier` are those of fastmlp with another `fit`, which takes sites in place of
a table.
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
