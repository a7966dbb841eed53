"""Saving of trained estimators, of any kind."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from fastmlp.model_file.atomic import write_whole
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import KINDS, closed
from fastmlp.model_file.parameters import written_parameters


def save_model(
    model: Any,
    path: str | os.PathLike[str] | BinaryIO,
    *,
    include_optimizer: bool,
) -> None:
    """Write a model file; see `TrainedModel.save`."""
    kind = type(model).__name__
    if kind not in KINDS or not type(model).__module__.startswith("fastmlp."):
        raise TypeError(
            f"a model file holds {', '.join(KINDS)}, and not the class {kind}: it has no code. "
            "Pickles have"
        )
    draft = Draft()
    parts = model._written(draft, include_optimizer)
    data = closed(kind, {"parameters": written_parameters(model, draft), **parts}, draft)
    if hasattr(path, "write"):
        path.write(data)
    else:
        write_whole(path, data)
