"""Pipelines in a model file: everything that a prediction needs.

Reading one imports nothing that only training needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.model_file.conformal import read_conformal, written_conformal
from fastmlp.model_file.container import Source
from fastmlp.model_file.decoder import (
    link_of,
    n_network_outputs,
    read_decoder,
    written_decoder,
)
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.encoder import read_encoder, written_encoder
from fastmlp.model_file.envelope import (
    CONTINUATION_RATIO,
    GAUSSIAN,
    ROUNDED_WEIGHTS,
    SEVERAL_OUTPUTS,
    Contents,
    blaming_newer,
    opened,
)
from fastmlp.model_file.fields import (
    Fields,
    flag,
    integer,
    one_of,
    plain,
    real,
    text,
    tuple_of,
)
from fastmlp.model_file.layers import (
    check_chain,
    parameter_shapes,
    read_layer,
    written_layer,
)
from fastmlp.model_file.storage import add_parameter, read_parameter
from fastmlp.model_file.tensors import Tensors
from fastmlp.networks.layers import Dense, Embedding, Layer
from fastmlp.prediction.decoders import (
    Decoder,
    RegressionDecoder,
    n_columns_of_predictions,
    n_without_std,
)
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.prediction.link import LINKS, Link
from fastmlp.prediction.pipeline import Pipeline, TrainedNetwork
from fastmlp.prediction.rounded_weights import is_rounded, with_rounded_weights
from fastmlp.table.scaling import Scaling
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.table.training_range import TrainingRange

_NAMES = ("target_names", "output_names")


def load_pipeline(source: Source) -> Pipeline:
    """Load the pipeline of a model file of any kind.

    Parameters
    ----------
    source : str, PathLike, bytes-like or binary file object

    Raises
    ------
    ModelFileError
        If the file is damaged, newer than this version or not a model file.
    OSError
        If it cannot be read.
    """
    contents = opened(source)
    with blaming_newer(contents):
        return read_pipeline(contents).counted


# ---- writing


def written_pipeline(pipeline: Pipeline, draft: Draft) -> dict[str, Any]:
    """The pipeline as an object."""
    draft.add("weights", pipeline.weights)
    draft.features += _features_of(pipeline.link)
    if pipeline.training_range is not None:
        draft.add("training_range.low", np.array(pipeline.training_range.low))
        draft.add("training_range.high", np.array(pipeline.training_range.high))
    linear, training_range = pipeline.linear, pipeline.training_range
    conformal = pipeline.conformal
    return {
        "encoder": written_encoder(pipeline.encoder, draft),
        "scaling": _written_scaling(pipeline.scaling, "scaling", draft),
        "training_range": None if training_range is None else {"n_rows": training_range.n_rows},
        "linear": None if linear is None else _written_linear(linear, draft),
        "dtype": pipeline.networks[0].dtype.name,
        "networks": [
            _written_network(network, number, draft)
            for number, network in enumerate(pipeline.networks)
        ],
        "link": pipeline.link.name,
        "decoder": written_decoder(pipeline.decoder, draft),
        "conformal": None if conformal is None else written_conformal(conformal, draft),
        **{name: plain(own) for name in _NAMES if (own := getattr(pipeline, name)) is not None},
    }


def _features_of(link: Link) -> list[str]:
    """Features that a reader must know for a link."""
    own = {"gaussian": GAUSSIAN, "continuation_ratio": CONTINUATION_RATIO}.get(link.name)
    return [SEVERAL_OUTPUTS] if link.heads else [own] if own else []


def _written_scaling(scaling: Scaling | None, name: str, draft: Draft) -> dict[str, Any] | None:
    if scaling is None:
        return None
    if scaling.shift.size:
        draft.add(f"{name}.shift", scaling.shift)
        draft.add(f"{name}.scale", scaling.scale)
    return {"clips": scaling.clips, **({"keeps_order": True} if scaling.keeps_order else {})}


def _written_linear(linear: LinearPart, draft: Draft) -> dict[str, Any]:
    for name in ("low", "high", "coef"):
        draft.add(f"linear.{name}", getattr(linear, name))
    scaling = _written_scaling(linear.scaling, "linear.scaling", draft)
    return {"share": linear.share, "scaling": scaling}


def _written_network(network: TrainedNetwork, number: int, draft: Draft) -> dict[str, Any]:
    names = parameter_names(network.layers, number)
    if draft.stored is not None:
        network = with_rounded_weights(network, draft.stored)
    for name, values in zip(names, network.parameters, strict=True):
        add_parameter(draft, name, values)
    return {"layers": [written_layer(layer, draft) for layer in network.layers]}


def parameter_names(layers: tuple[Layer, ...], number: int) -> list[str]:
    """Names of the tensors that hold the parameters of network `number`, in the engine's order."""
    return [
        f"networks.{number}.{position}.{name}"
        for position, layer in enumerate(layers)
        for name, _ in parameter_shapes(layer)
    ]


# ---- reading


def read_pipeline(contents: Contents) -> Pipeline:
    """The pipeline of a file, with the networks that weigh nothing too."""
    fields, tensors = contents.document.object("pipeline"), contents.tensors
    values, may_round = contents.values, ROUNDED_WEIGHTS in contents.features
    encoder = read_encoder(fields.object("encoder"), tensors, values)
    n_numeric = encoder.n_numeric
    n_inputs = n_numeric + encoder.n_flags + len(encoder.category_sizes)
    scaling = training_range = linear = None
    if fields.has("scaling"):
        scaling = _read_scaling(fields.object("scaling"), "scaling", n_inputs, n_numeric, tensors)
    if fields.has("training_range"):
        own = fields.object("training_range")
        n_watched = 0 if encoder.is_sparse else n_numeric
        low, high = (
            tensors.floats(f"training_range.{end}", (n_watched,), finite=False)
            for end in ("low", "high")
        )
        training_range = TrainingRange(low, high, own.get("n_rows", integer()))
    link_name = fields.get("link", one_of(LINKS))
    decoder = read_decoder(fields.object("decoder"), tensors, values, link_name)
    link = link_of(link_name, decoder)
    if fields.has("linear"):
        if training_range is None or encoder.is_sparse:
            raise fields.error("must have a training range of dense columns for its linear part")
        linear = _read_linear(fields.object("linear"), n_numeric, decoder, link, tensors)
    elif isinstance(decoder, RegressionDecoder) and decoder.moves:
        raise fields.error("must have a linear part, with which its limits move")
    dtype = np.dtype(fields.get("dtype", one_of(("float32", "float64"))))
    networks = tuple(
        _read_network(own, number, dtype, encoder, decoder, link, tensors, may_round)
        for number, own in enumerate(fields.objects("networks"))
    )
    if not networks:
        raise fields.error("must have a network")
    if len({network.n_outputs for network in networks}) > 1:
        raise fields.error("must have networks with as many outputs as each other")
    weights = tensors.floats("weights", (len(networks),))
    if not ((weights >= 0).all() and weights.any()):
        raise fields.error("must have weights of networks that are not negative, nor all 0")
    conformal = None
    if fields.has("conformal"):
        n_outputs = n_without_std(decoder, networks[0].n_outputs)
        conformal = read_conformal(fields.object("conformal"), decoder, n_outputs, tensors, values)
    return Pipeline(
        encoder,
        scaling,
        networks,
        weights,
        link,
        decoder,
        training_range,
        linear,
        conformal,
        **_read_names(fields, decoder, networks[0].n_outputs),
    )


def _read_names(fields: Fields, decoder: Decoder, n_outputs: int) -> dict[str, tuple[str, ...]]:
    """Names of targets and of the columns of predictions, which may be missing."""
    n_predicted = n_columns_of_predictions(decoder, n_outputs)
    are_quantiles = isinstance(decoder, RegressionDecoder) and decoder.sorts
    n_targets = 1 if are_quantiles else n_predicted
    names = {}
    for name, length in zip(_NAMES, (n_targets, n_predicted), strict=True):
        if name in fields:
            names[name] = fields.get(name, tuple_of(text, length))
            if len({*names[name]}) < length:
                raise fields.error(f"must have {name} that differ")
    return names


def _read_scaling(
    fields: Fields, name: str, n_columns: int, n_numeric: int, tensors: Tensors
) -> Scaling:
    clips = fields.get("clips", flag)
    keeps_order = "keeps_order" in fields and fields.get("keeps_order", flag)
    if f"{name}.shift" not in tensors:
        return Scaling(np.empty(0), np.empty(0), n_numeric, clips, keeps_order)
    shift, scale = (tensors.floats(f"{name}.{part}", (n_columns,)) for part in ("shift", "scale"))
    return Scaling(shift, scale, n_numeric, clips, keeps_order)


def _read_linear(
    fields: Fields, n_numeric: int, decoder: Decoder, link: Link, tensors: Tensors
) -> LinearPart:
    # Several quantiles of a target have the same line.
    n_outputs = decoder.unit.size if isinstance(decoder, RegressionDecoder) else None
    if n_outputs is None:
        n_outputs = n_network_outputs(decoder, link)
    scaling = _read_scaling(
        fields.object("scaling"), "linear.scaling", n_numeric, n_numeric, tensors
    )
    low, high = (tensors.floats(f"linear.{end}", (n_numeric,)) for end in ("low", "high"))
    coef = tensors.floats("linear.coef", (n_numeric, n_outputs))
    return LinearPart(scaling, low, high, coef, fields.get("share", real(0, 2)))


def _read_network(
    fields: Fields,
    number: int,
    dtype: np.dtype[Any],
    encoder: Encoder,
    decoder: Decoder,
    link: Link,
    tensors: Tensors,
    may_round: bool,
) -> TrainedNetwork:
    layers = tuple(read_layer(own, tensors) for own in fields.objects("layers"))
    n_inputs = encoder.n_numeric + encoder.n_flags + len(encoder.category_sizes)
    check_chain(layers, fields, n_inputs, n_network_outputs(decoder, link))
    read_sparse = [isinstance(layer, Dense) and layer.sparse for layer in layers]
    if read_sparse != [encoder.is_sparse] + [False] * (len(layers) - 1):
        raise fields.error(f"must read {'sparse' if encoder.is_sparse else 'dense'} rows")
    first = layers[0]
    if isinstance(first, Embedding):
        sizes = tuple(size for size, _ in first.categories)
        own = (first.n_numbers, first.n_flags, sizes)
        if own != (encoder.n_numeric, encoder.n_flags, encoder.category_sizes):
            raise fields.error("has an embedding that does not fit the columns of the table")
    shapes = [shape for layer in layers for _, shape in parameter_shapes(layer)]
    parameters = tuple(
        read_parameter(tensors, name, shape, dtype, may_be_rounded=may_round and rounded)
        for name, shape, rounded in zip(
            parameter_names(layers, number), shapes, is_rounded(layers), strict=True
        )
    )
    return TrainedNetwork(layers, parameters)
