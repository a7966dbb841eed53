"""TrainedModel: what can be done with every trained estimator."""

from __future__ import annotations

from fastmlp.prediction.pipeline import Pipeline


class TrainedModel:
    """Base of all estimators: what becomes of a model after training."""

    @property
    def _pipeline(self) -> Pipeline:
        """What a prediction does; an error before `fit`."""
        raise NotImplementedError
