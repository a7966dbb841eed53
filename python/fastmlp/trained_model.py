"""TrainedModel: what can be done with every trained estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastmlp.prediction.pipeline import Pipeline
    from fastmlp.prediction.predictor import Predictor


class TrainedModel:
    """Base of all estimators: what becomes of a model after training."""

    @property
    def _pipeline(self) -> Pipeline:
        """What a prediction does; an error before `fit`."""
        raise NotImplementedError

    def predictor(self) -> Predictor:
        """Compile the model for predictions alone, of one row in microseconds or of many.

        Returns
        -------
        Predictor
            Immutable; any number of threads may use it at once.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If a scikit-learn MLP has activations of its own.
        """
        from fastmlp.prediction.predictor import Predictor

        return Predictor(self._pipeline)
