"""The description of a row cache: ``learnt.safetensors``, and ``cache.json``, written last."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.atomic import write_whole
from fastmlp.model_file.container import packed, unpacked
from fastmlp.model_file.decoder import read_classes, written_classes
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.encoder import read_encoder, written_encoder
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.fields import Fields
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values
from fastmlp.streaming.row_cache import Group, Origin, RowCache, Sections
from fastmlp.streaming.source_pass import LearntFromSource
from fastmlp.streaming.target_learners import (
    LearntClasses,
    LearntIndicators,
    LearntNumbers,
    LearntTargets,
)
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.training_range import TrainingRange

_FORMAT = 1
_DESCRIPTION, _LEARNT = "cache.json", "learnt.safetensors"
_ENDS = ("low", "high")
_OF_NUMBERS = ("mean", "deviation", "low", "high")


def write_description(cache: RowCache, learnt: LearntFromSource) -> None:
    """Make the folder of the rows a cache."""
    draft = Draft()
    for name in ("shift", "scale"):
        draft.add(name, getattr(cache, name))
    draft.add("range.low", learnt.training_range.low)
    draft.add("range.high", learnt.training_range.high)
    document = {
        "encoder": written_encoder(learnt.encoder, draft),
        "origins": [_written_origin(origin, draft) for origin in cache.columns],
        "n_rows": learnt.training_range.n_rows,
        "targets": _written_targets(learnt.targets, draft),
    }
    with open(cache.path, "rb+") as rows:  # are on the disk before the description says so
        os.fsync(rows.fileno())
    write_whole(cache.folder / _LEARNT, packed(document, draft.tensors))
    description = {
        "format": _FORMAT,
        "sections": vars(cache.sections),
        "groups": cache.groups,
        "size": cache.path.stat().st_size,
    }
    write_whole(cache.folder / _DESCRIPTION, json.dumps(description).encode())


def read_cache(folder: Path) -> tuple[RowCache, LearntFromSource] | None:
    """The cache in a folder; None if it is missing, incomplete, or of another version.

    The checksum of each group of rows is compared when the group is read.
    """
    try:
        description = json.loads((folder / _DESCRIPTION).read_bytes())
        if description["format"] != _FORMAT:
            return None
        document, arrays = unpacked(folder / _LEARNT)
        tensors = Tensors(arrays)
        cache = RowCache(
            folder,
            Sections(**description["sections"]),
            [Group(*group) for group in description["groups"]],
            [_read_origin(origin, arrays) for origin in document["origins"]],
            tensors.floats("shift", (None,)),
            tensors.floats("scale", (None,)),
        )
        if cache.path.stat().st_size != description["size"]:
            return None
        encoder = read_encoder(Fields(document["encoder"], "encoder"), tensors, Values(tensors, ()))
        low, high = (tensors.floats(f"range.{end}", (None,), finite=False) for end in _ENDS)
        training_range = TrainingRange(low, high, document["n_rows"])
        targets = _read_targets(document["targets"], tensors)
    except (OSError, ValueError, KeyError, TypeError, ModelFileError):
        return None
    assert isinstance(encoder, DenseEncoder)
    return cache, LearntFromSource(encoder, training_range, targets)


def _written_origin(origin: Origin, draft: Draft) -> list[Any]:
    if origin[0] != "code":
        return list(origin)
    _, column, meaning = origin
    return ["code", column, draft.numbered("codes", meaning)]


def _read_origin(origin: list[Any], arrays: dict[str, NDArray[Any]]) -> Origin:
    if origin[0] != "code":
        return tuple(origin)
    return ("code", origin[1], arrays[origin[2]])


def _written_targets(targets: LearntTargets, draft: Draft) -> dict[str, Any]:
    if isinstance(targets, LearntNumbers):
        for name in _OF_NUMBERS:
            draft.add(f"targets.{name}", getattr(targets, name))
        return {"kind": "numbers", "one_dimensional": targets.one_dimensional}
    if isinstance(targets, LearntClasses):
        draft.add("targets.weights", targets.weights)
        return {"kind": "classes", "labels": written_classes(targets.labels, draft)}
    assert isinstance(targets, LearntIndicators)
    return {"kind": "indicators", "n_labels": targets.n_labels}


def _read_targets(targets: dict[str, Any], tensors: Tensors) -> LearntTargets:
    if targets["kind"] == "numbers":
        arrays = {name: tensors.floats(f"targets.{name}", (None,)) for name in _OF_NUMBERS}
        return LearntNumbers(**arrays, one_dimensional=targets["one_dimensional"])
    if targets["kind"] == "classes":
        labels = read_classes(Fields(targets["labels"], "labels"), Values(tensors, ()))
        return LearntClasses(labels, np.array(tensors.floats("targets.weights", (None,))))
    return LearntIndicators(targets["n_labels"])
