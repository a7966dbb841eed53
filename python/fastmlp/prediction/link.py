"""Link: the function between a network's raw outputs and its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINKS = ("identity", "exponential", "logistic", "softmax", "gaussian", "continuation_ratio")


@dataclass(frozen=True)
class Link:
    """An inverse link function of the engine. Immutable.

    Parameters
    ----------
    name : str
        One of LINKS. "gaussian": the first half of the raw outputs are means, of the others
        variances are made. "continuation_ratio": output k is the logit of being above class k if
        not below it; there is a prediction for each class, one more than outputs.
    heads : tuple of int, default=()
        Of "softmax": the classes of each of several softmaxes side by side. (): one of all outputs.
    """

    name: str
    heads: tuple[int, ...] = ()

    def average_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Type of the averaged values, for networks that compute in another."""
        return np.dtype(np.float64) if self.name == "gaussian" else dtype

    def to_average(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Outputs of one network as the values that are averaged over networks.

        Of Gaussians these are means and mean squares: the variance of a mixture is more than the
        mean variance.
        """
        if self.name != "gaussian":
            return outputs
        means, variances = np.split(outputs.astype(np.float64), 2, axis=1)
        return np.hstack([means, variances + means**2])

    def of_average(self, averages: NDArray[Any]) -> NDArray[Any]:
        """Outputs of all networks, from means of what `to_average` returned."""
        if self.name != "gaussian":
            return averages
        means, squares = np.split(averages, 2, axis=1)
        return np.hstack([means, np.maximum(squares - means**2, np.finfo(np.float32).tiny)])
