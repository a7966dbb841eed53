"""Parameters in model files, and estimators that are not saved."""

import copy

import numpy as np
import pytest
from saved_models import NUMBER, X, saved
from sklearn.exceptions import NotFittedError

import fastmlp
from fastmlp import Classifier, Regressor
from fastmlp.neural_network import MLPRegressor


@pytest.mark.parametrize("kind", [Regressor, Classifier, MLPRegressor])
def test_before_fit(kind, tmp_path):
    with pytest.raises(NotFittedError):
        kind().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_subclasses_are_not_saved(tmp_path):
    class Mine(Regressor):
        pass

    mine = Mine(preset="plain", hidden_layer_sizes=2, max_iter=1).fit(X, NUMBER)
    with pytest.raises(TypeError, match=r"not other classes such as Mine. Use pickle"):
        mine.save(tmp_path / "model")


def stop(record):
    return True


def test_functions_are_left_out(tmp_path):
    mine = Regressor(
        preset="plain",
        hidden_layer_sizes=2,
        max_iter=1,
        callbacks=stop,
        eval_metric=lambda y, predicted: 0.0,
        alpha=0.5,
    ).fit(X, NUMBER)
    with pytest.warns(
        UserWarning, match=r"does not hold callbacks and eval_metric of .* hold func"
    ):
        mine.save(tmp_path / "model")
    loaded = fastmlp.load(tmp_path / "model")
    assert loaded.get_params() == mine.get_params() | {"callbacks": None, "eval_metric": None}


def test_parameters_of_every_kind(tmp_path):
    given = {
        "hidden_layer_sizes": np.array([3, 2]),
        "activation": ("relu", "tanh"),
        "alpha": np.float32(0.1),
        "n_iter_no_change": np.inf,
        "learning_rate_factors": [1, 2.0, 0.5],
        "numeric_embedding": None,
        "random_state": np.random.RandomState(3),
        "categorical_features": np.array([2]),
        "max_iter": 2,
    }
    columns = np.column_stack([X, np.arange(len(X)) % 3])[:, [0, 1, 3]]
    mine = Regressor(preset="plain", **given).fit(columns, NUMBER)
    mine.save(tmp_path / "model", include_optimizer=True)
    loaded = fastmlp.load(tmp_path / "model")
    own = loaded.get_params()
    assert own["hidden_layer_sizes"] == [3, 2]
    assert own["activation"] == ("relu", "tanh")
    assert own["alpha"] == np.float32(0.1)
    assert own["n_iter_no_change"] == np.inf
    assert own["numeric_embedding"] is None
    assert own["categorical_features"] == [2]
    np.testing.assert_array_equal(loaded.predict(columns), mine.predict(columns))
    for one in (mine, loaded):  # from the same random numbers
        one.fit(columns, NUMBER)
    np.testing.assert_array_equal(loaded.predict(columns), mine.predict(columns))


def test_generators_that_a_file_cannot_hold(model):
    other = copy.copy(model).set_params(random_state=np.random.RandomState(np.random.PCG64(3)))
    with pytest.warns(UserWarning, match=r"random_state: .* RandomState of PCG64, only of MT19937"):
        loaded = fastmlp.load(saved(other))
    assert loaded.random_state is None


def test_what_could_not_be_loaded_is_not_saved(model, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    other = copy.copy(model).set_params(solver="lion")
    with pytest.raises(ValueError, match=r"cannot hold this model: .*'solver'"):
        other.save(path)
    assert path.read_bytes() == b"old"
