"""Mutated files load or raise ModelFileError, and never anything else."""

import time
from collections import Counter

import numpy as np
import pytest
from mutated_files import KINDS, Mutations, outcome, saved
from saved_models import MAKERS

SECONDS = 2  # of processor time for one file; few take a hundredth of it
FILES = 200  # of each kind; the program tries any number


@pytest.fixture(scope="module")
def mutations():
    return Mutations({name: saved(name) for name in MAKERS}, np.random.default_rng(21))


@pytest.mark.parametrize("kind", KINDS)
def test_each_loads_or_is_refused(mutations, kind):
    found, slowest = Counter(), 0.0
    for _ in range(FILES):
        name, data = mutations.one(kind)
        start = time.process_time()
        found[outcome(name, data)] += 1  # which raises nothing else
        slowest = max(slowest, time.process_time() - start)
    assert found["refused"] >= 0.4 * FILES
    assert slowest < SECONDS
