"""A loss that is a pair of functions, called once for each minibatch."""

import io
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from squared_by_hand import derivative, squared
from tiny_models import assert_same_weights, tiny
from uniform_table import UNSEEN, X

import fastmlp
from fastmlp import Regressor, federated

ROWS = 80
TABLE = X[:ROWS]
Y = 100 + 5 * TABLE[:, 0]
TWO = np.column_stack([Y, TABLE[:, 1]])
WEIGHTS = np.random.default_rng(0).uniform(0.5, 2, size=ROWS)
OWN = (squared, derivative)
# An engine that divides by the variance of the target learns as one that does not, but for epsilon.
EXACT = {"dtype": "float64", "epsilon": 1e-16, "batch_size": 16}


@pytest.mark.parametrize("y", [Y, Y[:, None] * [1, -1]], ids=["one output", "two outputs"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("more", [{}, {"dropout": 0.3}, {"preset": "fast", "n_estimators": 2}])
def test_squared_error_by_hand_is_the_built_in_one(y, weights, more):
    by_hand, built_in = (
        tiny(**EXACT | {"loss": loss} | more).fit(TABLE, y, sample_weight=weights)
        for loss in (OWN, "squared_error")
    )
    # Predictions of the built-in loss are clipped to the range of the targets.
    inside = np.clip(by_hand.predict(UNSEEN), y.min(axis=0), y.max(axis=0))
    np.testing.assert_allclose(inside, built_in.predict(UNSEEN), rtol=1e-6)


def test_minibatches_whose_rows_all_weigh_nothing_are_not_asked_about():
    weights = np.repeat([0.0, 1.0], [ROWS - 4, 4])
    by_hand, built_in = (
        tiny(**EXACT | {"loss": loss, "batch_size": 4}).fit(TABLE, Y, sample_weight=weights)
        for loss in (OWN, "squared_error")
    )
    np.testing.assert_allclose(by_hand.predict(TABLE), built_in.predict(TABLE), rtol=1e-6)


def test_layers_too_wide_for_leaves():
    options = EXACT | {"hidden_layer_sizes": (400, 400), "max_iter": 2, "batch_size": 50}
    by_hand, built_in = (
        tiny(**options, loss=loss).fit(TABLE, Y) for loss in (OWN, "squared_error")
    )
    np.testing.assert_allclose(by_hand.predict(TABLE), built_in.predict(TABLE), rtol=1e-6)


def test_any_number_of_threads_gives_the_same_bits():
    options = {"loss": OWN, "hidden_layer_sizes": (64, 64), "batch_size": 64, "dropout": 0.1}
    one, other = (tiny(**options, n_jobs=n).fit(TABLE, Y) for n in (1, 2))
    assert_same_weights(one, other)


def test_what_the_functions_get():
    seen = []

    def value(y_true, y_pred, sample_weight):
        seen.append((y_true, y_pred, sample_weight))
        return squared(y_true, y_pred, sample_weight)

    tiny(loss=(value, derivative), batch_size=30, max_iter=1).fit(TABLE, np.round(Y))
    assert all(one.dtype == np.float64 and one.ndim == 1 for call in seen for one in call)
    sizes = [len(y_true) for y_true, _, _ in seen]
    assert sizes == [30, 30, 12, 8]  # minibatches, and the validation rows
    y_true, y_pred, sample_weight = seen[0]
    np.testing.assert_array_equal(y_true, np.round(y_true))  # not scaled there and back
    assert np.abs(y_pred - 100).max() < 50  # in the unit of the target
    np.testing.assert_array_equal(sample_weight, 1)

    seen.clear()
    tiny(loss=(value, derivative), max_iter=1, early_stopping=False).fit(TABLE, TWO, WEIGHTS)
    assert {one.shape for one in seen[0]} == {(64, 2), (64,)}
    assert set(seen[0][2]) <= set(WEIGHTS.astype(np.float32))


def test_validation_loss_and_curves_are_the_functions():
    def value(y_true, y_pred, sample_weight):
        return 7.0 if len(y_true) == 8 else 3.0

    model = tiny(loss=(value, derivative), batch_size=72).fit(TABLE, Y)
    assert set(model.validation_curve_) == {7.0}
    assert set(model.loss_curve_) == {3.0}


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ((lambda y, p, w: y, derivative), "first function of loss must return a number"),
        ((lambda y, p, w: "a", derivative), "first function of loss must return a number"),
        ((squared, lambda y, p, w: 1.0), "second function of loss must return the derivative"),
        ((squared, lambda y, p, w: p[1:]), "second function of loss must return the derivative"),
    ],
)
def test_what_functions_must_return(functions, message):
    with pytest.raises(ValueError, match=message):
        tiny(loss=functions).fit(TABLE, Y)


def test_an_exception_of_a_function_leaves_the_model():
    model = tiny(loss=OWN).fit(TABLE, Y)
    before = model.predict(TABLE)

    def value(y_true, y_pred, sample_weight):
        raise ZeroDivisionError("of the user's")

    model.set_params(loss=(value, derivative))
    for train in (model.fit, model.partial_fit):
        with pytest.raises(ZeroDivisionError, match="of the user's"):
            train(TABLE, Y)
        np.testing.assert_array_equal(model.predict(TABLE), before)


@pytest.mark.parametrize("loss", [(squared,), (squared, "a"), [], (1, 2)])
def test_what_is_no_pair_of_functions(loss):
    with pytest.raises(TypeError, match="loss must be the name of a loss, or a pair of functions"):
        tiny(loss=loss).fit(TABLE, Y)


def test_copies_and_pickles(tmp_path):
    model = tiny(loss=OWN).fit(TABLE, Y)
    assert clone(model).loss == OWN
    kept = pickle.loads(pickle.dumps(model))
    for one in (model, kept):
        one.partial_fit(TABLE, Y)
    np.testing.assert_array_equal(kept.predict(UNSEEN), model.predict(UNSEEN))

    lost = tiny(loss=(squared, lambda y, p, w: 2 * (p - y) / len(y))).fit(TABLE, Y)
    with pytest.warns(UserWarning, match="without its loss"):
        kept = pickle.loads(pickle.dumps(lost))
    np.testing.assert_array_equal(kept.predict(UNSEEN), lost.predict(UNSEEN))
    assert kept.loss is None


def test_model_files_hold_no_functions():
    model, file = tiny(loss=OWN).fit(TABLE, Y), io.BytesIO()
    with pytest.warns(UserWarning, match="does not hold loss"):
        model.save(file, include_optimizer=True)
    file.seek(0)
    kept = fastmlp.load(file)
    np.testing.assert_array_equal(kept.predict(UNSEEN), model.predict(UNSEEN))
    with pytest.raises(ValueError, match=r"set_params\(loss=...\) after loading"):
        kept.partial_fit(TABLE, Y)
    kept.set_params(loss=OWN).partial_fit(TABLE, Y)
    np.testing.assert_array_equal(kept.predict(UNSEEN), model.partial_fit(TABLE, Y).predict(UNSEEN))


def test_where_functions_cannot_go():
    with pytest.raises(ValueError, match="extrapolation='linear' needs one of the named losses"):
        tiny(loss=OWN, extrapolation="linear").fit(TABLE, Y)
    with pytest.raises(ValueError, match="y must not hold NaN if loss is a pair of functions"):
        tiny(loss=OWN).fit(TABLE, np.where(TWO > 104, np.nan, TWO))
    with pytest.raises(ValueError, match="loss must be a name in federated training"):
        federated.Regressor(loss=OWN).fit([(TABLE, Y)])


def test_a_checkpoint_goes_on_with_functions(tmp_path):
    whole = tiny(loss=OWN).fit(TABLE, Y)

    def stop(record):
        raise RuntimeError("killed")

    path = tmp_path / "fit"
    with pytest.raises(RuntimeError, match="killed"):
        tiny(loss=OWN).fit(TABLE, Y, callbacks=stop, checkpoint=path)
    resumed = tiny(loss=OWN).fit(TABLE, Y, checkpoint=path)
    np.testing.assert_array_equal(resumed.predict(UNSEEN), whole.predict(UNSEEN))


def test_predictions_may_leave_the_range_of_the_targets():
    def linear_in_logarithms(y_true, y_pred, sample_weight):
        return np.average(np.exp(y_pred) - y_true * y_pred, weights=sample_weight)

    def gradient(y_true, y_pred, sample_weight):
        return (np.exp(y_pred) - y_true) * sample_weight / sample_weight.sum()

    y = np.random.default_rng(0).poisson(0.3, size=ROWS)
    model = Regressor(
        loss=(linear_in_logarithms, gradient), standardize=False, preset="fast", n_estimators=1
    )
    model.set_params(random_state=0)
    assert model.fit(TABLE, y).predict(TABLE).mean() < 0  # logarithms of less than 1
