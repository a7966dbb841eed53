"""Models of the houses, and services of them."""

from importlib.util import find_spec

import pytest
from houses import houses

from fastmlp import Classifier, Regressor

are_there = find_spec("fastapi") and find_spec("uvicorn")
collect_ignore_glob = [] if are_there else ["test_*.py"]

TABLE = houses(80).drop(columns="sold")


def trained(target):
    """A model of the houses."""
    estimator = Regressor if target == "price" else Classifier
    model = estimator(preset="plain", hidden_layer_sizes=8, max_iter=3, random_state=0)
    known = TABLE[TABLE[target].notna()]
    return model.fit(known.drop(columns=[target, "id"]), known[target])


@pytest.fixture(scope="session")
def models():
    """Models of numbers, of two and of three classes."""
    return {target: trained(target) for target in ("price", "garden", "town")}


@pytest.fixture(scope="session")
def client_of(models, tmp_path_factory):
    """Start the service of a model once."""
    from service import Service

    from fastmlp.serving import create_app

    folder, running = tmp_path_factory.mktemp("models"), {}

    def client(target):
        if target not in running:
            path = folder / f"{target}.safetensors"
            models[target].save(path, notes={"targets": [target]})
            service = Service(create_app(path))
            running[target] = service, service.__enter__()
        return running[target][1]

    yield client
    for service, _ in running.values():
        service.__exit__()
