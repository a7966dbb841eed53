"""More networks by a warm start: those that are there stay as they are."""

import io

import numpy as np
import pytest
from sparse_tables import sparse_table
from tiny_models import FOLDS, TINY, both, outputs, recipe_kinds, target, tiny

import fastmlp
from fastmlp import Regressor
from fastmlp.table.rows import add_to_digest


def grown(model, X, y, n_estimators, **arguments):
    return model.set_params(n_estimators=n_estimators, warm_start=True).fit(X, y, **arguments)


def bits(model):
    """The parameters of each network as bytes."""
    return [b"".join(p.tobytes() for p in network.parameters) for network in model.networks_]


@both
def test_networks_are_added_and_the_others_stay(estimator, X, y):
    y = target(estimator, y)
    model = estimator(**FOLDS).fit(X, y)
    before, curves = bits(model), [history.loss_curve for history in model.histories_]
    records = []
    grown(model, X, y, 6, callbacks=records.append)
    after = bits(model)
    assert after[:4] == before
    assert [history.loss_curve for history in model.histories_[:4]] == curves
    assert len(set(after)) == 6
    assert {record.network for record in records} == {0, 1}  # of those trained in this call
    assert len(model.estimator_weights_) == 6
    assert model.estimator_weights_.sum() == pytest.approx(1)
    # Each row is predicted by networks that it was held out from, the new ones too.
    name = "oof_prediction_" if estimator is Regressor else "oof_proba_"
    assert not np.isnan(getattr(model, name)).any()


@both
def test_bits_depend_neither_on_threads_nor_on_a_file_between(estimator, X, y):
    y = target(estimator, y)
    models = [estimator(**FOLDS, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2)]
    file = io.BytesIO()
    models[0].save(file)
    models.append(fastmlp.load(file.getvalue()))
    predictions = [outputs(grown(model, X, y, 7), X) for model in models]
    for other in predictions[1:]:
        np.testing.assert_array_equal(predictions[0], other)


def test_the_rows_are_hashed_once(X, y, monkeypatch):
    """Of four million rows of 20 columns that takes more than a second."""
    model, hashed = Regressor(**FOLDS).fit(X, y), []

    def counted(digest, table):
        hashed.append(table.shape)
        add_to_digest(digest, table)

    monkeypatch.setattr("fastmlp.ensemble.splits.add_to_digest", counted)
    grown(model, X, y, 5)
    assert hashed == [X.shape, (len(y), 1)]


def test_a_model_grows_again(X, y):
    model = Regressor(**FOLDS).fit(X, y)
    at_once = bits(grown(Regressor(**FOLDS).fit(X, y), X, y, 8))
    by_and_by = bits(grown(grown(model, X, y, 6), X, y, 8))
    assert len(set(by_and_by)) == 8
    assert by_and_by[:4] == at_once[:4]
    grown(model, X, y, 8)  # as many: all are trained on
    assert [history.n_iter for history in model.histories_] == [12] * 8
    assert hasattr(model, "oof_prediction_")


def test_held_out_rows_are_those_of_a_fit_of_all(X, y):
    """The rows of a network depend on its number alone."""
    seen = []

    def metric(y_true, y_pred):
        seen.append(y_true.tobytes())
        return 0.0

    options = FOLDS | {"eval_metric": metric, "max_iter": 1, "n_jobs": 1}
    grown(Regressor(**options).fit(X, y), X, y, 10)
    step_by_step, seen[:] = list(seen), []
    Regressor(**options | {"n_estimators": 10}).fit(X, y)
    assert step_by_step == seen
    assert len(set(seen)) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, X, y: (X[:50], y[:50]), "Pass the same X and y"),
        (lambda m, X, y: (X[::-1], y[::-1]), "Pass the same X and y"),
        (lambda m, X, y: m.set_params(validation_fraction=0.4) and (X, y), "what is held out"),
        (lambda m, X, y: m.set_params(early_stopping=False) and (X, y), "what is held out"),
        (lambda m, X, y: m.partial_fit(X, y) and (X, y), "by partial_fit"),
        (
            lambda m, X, y: m.set_params(warm_start=True).fit(X[:50], y[:50]) and (X, y),
            "by a warm start on other rows",
        ),
    ],
    ids=["fewer rows", "another order", "other folds", "no folds", "partial_fit", "warm start"],
)
def test_other_rows_are_refused(change, message, X, y):
    model = Regressor(**FOLDS).fit(X, y)
    X, y = change(model, X, y)
    before = bits(model)
    with pytest.raises(ValueError, match=f"n_estimators was 4, and networks .*{message}"):
        grown(model, X, y, 5)
    assert bits(model) == before


def test_fewer_networks_are_refused(X, y):
    model = Regressor(**FOLDS).fit(X, y)
    with pytest.raises(ValueError, match=r"n_estimators was 4 .* with_fewer_networks\(X, n_netw"):
        grown(model, X, y, 3)
    assert len(model.networks_) == 4


def test_partial_fit_adds_none(X, y):
    model = Regressor(**FOLDS).fit(X, y).set_params(n_estimators=5)
    with pytest.raises(ValueError, match=r"n_estimators was 4 .* cannot become 5"):
        model.partial_fit(X, y)


def test_new_networks_cannot_differ_in_size(X, y):
    model = Regressor(**FOLDS).fit(X, y).set_params(hidden_layer_sizes=9)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes was .* cannot become"):
        grown(model, X, y, 5)


def test_networks_that_were_left_out_are_filled_up(X, y):
    fewer = Regressor(**FOLDS | {"n_estimators": 6}).fit(X, y).with_fewer_networks(X, n_networks=2)
    kept = {member.recipe.spec.index for member in fewer._model.members}
    before = bits(fewer)
    grown(fewer, X, y, 5)
    indices = [member.recipe.spec.index for member in fewer._model.members]
    assert set(indices[:2]) == kept
    assert indices[2:] == [index for index in range(6) if index not in kept][:3]
    assert bits(fewer)[:2] == before
    assert not np.isnan(fewer.oof_prediction_).all()


def test_from_a_single_network(X, y):
    model = tiny(preset="default", n_estimators=1).fit(X, y)
    with pytest.raises(
        ValueError, match="only to several networks, or to one that was fitted with warm_start"
    ):
        grown(model, X, y, 3)
    model = tiny(preset="default", n_estimators=1, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="pass X_val, or begin with n_estimators=2"):
        grown(model, X, y, 3)
    validation = {"X_val": X[:20], "y_val": y[:20]}
    for preset in ("default", "plain"):
        model = tiny(preset=preset, n_estimators=1, warm_start=True)
        model.fit(X[20:], y[20:], **validation)
        before = bits(model)
        grown(model, X[20:], y[20:], 3, **validation)
        assert bits(model)[:1] == before
        kinds = {member.recipe.spec.kind for member in model._model.members}
        assert kinds == {"balanced"}
        np.testing.assert_allclose(model.estimator_weights_, 1 / 3)


def test_without_held_out_rows(X, y):
    model = Regressor(**FOLDS | {"early_stopping": False}).fit(X, y)
    before = bits(model)
    grown(model, X, y, 6)
    assert bits(model)[:4] == before
    np.testing.assert_allclose(model.estimator_weights_, 1 / 6)


def test_sparse_tables(y):
    table = sparse_table(rows=len(y))
    model = Regressor(**FOLDS).fit(table, y)
    before = bits(model)
    grown(model, table, y, 5)
    assert bits(model)[:4] == before


def test_with_a_linear_part(X, y):
    model = Regressor(**FOLDS, extrapolation="linear").fit(X, y)
    before = bits(model)
    grown(model, X, y, 5)
    assert bits(model)[:4] == before
    assert not np.isnan(model.oof_prediction_).any()
    other = model.set_params(n_estimators=6)
    with pytest.raises(ValueError, match="networks can be added only on the rows"):
        other.fit(X, y, np.where(y > 0, 2.0, 1.0))  # another linear part has seen each row's target


# ---- the kinds of the new networks

ROUNDS = {key: TINY[key] for key in ("hidden_layer_sizes", "random_state")}
ROUNDS |= {"n_estimators": 2, "validation_fraction": 0.5}


@pytest.mark.parametrize("longer", [False, True])
def test_the_first_round_decides_whether_the_next_is_longer(longer, X, y, monkeypatch):
    least = -np.inf if longer else np.inf
    for module in ("more_epochs", "more_networks"):
        monkeypatch.setattr(f"fastmlp.ensemble.{module}.LEAST_GAIN", least)
    second = "long" if longer else "piecewise"
    model = Regressor(**ROUNDS).fit(X, y)
    assert recipe_kinds(grown(model, X, y, 4)) == ["periodic"] * 2 + [second] * 2
    for module in ("more_epochs", "more_networks"):  # what was decided stays
        monkeypatch.setattr(f"fastmlp.ensemble.{module}.LEAST_GAIN", -least)
    assert recipe_kinds(grown(model, X, y, 8))[4:] == ["periodic"] * 2 + [second] * 2
    assert not np.isnan(model.oof_prediction_).any()


def test_a_callback_that_raises_leaves_the_model(X, y):
    model = Regressor(**FOLDS).fit(X, y)
    before = bits(model)

    def fails(record):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        grown(model, X, y, 6, callbacks=fails)
    assert bits(model) == before
    assert hasattr(model, "oof_prediction_")
