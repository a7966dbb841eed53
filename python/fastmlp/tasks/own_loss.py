"""OwnLoss: a loss of the user's, two functions of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Function = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], Any]


@dataclass(frozen=True)
class OwnLoss:
    """A loss that users pass as a pair of functions ``f(y_true, y_pred, sample_weight)``.

    All three are float64: true values and predictions in the unit of the target, of shape
    (n_rows,) or (n_rows, n_outputs), and the weights of the rows.

    Parameters
    ----------
    value : callable
        The mean loss of the rows, a number.
    gradient : callable
        Its derivative with respect to y_pred, an array of the same shape.
    """

    value: Function
    gradient: Function

    def mean(
        self, predicted: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The loss of predictions, both of shape (n_rows, n_outputs)."""
        return self._value(*self._arguments(targets, predicted, weights))

    def for_engine(
        self, shift: NDArray[np.float64], unit: NDArray[np.float64]
    ) -> Callable[..., tuple[float, NDArray[np.float64] | None]]:
        """What the engine calls, once for each minibatch and for the validation rows.

        Parameters
        ----------
        shift, unit : ndarray of shape (n_outputs,)
            Networks are trained for ``(prediction - shift) / unit``; true values are as they are.
        """
        return partial(self._evaluate, shift, unit)

    def _evaluate(
        self,
        shift: NDArray[np.float64],
        unit: NDArray[np.float64],
        targets: NDArray[np.float64],
        raw: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        derives: bool,
    ) -> tuple[float, NDArray[np.float64] | None]:
        arguments = self._arguments(targets, raw * unit + shift, weights)
        value = self._value(*arguments)
        if not derives:
            return value, None
        return value, self._gradient(*arguments).reshape(raw.shape) * unit

    @staticmethod
    def _arguments(
        targets: NDArray[Any], predicted: NDArray[Any], weights: NDArray[Any] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        shape = targets.shape[:1] if targets.shape[1] == 1 else targets.shape
        return (
            targets.astype(np.float64, copy=False).reshape(shape),
            predicted.astype(np.float64, copy=False).reshape(shape),
            np.ones(len(targets)) if weights is None else weights.astype(np.float64, copy=False),
        )

    def _value(self, *arguments: NDArray[np.float64]) -> float:
        value = self.value(*arguments)
        if np.ndim(value) != 0 or not isinstance(value, Real | np.ndarray):
            raise ValueError(
                "the first function of loss must return a number, the mean loss of the rows; got "
                f"{_described(value)}"
            )
        return float(value)

    def _gradient(self, *arguments: NDArray[np.float64]) -> NDArray[np.float64]:
        gradient = self.gradient(*arguments)
        shape = arguments[1].shape
        if np.shape(gradient) != shape:
            raise ValueError(
                "the second function of loss must return the derivative of the mean loss by each "
                f"prediction, of shape {shape}; got {_described(gradient)}"
            )
        return np.asarray(gradient, dtype=np.float64)


def _described(returned: Any) -> str:
    is_array = isinstance(returned, np.ndarray)
    return f"an array of shape {returned.shape}" if is_array else repr(returned)
