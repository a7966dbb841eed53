"""Mutated files load or raise ModelFileError, and never anything else."""

import time
from collections import Counter

import numpy as np
import pytest
from mutated_files import KINDS, Mutations, outcome, saved
from saved_models import MAKERS

FILES = 200  # of each kind; the program tries any number


@pytest.fixture(scope="module")
def mutations():
    return Mutations({name: saved(name) for name in MAKERS}, np.random.default_rng(21))


@pytest.mark.parametrize("kind", KINDS)
def test_each_loads_or_is_refused(mutations, kind):
    start = time.process_time()
    found = Counter(outcome(*mutations.one(kind)) for _ in range(FILES))  # which raises nothing
    assert found["refused"] >= 0.4 * FILES
    assert time.process_time() - start < 0.5 * FILES
