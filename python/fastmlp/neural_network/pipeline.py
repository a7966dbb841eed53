"""The steps of a prediction of a scikit-learn MLP."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from fastmlp.networks import Dense
from fastmlp.neural_network.engine import LINKS, by_layer
from fastmlp.prediction.decoders import ClassificationDecoder, Decoder, RegressionDecoder
from fastmlp.prediction.link import Link
from fastmlp.prediction.pipeline import Pipeline, TrainedNetwork
from fastmlp.table.encoder import DenseEncoder


def pipeline_of(model: Any) -> Pipeline:
    """The pipeline of a fitted MLPRegressor or MLPClassifier, with its weights as they are now.

    Raises
    ------
    ValueError
        If the model's activations are not scikit-learn's own.
    """
    if model.out_activation_ not in LINKS:
        raise ValueError(
            f"out_activation_ must be one of {list(LINKS)}; got {model.out_activation_}"
        )
    # The type that NumPy would compute in, among those that there are.
    dtype = np.float32 if np.result_type(*model.coefs_) == np.float32 else np.float64
    hidden = len(model.coefs_) - 1
    layers = tuple(
        Dense(coef.shape[0], coef.shape[1], model.activation if i < hidden else "identity")
        for i, coef in enumerate(model.coefs_)
    )
    parameters = by_layer(model.coefs_, model.intercepts_)
    n_columns = int(model.n_features_in_)
    return Pipeline(
        encoder=DenseEncoder(getattr(model, "feature_names_in_", None), n_columns, n_columns),
        scaling=None,
        networks=(TrainedNetwork(layers, tuple(np.asarray(p, dtype) for p in parameters)),),
        weights=np.ones(1),
        link=Link(LINKS[model.out_activation_]),
        decoder=_decoder(model),
    )


def _decoder(model: Any) -> Decoder:
    if is_classifier(model):
        multilabel = model._label_binarizer.y_type_.startswith("multilabel")
        return ClassificationDecoder(np.asarray(model.classes_), multilabel)
    n_outputs = int(model.n_outputs_)
    return RegressionDecoder(
        np.ones(n_outputs),
        np.zeros(n_outputs),
        lowest=None,
        highest=None,
        moves=False,
        sorts=False,
        one_dimensional=n_outputs == 1,
    )
