"""scikit-learn's MLPs in model files: what further training needs besides the pipeline."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.preprocessing import LabelBinarizer

from fastmlp._version import __version__
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import Contents
from fastmlp.model_file.fields import (
    Fields,
    Kind,
    flag,
    integer,
    maybe,
    number,
    one_of,
    plain,
    plain_fields,
    real,
)
from fastmlp.model_file.pipeline import parameter_names, read_pipeline, written_pipeline
from fastmlp.model_file.storage import MOMENTS
from fastmlp.model_file.tensors import Tensors
from fastmlp.networks import Dense
from fastmlp.neural_network.engine import LINKS, by_kind, by_layer
from fastmlp.prediction.decoders import ClassificationDecoder
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.table.encoder import DenseEncoder

_ACTIVATIONS = {link: activation for activation, link in LINKS.items()}
# Attributes by the names of their fields, which are without the underscores
_TARGETS: dict[str, Kind[Any]] = {
    "y_type_": one_of(("binary", "multiclass", "multilabel-indicator")),
    "sparse_input_": flag,
}
_COUNTS: dict[str, Kind[Any]] = {"n_iter_": integer(), "t_": integer(), "loss_": number}
_STOPPING: dict[str, Kind[Any]] = {  # after training by minibatches
    "_no_improvement_count": integer(),
    "best_loss_": maybe(number),
    "best_validation_score_": maybe(number),
}
_CURVES = ("loss_curve_", "validation_scores_")
_RATES: dict[str, Kind[Any]] = {"learning_rate_init": real(0), "learning_rate": real(0)}
_ADAM: dict[str, Kind[Any]] = {
    "beta_1": real(0, 1),
    "beta_2": real(0, 1),
    "epsilon": real(0),
    "t": integer(),
    **_RATES,
}
_SGD: dict[str, Kind[Any]] = {
    "lr_schedule": one_of(("constant", "invscaling", "adaptive")),
    "momentum": real(0),
    "nesterov": flag,
    "power_t": real(),
    **_RATES,
}
# Classes of optimisers, their fields, and where they keep the running means
_OPTIMIZERS: dict[str, tuple[type[Any], dict[str, Kind[Any]], tuple[str, ...]]] = {
    "adam": (AdamOptimizer, _ADAM, ("ms", "vs")),
    "sgd": (SGDOptimizer, _SGD, ("velocities",)),
}


def written_mlp(model: Any, draft: Draft, *, include_optimizer: bool) -> dict[str, Any]:
    """The parts of a file that a fitted MLPRegressor or MLPClassifier is read from."""
    pipeline = model._pipeline
    training = _written_attributes(model, _COUNTS)
    if is_classifier(model):
        training["targets"] = _written_attributes(model._label_binarizer, _TARGETS)
    if hasattr(model, "loss_curve_"):
        training["stopping"] = _written_attributes(model, _STOPPING)
        for name in _CURVES:
            if getattr(model, name) is not None:
                curve = np.array(getattr(model, name), dtype=np.float64)
                draft.add(f"training.{name.strip('_')}", curve)
    optimizer = getattr(model, "_optimizer", None) if include_optimizer else None
    if optimizer is not None:
        names = parameter_names(pipeline.networks[0].layers, 0)
        training["optimizer"] = _written_optimizer(optimizer, names, draft)
    return {
        "provenance": {
            "version": __version__,
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "rows": None,
            "columns": pipeline.encoder.n_columns,
        },
        "pipeline": written_pipeline(pipeline, draft),
        "training": training,
        **({"notes": model._notes} if hasattr(model, "_notes") else {}),
    }


def _written_optimizer(
    optimizer: AdamOptimizer | SGDOptimizer, names: list[str], draft: Draft
) -> dict[str, Any]:
    kind = "adam" if isinstance(optimizer, AdamOptimizer) else "sgd"
    _, fields, means = _OPTIMIZERS[kind]
    for mean, moment in zip(means, MOMENTS, strict=False):
        arrays = getattr(optimizer, mean)
        half = len(arrays) // 2
        for name, array in zip(names, by_layer(arrays[:half], arrays[half:]), strict=True):
            draft.add(f"{name}.{moment}", np.asarray(array))
    return {"kind": kind, **plain_fields(optimizer, fields)}


def read_mlp(model: Any, contents: Contents) -> None:
    """Give an MLPRegressor or MLPClassifier, which has its parameters, what was fitted."""
    document, tensors = contents.document, contents.tensors
    pipeline = read_pipeline(contents)
    fields = document.object("training")
    _check_pipeline(pipeline, model, fields)
    trained, encoder = pipeline.networks[0], pipeline.encoder
    if contents.notes:
        model._notes = contents.notes
    arrays = [np.array(values) for values in trained.arrays]
    model.coefs_, model.intercepts_ = arrays[::2], arrays[1::2]
    model._best_coefs, model._best_intercepts = model.coefs_, model.intercepts_
    model.n_features_in_ = encoder.n_columns
    if encoder.feature_names is not None:
        model.feature_names_in_ = encoder.feature_names
    model.n_layers_ = len(trained.layers) + 1
    model.n_outputs_ = trained.n_outputs
    model.out_activation_ = _ACTIVATIONS[pipeline.link.name]
    _read_attributes(model, fields, _COUNTS)
    if fields.has("stopping"):
        _read_attributes(model, fields.object("stopping"), _STOPPING)
        for name in _CURVES:
            curve = f"training.{name.strip('_')}"
            known = curve in tensors
            values = tensors.floats(curve, (None,), finite=False).tolist() if known else None
            setattr(model, name, values)
    if isinstance(pipeline.decoder, ClassificationDecoder):
        binarizer = model._label_binarizer = LabelBinarizer()
        _read_attributes(binarizer, fields.object("targets"), _TARGETS)
        model.classes_ = binarizer.classes_ = pipeline.decoder.classes
        if binarizer.y_type_.startswith("multilabel") != pipeline.decoder.multilabel:
            raise fields.error("has targets of another kind than its decoder")
    if fields.has("optimizer"):
        model._optimizer = _read_optimizer(
            fields.object("optimizer"), arrays, parameter_names(trained.layers, 0), tensors
        )


def _written_attributes(owner: Any, kinds: dict[str, Kind[Any]]) -> dict[str, Any]:
    return {name.strip("_"): plain(getattr(owner, name)) for name in kinds}


def _read_attributes(owner: Any, fields: Fields, kinds: dict[str, Kind[Any]]) -> None:
    for name, kind in kinds.items():
        setattr(owner, name, fields.get(name.strip("_"), kind))


def _check_pipeline(pipeline: Pipeline, model: Any, fields: Fields) -> None:
    """Raise unless a pipeline is that of a scikit-learn MLP with the model's parameters."""
    encoder = pipeline.encoder
    is_plain = isinstance(encoder, DenseEncoder) and encoder.learnt is None
    layers = [layer for network in pipeline.networks for layer in network.layers]
    activations = [model.activation] * (len(layers) - 1) + ["identity"]
    are_plain = all(isinstance(layer, Dense) and not layer.parametric for layer in layers)
    decodes = isinstance(pipeline.decoder, ClassificationDecoder) == is_classifier(model)
    if not (is_plain and are_plain and decodes and len(pipeline.networks) == 1):
        raise fields.error(f"must stand beside the network of one {type(model).__name__}")
    if [getattr(layer, "activation", None) for layer in layers] != activations:
        raise fields.error("must stand beside layers with the activation of the parameters")


def _read_optimizer(
    fields: Fields, arrays: list[NDArray[Any]], names: list[str], tensors: Tensors
) -> AdamOptimizer | SGDOptimizer:
    kind, kinds, means = _OPTIMIZERS[fields.get("kind", one_of(_OPTIMIZERS))]
    optimizer = kind(by_kind(arrays))
    vars(optimizer).update(fields.get_all(kinds))
    for mean, moment in zip(means, MOMENTS, strict=False):
        found = [
            np.array(tensors.take(f"{name}.{moment}", array.dtype.name, array.shape))
            for name, array in zip(names, arrays, strict=True)
        ]
        setattr(optimizer, mean, by_kind(found))
    return optimizer
