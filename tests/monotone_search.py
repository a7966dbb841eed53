"""Search for predictions that fall where a column rises."""

import warnings

import numpy as np

from fastmlp import ExtrapolationWarning


def pairs(n, seed=0):
    """Numbers that rise from the first to the second: far, close, and neighbouring floats."""
    random = np.random.default_rng(seed)
    first = random.normal(size=n) * random.choice([0.01, 1, 3], n)
    second = first + random.exponential(size=n) * random.choice([1e-6, 1e-3, 1], n)
    near = slice(None, None, 3)
    first[near] = first[near].astype(np.float32)
    second[near] = np.nextafter(first[near].astype(np.float32), np.float32(np.inf))
    return first, second


def changes(predict, rows, column, n=3000):
    """What predictions gain in pairs of rows that differ in one column, by its name or position."""
    first, second = pairs(n)
    several = np.arange(n) % len(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        low, high = (predict(_with(rows, several, column, own)) for own in (first, second))
    return np.asarray(high, dtype=float) - np.asarray(low, dtype=float)


def _with(rows, several, column, values):
    if isinstance(rows, np.ndarray):
        table = rows[several].copy()
        table[:, column] = values
        return table
    return rows.iloc[several].assign(**{column: values})
