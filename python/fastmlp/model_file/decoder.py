"""Decoders in a model file: from the outputs of networks to predictions, and the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.envelope import COST_MATRIX
from fastmlp.model_file.fields import (
    Fields,
    Kind,
    flag,
    list_of,
    one_of,
    plain,
    plain_fields,
    real,
    tuple_of,
)
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values, written_value
from fastmlp.prediction.decoders import (
    ClassificationDecoder,
    Decoder,
    MultioutputDecoder,
    RegressionDecoder,
)
from fastmlp.prediction.link import Link

# The links of each kind of decoder.
_LINKS = {
    "regression": ("identity", "exponential", "gaussian"),
    "classification": ("logistic", "softmax", "continuation_ratio"),
    "multioutput": ("softmax",),
}
_REGRESSION: dict[str, Kind[Any]] = {"moves": flag, "sorts": flag, "one_dimensional": flag}
# Types of classes: of NumPy, by its names; those of text by their kinds.
_TEXTS = {"U": "text", "S": "bytes", "T": "string", "O": "object"}
_AS_IT_IS = "array"  # only in pickles
_NUMBERS = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
)
# Characters of an array of labels: so many, and so many times those that its labels have. All of
# its labels take as many as the longest one.
_CHARACTERS, _PADDED = 2**18, 16


def written_decoder(decoder: Decoder, draft: Draft) -> dict[str, Any]:
    """The decoder as an object."""
    if isinstance(decoder, RegressionDecoder):
        draft.add("decoder.unit", decoder.unit)
        draft.add("decoder.shift", decoder.shift)
        if decoder.lowest is not None and decoder.highest is not None:
            draft.add("decoder.lowest", decoder.lowest)
            draft.add("decoder.highest", decoder.highest)
        return {"kind": "regression", **plain_fields(decoder, _REGRESSION)}
    if isinstance(decoder, MultioutputDecoder):
        return {
            "kind": "multioutput",
            "classes": [written_classes(own, draft) for own in decoder.classes],
            "temperatures": plain(decoder.temperatures),
        }
    if decoder.ranks is not None:
        draft.add("decoder.ranks", decoder.ranks.astype(np.int32))
    if decoder.cost_matrix is not None:
        draft.add("decoder.cost_matrix", decoder.cost_matrix)
        draft.require(COST_MATRIX)
    return {
        "kind": "classification",
        "classes": written_classes(decoder.classes, draft),
        "multilabel": decoder.multilabel,
        "temperature": plain(np.atleast_1d(decoder.temperature).tolist()),
    }


def written_classes(classes: NDArray[Any], draft: Draft) -> dict[str, Any]:
    """Labels of classes as an object."""
    labels = classes.tolist()
    kind = _TEXTS.get(classes.dtype.kind, classes.dtype.name)
    if draft.takes_objects and (kind == "object" or classes.dtype != _dtype_of(kind, labels)):
        return {"dtype": _AS_IT_IS, "values": draft.object(classes)}
    if kind not in (*_NUMBERS, *_TEXTS.values()):
        raise NotStorable(f"a model file cannot hold classes of type {classes.dtype}")
    if kind in ("text", "bytes"):
        longest = max(map(len, labels))
        if longest > _most_characters(labels):
            raise NotStorable(
                f"a model file cannot hold {len(labels)} classes of up to {longest} characters, of "
                "which most have few: pass y with dtype=object"
            )
    return {"dtype": kind, "values": [written_value(label, draft) for label in labels]}


def _dtype_of(kind: str, labels: list[Any]) -> np.dtype[Any] | None:
    """The type of the array that is read."""
    if kind in ("text", "bytes"):
        return np.array(labels).dtype
    if kind == "string":
        return np.dtypes.StringDType()
    return np.dtype(kind) if kind in _NUMBERS else None


def read_decoder(fields: Fields, tensors: Tensors, values: Values, link: str) -> Decoder:
    """The decoder of a file, for outputs after an inverse link of this name."""
    kind = fields.get("kind", one_of(tuple(_LINKS)))
    if link not in _LINKS[kind]:
        raise fields.error(f"must not have the link {link!r}")
    if kind == "multioutput":
        return _read_multioutput(fields, values)
    if kind == "classification":
        return _read_classification(fields, link, tensors, values)
    shift = tensors.floats("decoder.shift", (None,))
    n_outputs = shift.size
    unit = tensors.floats("decoder.unit", (n_outputs,))
    lowest = highest = None
    if "decoder.lowest" in tensors:
        lowest, highest = (
            tensors.floats(f"decoder.{name}", (n_outputs,)) for name in ("lowest", "highest")
        )
    own = fields.get_all(_REGRESSION)
    if n_outputs == 0 or (n_outputs > 1 and (own["one_dimensional"] or own["sorts"])):
        raise fields.error(f"must not have {n_outputs} units of predictions")
    if not (unit > 0).all():
        raise fields.error("must have positive units")
    if link == "gaussian" and own["sorts"]:
        raise fields.error("must not sort predictions, half of which are variances")
    return RegressionDecoder(unit, shift, lowest, highest, **own, has_std=link == "gaussian")


def _read_multioutput(fields: Fields, values: Values) -> MultioutputDecoder:
    classes = tuple(read_classes(own, values) for own in fields.objects("classes"))
    if not classes:
        raise fields.error("must have classes")
    return MultioutputDecoder(
        classes, fields.get("temperatures", tuple_of(real(1e-9), len(classes)))
    )


def _read_classification(
    fields: Fields, link: str, tensors: Tensors, values: Values
) -> ClassificationDecoder:
    multilabel = fields.get("multilabel", flag)
    classes = read_classes(fields.object("classes"), values)
    temperatures = fields.get("temperature", list_of(real(1e-9)))
    if len(temperatures) not in ((1, classes.size) if multilabel else (1,)):
        raise fields.error(f"must not have {len(temperatures)} temperatures")
    temperature = temperatures[0] if len(temperatures) == 1 else np.array(temperatures)
    cost_matrix = None
    if not multilabel and "decoder.cost_matrix" in tensors:
        cost_matrix = tensors.floats("decoder.cost_matrix", (classes.size, classes.size))
    ranks = None
    if link == "continuation_ratio":
        if multilabel or classes.size < 3:
            raise fields.error(f"must not have {classes.size} classes in order")
        ranks = _read_ranks(fields, classes.size, tensors)
    return ClassificationDecoder(classes, multilabel, temperature, cost_matrix, ranks)


def _read_ranks(fields: Fields, n_classes: int, tensors: Tensors) -> NDArray[np.intp] | None:
    if "decoder.ranks" not in tensors:
        return None
    ranks = tensors.take("decoder.ranks", "int32", (n_classes,))
    if not np.array_equal(np.sort(ranks), np.arange(n_classes)):
        raise fields.error("must have a different place in order for each class")
    return ranks.astype(np.intp)


def read_classes(fields: Fields, values: Values) -> NDArray[Any]:
    """Labels of classes in a file."""
    kind = fields.get("dtype", one_of((*_NUMBERS, *_TEXTS.values(), _AS_IT_IS)))
    if kind == _AS_IT_IS:
        array: NDArray[Any] = fields.get("values", values.array)
        return array
    labels = fields.get("values", values.labels)
    if not labels:
        raise fields.error("must not be empty")
    if kind in ("object", "string"):
        classes = np.fromiter(labels, dtype=object, count=len(labels))
        return classes if kind == "object" else _as_strings(classes, fields)
    if kind in ("text", "bytes"):
        expected: type[Any] = str if kind == "text" else bytes
        if not all(type(label) is expected for label in labels):
            raise fields.error(f"must hold {kind}")
        most = _most_characters(labels)
        if max(map(len, labels)) > most:
            raise fields.error(f"must hold labels of up to {most} characters")
        return np.array(labels)
    try:
        with np.errstate(over="ignore"):
            classes = np.array(labels, dtype=kind)
    except (TypeError, ValueError, OverflowError):
        classes = np.array([])
    if classes.shape != (len(labels),) or classes.tolist() != labels:
        raise fields.error(f"must hold numbers of type {kind}")
    return classes


def _most_characters(labels: Sequence[str | bytes]) -> int:
    """That each label of an array may take."""
    return (_CHARACTERS + _PADDED * sum(map(len, labels))) // len(labels)


def _as_strings(classes: NDArray[Any], fields: Fields) -> NDArray[Any]:
    if not all(type(label) is str for label in classes):
        raise fields.error("must hold text")
    return classes.astype(np.dtypes.StringDType())


def link_of(name: str, decoder: Decoder) -> Link:
    """The link of this name in front of a decoder."""
    if isinstance(decoder, MultioutputDecoder):
        return Link(name, tuple(own.size for own in decoder.classes))
    return Link(name)


def n_network_outputs(decoder: Decoder, link: Link) -> int | None:
    """Outputs of the networks that a decoder reads; None: one for each quantile."""
    if isinstance(decoder, RegressionDecoder):
        n_outputs = decoder.unit.size * (1 + decoder.has_std)
        return None if decoder.sorts else n_outputs
    if isinstance(decoder, MultioutputDecoder):
        return sum(link.heads)
    if link.name == "continuation_ratio":
        return int(decoder.classes.size) - 1
    one = not decoder.multilabel and decoder.classes.size <= 2
    return 1 if one else int(decoder.classes.size)
