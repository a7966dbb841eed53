"""What a file says about itself, and what is noted beside the model."""

import io
import pickle
import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from tiny_models import tiny

import fastmlp
from fastmlp import ModelFileError
from fastmlp.model_file.container import packed, unpacked
from fastmlp.model_file.description import read_description
from fastmlp.model_file.notes import Notes
from fastmlp.neural_network import MLPRegressor


def saved(model, **how):
    file = io.BytesIO()
    model.save(file, **how)
    return file.getvalue()


@pytest.fixture(scope="module")
def model():
    X = np.arange(20.0).reshape(10, 2)
    return tiny().fit(X, X[:, 0])


def test_where_a_model_is_from(model):
    about = read_description(saved(model))
    assert (about.kind, about.rows, about.columns) == ("Regressor", 10, 2)
    assert about.version == fastmlp.__version__
    assert about.notes == {}


def test_the_digest_is_that_of_the_contents(model):
    one, again, other = (saved(model, notes=notes) for notes in ({"a": 1}, {"a": 1}, {"a": 2}))
    assert read_description(one).digest == read_description(again).digest
    assert read_description(one).digest != read_description(other).digest


def test_notes_are_kept_and_do_not_reach_the_model(model):
    notes = {"targets": ["y"], "more": {"numbers": [1, 2.5, None], "flag": True}}
    contents = saved(model, notes=notes)
    assert read_description(contents).notes == notes
    np.testing.assert_array_equal(
        fastmlp.load(contents).predict([[0.0, 1.0]]), model.predict([[0.0, 1.0]])
    )


@pytest.mark.parametrize("kind", ["Regressor", "MLPRegressor"])
def test_notes_stay_with_the_model_that_they_are_of(kind):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    of_kind = {"Regressor": tiny, "MLPRegressor": partial(MLPRegressor, max_iter=2)}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        loaded = fastmlp.load(saved(of_kind().fit(X, y), notes={"targets": ["y"]}))
        for same in (loaded, fastmlp.load(saved(loaded)), pickle.loads(pickle.dumps(loaded))):
            assert read_description(saved(same)).notes == {"targets": ["y"]}
        assert read_description(saved(loaded, notes={})).notes == {}
        with pytest.raises(ValueError, match="infinity"):
            loaded.fit(X + np.inf, y)
        assert read_description(saved(loaded)).notes == {"targets": ["y"]}
        loaded.partial_fit(X, y)
    assert read_description(saved(loaded)).notes == {}


def test_smaller_models_have_no_notes(model):
    loaded = fastmlp.load(saved(model, notes={"scores": {}}))
    fewer = loaded.with_fewer_networks([[0.0, 1.0]], n_networks=1)
    assert read_description(saved(fewer)).notes == {}


def test_what_json_cannot_hold_is_no_note(model, tmp_path):
    path = tmp_path / "m.safetensors"
    for notes, error in (({"a": object()}, TypeError), ({"a": float("nan")}, ValueError)):
        with pytest.raises(error):
            model.save(path, notes=notes)
        assert not path.exists()


def test_notes_of_the_command_line():
    notes = Notes(("a", "b"), ("a", "b"), {"a": {"R2": 0.5, "ROC AUC": float("nan")}})
    written = notes.written()
    assert written["scores"] == {"a": {"R2": 0.5}}


@pytest.mark.parametrize("notes", [{}, {"targets": 3, "outputs": [1], "scores": {"a": {"b": "c"}}}])
def test_other_notes_are_none_of_the_command_line(model, notes):
    file = saved(model, notes=notes)
    assert Notes.of(read_description(file), model._pipeline) == Notes()


def test_notes_that_are_no_object(model):
    document, arrays = unpacked(saved(model))
    del document["sha256"]
    with pytest.raises(ModelFileError, match="notes must be an object; got 3"):
        read_description(packed({**document, "notes": 3}, arrays))
