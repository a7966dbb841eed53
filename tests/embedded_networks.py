"""Embeddings of every kind, and small networks on top of them."""

import numpy as np

from fastmlp import Dense, Embedding, Network, Scale

CATEGORIES = ((4, 0), (12, 3), (1, 0), (2, 9))
EDGES = [[-1, -0.5, -0.5, 0.3, 1], [-2, 0, 0.1, 0.2, 2], [0, 0, 0, 0, 0]]  # some bins are empty


def width_of(layer):
    of_each = 1 + 3 * layer.periodic + 4 * bool(layer.bin_edges)
    codes = sum(width or size for size, width in layer.categories)
    assert layer.outputs == of_each * layer.n_numbers + layer.n_flags + codes
    return layer.outputs


def network_on(layer, activation="tanh", outputs=2, dtype="float64", dropout=()):
    width = width_of(layer)
    layers = [layer, Scale(width), Dense(width, 7, activation, True), *dropout]
    layers += [Scale(7), Dense(7, 6, activation, True), Dense(6, outputs)]
    network = Network(layers, dtype=dtype, random_state=0)
    rng = np.random.default_rng(1)
    for values in network.parameters:
        values[...] = rng.normal(scale=0.5, size=values.shape)
    return network


EMBEDDINGS = {
    "numbers": Embedding(3),
    "one number": Embedding(1),
    "without periodic": Embedding(3, periodic=False),
    "many numbers": Embedding(70, 2),
    "piecewise-linear": Embedding(3, periodic=False, bin_edges=EDGES),
    "both": Embedding(3, 1, bin_edges=EDGES),
    "one bin": Embedding(1, periodic=False, bin_edges=[[-0.5, 0.5]]),
    "many piecewise-linear": Embedding(
        70, periodic=False, bin_edges=[[-1, 0, k / 70] for k in range(70)]
    ),
    "flags": Embedding(2, 3),
    "flags only": Embedding(0, 3),
    "categories": Embedding(0, 0, categories=CATEGORIES),
    "everything": Embedding(3, 2, bin_edges=EDGES, categories=CATEGORIES),
    "all but periodic": Embedding(3, 2, periodic=False, categories=CATEGORIES),
}
