"""The command, tables for it, and models that it trained."""

import json
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import pytest
from houses import FAST, houses

from fastmlp.cli import main

collect_ignore_glob = [] if find_spec("click") else ["test_*.py"]


@dataclass
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(capfdbinary):
    """Run the command in this process; returns its exit status, stdout and stderr."""

    def call(*arguments):
        capfdbinary.readouterr()  # what fixtures wrote
        status = main([*map(str, arguments)])
        out, err = capfdbinary.readouterr()
        return Result(status, out.decode(), err.decode())

    return call


@pytest.fixture(scope="session", autouse=True)
def _small_networks():
    """Every step of a training is run; what is learnt does not matter."""
    from fastmlp.cli.training import from_table

    small = {"hidden_layer_sizes": 8, "max_iter": 3}
    with pytest.MonkeyPatch.context() as patch:
        for task, estimator in from_table.ESTIMATORS.items():
            patch.setitem(from_table.ESTIMATORS, task, partial(estimator, **small))
        yield


@pytest.fixture(scope="session")
def table():
    return houses()


@pytest.fixture(scope="session")
def csv(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("tables") / "houses.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory, csv):
    """Train a model on the houses once; returns the model file."""
    folder = tmp_path_factory.mktemp("models")

    def train(target, *more, name="model.safetensors"):
        path = folder / "_".join([target, *map(str, more)]).replace("/", "") / name
        if not path.exists():
            path.parent.mkdir()
            arguments = ("train", csv, "--target", target, "--drop", "id", "-o", path)
            assert main([*map(str, (*arguments, *FAST, *more))]) == 0
        return path

    return train
