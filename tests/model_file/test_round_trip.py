"""A loaded model is the saved one: its predictions, parameters and curves, and how it goes on."""

import io
import pickle
from enum import Enum

import numpy as np
import pytest
from saved_models import MAKERS, outputs, saved, saved_model

import fastmlp
from fastmlp.model_file.pipeline import load_pipeline

WARM_STARTED = ("MLP", "MLP lbfgs", "ensemble", "classes", "labels", "sparse")  # not by partial_fit
every_model = pytest.mark.parametrize("name", MAKERS)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def assert_equal(one, other):
    """Equal values of the same types, in lists, tuples and dicts too."""
    assert {type(one), type(other)} in ({type(one)}, {float, np.float64})
    if isinstance(one, list | tuple):
        assert len(one) == len(other)
        for own, others in zip(one, other, strict=True):
            assert_equal(own, others)
    elif isinstance(one, dict):
        assert_equal(list(one.items()), list(other.items()))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif hasattr(one, "__dataclass_fields__"):
        assert_equal(vars(one), vars(other))
    elif not hasattr(one, "get_state"):
        assert one == other


ATTRIBUTES = (
    "classes_", "coefs_", "intercepts_", "n_iter_", "t_", "loss_", "best_loss_", "loss_curve_",
    "validation_curve_", "learning_rate_curve_", "validation_scores_", "best_validation_score_",
    "stop_reason_", "fit_seconds_", "n_features_in_", "feature_names_in_", "n_layers_",
    "n_outputs_", "out_activation_", "oof_prediction_", "oof_proba_", "estimator_weights_",
    "evals_result_", "histories_",
)  # fmt: skip


@every_model
def test_loaded_model_is_the_saved_one(name):
    model, rows, _ = saved_model(name)
    loaded = fastmlp.load(saved(model))
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(outputs(loaded, rows), outputs(model, rows))
    np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows))
    assert loaded.predict(rows).dtype == model.predict(rows).dtype
    assert_equal(loaded.get_params(), {k: plain(v) for k, v in model.get_params().items()})
    for attribute in ATTRIBUTES:
        assert hasattr(loaded, attribute) == hasattr(model, attribute), attribute
        if hasattr(model, attribute):
            assert_equal(plain(getattr(loaded, attribute)), plain(getattr(model, attribute)))
    if hasattr(model, "summary"):
        assert loaded.summary() == model.summary()
    assert saved(loaded)[8:] == saved(model)[8:] or name.startswith("MLP")  # time of saving


def plain(value):
    """Scalars of NumPy as Python's."""
    return value.item() if isinstance(value, np.generic) else value


@every_model
def test_goes_on_to_the_same_bits(name):
    model, rows, y = saved_model(name)
    model = pickle.loads(pickle.dumps(model))
    loaded = fastmlp.load(saved(model, include_optimizer=True))
    for one in (model, loaded):
        one.set_params(warm_start=True)
        if name in WARM_STARTED:
            one.fit(rows, y)
        else:
            one.partial_fit(rows, y)
    np.testing.assert_array_equal(outputs(loaded, rows), outputs(model, rows))


@pytest.mark.parametrize("name", ["numbers", "ensemble", "classes", "MLP sgd", "MLP classes"])
def test_without_the_optimizer_training_begins_anew(name):
    model, rows, y = saved_model(name)
    loaded = fastmlp.load(saved(model))
    kept = fastmlp.load(saved(model, include_optimizer=True))
    for one in (loaded, kept):
        if name == "classes":  # whose weights are balanced
            one.set_params(class_weight=None)
        one.partial_fit(rows, y)
    assert not np.array_equal(outputs(loaded, rows), outputs(kept, rows))


class Colour(Enum):
    RED, BLUE = 1, 2


def test_pickles_hold_labels_that_a_file_cannot_hold():
    _, rows, y = saved_model("columns")
    frame = rows[["number"]].assign(
        colour=[[Colour.RED, Colour.BLUE, None][i % 3] for i in range(40)]
    )
    model = fastmlp.Regressor(preset="plain", hidden_layer_sizes=2, max_iter=1).fit(frame, y)
    with pytest.raises(TypeError, match=r"cannot hold Colour.* category of column 'colour'"):
        saved(model)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(frame), model.predict(frame))


@pytest.mark.parametrize("name", MAKERS)
def test_pipeline_of_a_file(name):
    """A predictor needs no more than that; it is the pipeline of the model."""
    model, rows, _ = saved_model(name)
    file = io.BytesIO()
    model.save(file)
    found, expected = load_pipeline(file.getvalue()), model._pipeline
    assert type(found.encoder) is type(expected.encoder)
    encoded = [pipeline.encoder.encode(rows) for pipeline in (found, expected)]
    encoded = [getattr(table, "toarray", lambda table=table: table)() for table in encoded]
    np.testing.assert_array_equal(*encoded)
    np.testing.assert_array_equal(found.weights, expected.weights)
    assert found.link == expected.link
    for own, others in zip(found.networks, expected.networks, strict=True):
        assert own.layers == others.layers
        for array, other in zip(own.parameters, others.parameters, strict=True):
            assert array.dtype == other.dtype
            np.testing.assert_array_equal(array, other)
    for part in ("scaling", "decoder", "training_range", "linear"):
        own, others = getattr(found, part), getattr(expected, part)
        assert type(own) is type(others)
        for field in vars(others) if others is not None else ():
            if not hasattr(getattr(own, field), "shift"):
                assert_equal(getattr(own, field), getattr(others, field))
