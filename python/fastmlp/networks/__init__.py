"""Networks, their layers and optimisers: for the estimators, and for training loops of your own."""

from fastmlp.networks.layers import Dense, Dropout, Embedding, Layer, Scale
from fastmlp.networks.network import Network
from fastmlp.networks.optimizer import Optimizer

__all__ = ["Dense", "Dropout", "Embedding", "Layer", "Network", "Optimizer", "Scale"]
