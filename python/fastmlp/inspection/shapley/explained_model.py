"""ExplainedModel: a fitted model that predicts coalitions of columns."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.inspection.explained_columns import dense_encoder
from fastmlp.inspection.shapley.coalitions import Coalitions
from fastmlp.inspection.shapley.split_network import SplitNetwork, has_hidden_layer
from fastmlp.prediction.decoders import (
    ClassificationDecoder,
    RegressionDecoder,
    check_one_column,
)
from fastmlp.prediction.row_forms import is_single_row
from fastmlp.table.rows import slices

_MOST_NUMBERS = 2**19  # of predictions, or of the rows that they are for, in memory at a time
_MOST_MEMBERS = 2**25  # of coalitions


class ExplainedModel:
    """A fitted model that predicts coalitions of columns.

    Parameters
    ----------
    model : FittedModel
        A model that was trained on dense rows.
    n_threads : int
    log_odds : bool
        Whether log-odds are explained instead of probabilities.

    Attributes
    ----------
    encoder : DenseEncoder
    output_names : list or None
        Classes, of two the second, or names of outputs, if these have names.
    is_one_dimensional : bool
        Whether there is one output, without an axis of its own.
    """

    def __init__(self, model: FittedModel, n_threads: int, *, log_odds: bool = False) -> None:
        decoder = model.task.decoder
        check_one_column(decoder, "an explanation")
        if log_odds and not isinstance(decoder, ClassificationDecoder):
            raise ValueError("log_odds is for classifiers; this model predicts numbers")
        self._model, self._n_threads, self._log_odds = model, n_threads, log_odds
        self.encoder = dense_encoder(model)
        names: Any = model.task.output_names
        self._is_binary = False
        if isinstance(decoder, ClassificationDecoder):
            self._is_binary = not decoder.multilabel and decoder.classes.size == 2
            self.is_one_dimensional = self._is_binary
            if names is None or not decoder.multilabel:
                names = decoder.classes.tolist()[1 if self._is_binary else 0 :]
        elif isinstance(decoder, RegressionDecoder):
            self.is_one_dimensional = decoder.one_dimensional and not decoder.sorts
        self.output_names: list[Any] | None = None if names is None else [*names]
        self._pipeline = model.pipeline.counted

    def encode(self, X: Any, estimator: str, name: str = "X") -> NDArray[Any]:
        """Encode rows of a raw table.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_columns)
        estimator, name : str
            Names of the estimator and of X in messages.
        """
        if is_single_row(X):
            raise ValueError(
                f"{name} must be a table with a row for each sample; got one row as "
                f"{type(X).__name__}"
            )
        if not _num_samples(X):
            raise ValueError(f"{name} must have at least one row")
        self.encoder.check_features(X, estimator, name)
        table = self.encoder.encode(X, name)
        if self._model.linear is None:
            self._model.watch.look_at(table, self.encoder)
        return table

    def predict(self, table: NDArray[Any]) -> NDArray[np.float64]:
        """What is explained, (n_rows, n_outputs), for an encoded table."""
        ensemble = self._model.ensemble
        return self._explained(
            self._pipeline.predict(
                table, lambda rows, offset: ensemble.predict(rows, self._n_threads, offset)
            )
        )

    def shapley_values(
        self,
        table: NDArray[Any],
        background: NDArray[Any],
        coalitions: Coalitions,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Shapley values of the predictions for an encoded table.

        Returns
        -------
        values : ndarray of shape (n_rows, n_columns, n_outputs)
        predictions : ndarray of shape (n_rows, n_outputs)
        base : ndarray of shape (n_outputs,)
            The mean prediction for the background.
        """
        whole, empty = self.predict(table), self.predict(background)
        common = np.result_type(table, background)
        table, background = (rows.astype(common, copy=False) for rows in (table, background))
        n_columns, per_row = self.encoder.n_columns, max(1, coalitions.count)
        values = np.zeros((len(table), n_columns, whole.shape[1]))
        numbers = whole.shape[1] if self._split else max(whole.shape[1], table.shape[1])
        most = _MOST_NUMBERS // numbers
        for others in slices(
            len(background), max(1, min(_MOST_MEMBERS // n_columns, most) // per_row)
        ):
            members = coalitions.members(others)
            for rows in slices(len(table), max(1, most // (len(members) * per_row))):
                predicted = self._of_coalitions(table[rows], background[others], members)
                values[rows] += coalitions.shapley_values(
                    predicted, empty[others], whole[rows], others
                )
        values /= len(background)
        return values, whole, empty.mean(axis=0)

    def _of_coalitions(
        self, table: NDArray[Any], background: NDArray[Any], members: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Predictions (n_rows, n_background, n_coalitions, n_outputs)."""
        shape = (len(table), *members.shape[:2], -1)
        if not members.size:
            return np.empty((*shape[:3], self.predict(table[:1]).shape[1]))
        if self._split is None:
            inside = members[:, :, self.encoder.raw_columns]
            mixed = np.where(inside, table[:, None, None], background[:, None])
            return self.predict(mixed.reshape(-1, table.shape[1])).reshape(shape)
        outputs: Any = 0.0
        for weight, network in zip(self._pipeline.weights, self._split, strict=True):
            outputs += weight * network.predict(table, background, members, self._n_threads)
        outputs = outputs.reshape(-1, outputs.shape[-1])
        decoded = self._pipeline.decoder.decode(outputs.astype(self._model.dtype))
        return self._explained(decoded).reshape(shape)

    @cached_property
    def _split(self) -> list[SplitNetwork] | None:
        """The networks, cut; None if nothing is to be gained, or a linear part is added to them."""
        pipeline = self._pipeline
        if self._model.linear is not None or not has_hidden_layer(pipeline.networks[0].layers):
            return None
        groups, inputs = self.encoder.encoded_by_column, self._model.scaling.engine
        return [
            SplitNetwork.of(network, inputs, pipeline.link, groups) for network in pipeline.networks
        ]

    def _explained(self, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
        """The outputs that are explained, (n_rows, n_outputs)."""
        outputs = predicted.reshape(len(predicted), -1)
        if self._is_binary:
            outputs = outputs[:, 1:]
        if not self._log_odds:
            return outputs
        least = np.finfo(self._model.dtype).epsneg
        probabilities = outputs.clip(least, 1 - least)
        log_odds: NDArray[np.float64] = np.log(probabilities) - np.log1p(-probabilities)
        return log_odds
