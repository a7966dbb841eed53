"""A network of two hidden layers with dropout, for rows of six numbers."""

from fastmlp import Dense, Dropout, Network


def small(dtype="float64", seed=0, rate=0.3) -> Network:
    layers = [Dense(6, 10, "silu"), Dropout(rate), Dense(10, 7, "tanh"), Dropout(rate)]
    return Network([*layers, Dense(7, 3)], dtype=dtype, random_state=seed)
