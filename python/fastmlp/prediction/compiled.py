"""Networks and decoders of a pipeline as objects of the compiled core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastmlp import _core
from fastmlp.networks.layers import engine_spec
from fastmlp.prediction.decoders import ClassificationDecoder, Decoder, RegressionDecoder
from fastmlp.prediction.link import Link
from fastmlp.prediction.pipeline import Pipeline, TrainedNetwork
from fastmlp.prediction.rounded_weights import RoundedWeights

_FEW_CLASSES = 7  # whose sum the core and NumPy add up alike


def compiled_type(dtype: DTypeLike) -> Any:
    """The core's predictor of networks that compute in this type."""
    return _core.PredictorF32 if dtype == np.float32 else _core.PredictorF64


def engine_predictor(
    engine: Any, dtype: DTypeLike, inputs: Any, link: Link, small: Sequence[Any] = ()
) -> Any:
    """The core's predictor of a network of the core."""
    return compiled_type(dtype)(engine, inputs, link.name, [*link.heads], [*small])


def compiled_networks(pipeline: Pipeline) -> Any:
    """The weighted mean of a pipeline's networks as one predictor of the core."""
    inputs = None if pipeline.scaling is None else pipeline.scaling.engine
    predictors = [compiled_network(one, inputs, pipeline.link) for one in pipeline.networks]
    mean_of = compiled_type(pipeline.networks[0].dtype).mean_of
    return mean_of(predictors, pipeline.weights.tolist())


def compiled_network(
    network: TrainedNetwork, inputs: _core.Standardisation | None, link: Link
) -> Any:
    """One network as a predictor of the core."""
    engine, small = _with_weights(network)
    return engine_predictor(engine, network.dtype, inputs, link, small)


def _with_weights(trained: TrainedNetwork) -> tuple[Any, list[Any]]:
    """The core's network, and for each layer type, values and scales of weights that are rounded.

    Which of them it holds in fewer bytes is up to the core.
    """
    network = _core.NetworkF32 if trained.dtype == np.float32 else _core.NetworkF64
    engine: Any = network([engine_spec(layer) for layer in trained.layers], None)
    small: list[Any] = [None] * len(trained.layers)
    for (layer, name, own, _), held, values in zip(
        engine.arrays(), trained.parameters, trained.arrays, strict=True
    ):
        own[...] = values
        if name == "weights" and isinstance(held, RoundedWeights):
            small[layer] = (held.dtype, held.values, held.scale)
    return engine, small


def compiled_rows(networks: Any, reader: _core.RowReader, decoder: Decoder) -> Any:
    """The core's predictor of single rows."""
    of_rows = (
        _core.RowPredictorF32 if isinstance(networks, _core.PredictorF32) else _core.RowPredictorF64
    )
    if isinstance(decoder, ClassificationDecoder):
        decoding: Any = _core.ClassDecoding(
            tuple(decoder.ranked_classes.tolist()), decoder.multilabel
        )
    elif not core_decodes_predictions(decoder):  # whose outputs are read as they are
        decoding = _core.ClassDecoding(tuple(range(networks.outputs)), True)
    else:
        assert isinstance(decoder, RegressionDecoder)
        decoding = _core.NumberDecoding(
            decoder.unit.tolist(),
            decoder.shift.tolist(),
            # A row is decoded without a linear part, so limits that move with one are not known.
            _numbers(None if decoder.moves else decoder.lowest),
            _numbers(None if decoder.moves else decoder.highest),
            decoder.sorts,
            decoder.one_dimensional and not decoder.sorts,
        )
    return of_rows(networks, reader, decoding)


def _numbers(limits: NDArray[np.float64] | None) -> list[float]:
    return [] if limits is None else limits.tolist()


def core_decodes_predictions(decoder: Decoder) -> bool:
    """Whether the core turns outputs into predictions: it knows of no costs and no variances."""
    if isinstance(decoder, RegressionDecoder):
        return not decoder.has_std
    return isinstance(decoder, ClassificationDecoder) and decoder.cost_matrix is None


def core_decodes_probabilities(decoder: Decoder, n_outputs: int) -> bool:
    """Whether the core turns outputs into the same probabilities as NumPy, to the last bit.

    Its logarithms and exponentials, and the order in which it adds up many numbers, are others.
    """
    return (
        isinstance(decoder, ClassificationDecoder)
        and decoder.ranks is None
        and bool(np.all(decoder.temperature == 1.0))
        and (decoder.multilabel or n_outputs <= _FEW_CLASSES)
    )
