"""TrainedModel: what can be done with every trained estimator."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from fastmlp.prediction.pipeline import Pipeline

if TYPE_CHECKING:
    from onnx import ModelProto


class TrainedModel:
    """Base of all estimators: what becomes of a model after training."""

    @property
    def _pipeline(self) -> Pipeline:
        """What a prediction does; an error before `fit`."""
        raise NotImplementedError

    def to_onnx(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        inputs: Literal["auto", "columns", "matrix"] = "auto",
    ) -> ModelProto:
        """Export the model to ONNX, with its preprocessing; needs the extra "onnx".
        """
        from fastmlp.export.onnx.model import write_onnx_model

        return write_onnx_model(self._pipeline, path, inputs)
