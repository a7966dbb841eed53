"""What holds for all tests, and data that several folders share."""

import gc
import signal

import numpy as np
import pytest
from forked_scripts import ForkedScripts


def pytest_configure() -> None:
    """Let Ctrl-C raise, also where the shell that started pytest in the background ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection() -> None:
    """Nothing that is collected becomes garbage; to look for some takes a fifth of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """Leave doctests to the package: here they would skip a file that cannot be imported."""
    collectors = yield
    return [collector for collector in collectors if type(collector) is pytest.Module]


@pytest.fixture(scope="session")
def forked(tmp_path_factory):
    """Function that runs a script in a process of its own and returns what it printed."""
    scripts = ForkedScripts(tmp_path_factory.mktemp("scripts"))
    yield scripts
    scripts.close()


@pytest.fixture(scope="module")
def X():
    """60 rows of whole numbers, which every type of number holds exactly."""
    return np.random.default_rng(0).integers(0, 5, size=(60, 4)).astype(np.float64)


@pytest.fixture(scope="module")
def y(X):
    return X[:, 0] - 2 * X[:, 1] + np.random.default_rng(1).normal(size=60)


@pytest.fixture(scope="session")
def made():
    """Inputs, a noiseless target and noise: 1,000 rows to fit, and 1,000 to test."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3))
    made = X, 2 * X[:, 0] + np.sin(3 * X[:, 1]), rng.normal(size=2000)
    for values in made:
        values.flags.writeable = False
    return made


@pytest.fixture(scope="session")
def many_rows():
    """3,000 rows, and a target that depends on two of their columns."""
    X = np.random.default_rng(0).normal(size=(3000, 20))
    return X, np.sin(X[:, 0]) + X[:, 1]
