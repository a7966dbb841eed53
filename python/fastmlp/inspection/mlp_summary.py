"""Summary of a fitted scikit-learn MLP as text: columns, layers, training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastmlp.inspection.summary import describe_layer

_MOST_NAMES = 30


def summarise_mlp(model: Any) -> str:
    """Describe a fitted MLPRegressor or MLPClassifier in lines to print; see also `summarise`."""
    return "\n".join(_lines(model))


def _lines(model: Any) -> Iterator[str]:
    [network] = model._pipeline.networks
    n_parameters = sum(values.size for values in network.parameters)
    yield f"{' '.join(str(model).split())}: {n_parameters:,} parameters, {network.dtype}"
    yield "Columns"
    names = list(getattr(model, "feature_names_in_", ()))
    more = ", ..." if len(names) > _MOST_NAMES else ""
    listed = f": {', '.join(names[:_MOST_NAMES])}{more}" if names else ""
    yield f"  {model.n_features_in_:,} columns of numbers, not scaled{listed}"
    yield "Layers"
    for layer in network.layers:
        yield f"  {describe_layer(layer)}"
    yield f"Output: {model.out_activation_}"
    yield "Training"
    unit = "iterations of L-BFGS" if model.solver == "lbfgs" else "epochs"
    best = getattr(model, "best_validation_score_", None)
    validated = "" if best is None else f", best validation score {best:.4g}"
    yield f"  {model.n_iter_} {unit}, loss {model.loss_:.4g}{validated}"
