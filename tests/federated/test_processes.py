"""A hospital in a process of its own, by the managers of Python's multiprocessing."""

import multiprocessing
import os
import signal

import numpy as np
import pytest
from federated.hospital_process import Hospital
from federated.hospitals import QUICK, split, table

from fastmlp import federated


@pytest.fixture
def manager():
    started = Hospital(ctx=multiprocessing.get_context("spawn"))
    started.start()
    yield started
    started.shutdown()


def test_a_hospital_in_another_process_may_die(manager):
    X, y = table(200)
    first, second, *_ = split(X, y)
    here = federated.Regressor(**QUICK).fit([first, second])
    elsewhere = manager.site(*second, n_jobs=1)
    there = federated.Regressor(**QUICK).fit([first, elsewhere])
    np.testing.assert_array_equal(there.predict(X), here.predict(X))

    def kill(record):
        if record.epoch == 6:
            os.kill(manager._process.pid, signal.SIGKILL)

    with pytest.warns(UserWarning, match=r"site 1 \(rounds \d+-12\)"):
        without = federated.Regressor(**QUICK).fit([first, elsewhere], callbacks=kill)
    assert without.n_iter_ == 12
    np.testing.assert_array_equal(without.validation_curve_[:6], here.validation_curve_[:6])
    assert without.score(X, y) > 0.7
    with pytest.raises((OSError, EOFError)):
        federated.Regressor(**QUICK).fit([elsewhere])
