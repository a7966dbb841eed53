"""Networks, their layers and optimisers: for the estimators, and for training loops of your own."""

from typing import TYPE_CHECKING

from fastmlp._lazy import lazily
from fastmlp.networks.layers import Dense, Dropout, Embedding, Layer, Scale

if TYPE_CHECKING:
    from fastmlp.networks.network import Network
    from fastmlp.networks.optimizer import Optimizer

__all__ = ["Dense", "Dropout", "Embedding", "Layer", "Network", "Optimizer", "Scale"]

if not TYPE_CHECKING:  # else any name would be one of the package
    __getattr__ = lazily(
        __name__,
        {"Network": "fastmlp.networks.network", "Optimizer": "fastmlp.networks.optimizer"},
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
