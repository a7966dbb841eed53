"""fit(..., dp=...): what it promises, what it learns of the rows, what it refuses."""

import pickle
from math import inf

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

import fastmlp
from fastmlp import Classifier, Privacy, Regressor, privacy
from fastmlp.ensemble.private_training import PrivateRun

pytest.importorskip("dp_accounting")

N_ROWS = 200
SCHEMA_ROWS = pd.DataFrame(
    {"age": [0.0, 50.0, 100.0], "dose": [0.0, 1.0, None], "ward": ["a", "b", "c"]}
)
QUICK = {"max_iter": 2, "random_state": 0}
SCHEMA_MARKS = pd.Series([0.0, 5.0, 10.0], name="mark")


def patients(seed=0, n_rows=N_ROWS):
    rng = np.random.default_rng(seed)
    ages = rng.uniform(20, 90, n_rows)
    frame = pd.DataFrame(
        {"age": ages, "dose": rng.uniform(0, 1, n_rows), "ward": rng.choice(["a", "b"], n_rows)}
    )
    return frame, ages / 10 + rng.normal(size=n_rows)


def asked(epsilon=2.0, schema=(SCHEMA_ROWS, SCHEMA_MARKS), **options):
    return Privacy(epsilon, 1e-5, schema=schema, **{"noise_random_state": 1} | options)


def ill(y):
    return np.where(y > 6, "ill", "well")


@pytest.fixture(scope="module")
def regressor():
    return Regressor(**QUICK).fit(*patients(), dp=asked())


@pytest.fixture(scope="module")
def classifier():
    X, y = patients()
    schema = (SCHEMA_ROWS, ["ill", "well", "well"])
    return Classifier(**QUICK).fit(X, ill(y), dp=asked(schema=schema))


def test_the_model_says_what_it_promises(regressor):
    assert regressor.output_names_ == ["mark"]
    promised = regressor.privacy_
    assert 1.9 < promised.epsilon <= 2.0
    assert (promised.delta, promised.max_grad_norm) == (1e-5, 1.0)
    assert (promised.sampling_rate, promised.n_steps) == (0.1, 2 * 10)
    again = privacy.epsilon(
        promised.noise_multiplier,
        delta=promised.delta,
        n_steps=promised.n_steps,
        sampling_rate=promised.sampling_rate,
    )
    assert promised.epsilon == again
    assert "Differentially private: epsilon 2, delta 1e-05" in regressor.summary()
    assert "seconds" not in regressor.summary()


def test_a_second_library_agrees(regressor):
    prv = pytest.importorskip("prv_accountant")
    promised = regressor.privacy_
    step = prv.PoissonSubsampledGaussianMechanism(
        noise_multiplier=promised.noise_multiplier, sampling_probability=promised.sampling_rate
    )
    accountant = prv.PRVAccountant(
        prvs=[step],
        max_self_compositions=[promised.n_steps],
        eps_error=0.01,
        delta_error=1e-8,
    )
    low, _, high = accountant.compute_epsilon(promised.delta, [promised.n_steps])
    assert low <= promised.epsilon <= high


@pytest.fixture
def asked_accountant(monkeypatch):
    """Steps that the accountant, which takes seconds, was asked for instead."""
    steps = []

    def answer(*_, n_steps, **__):
        steps.append(n_steps)
        return 3.0

    monkeypatch.setattr(privacy, "noise_multiplier", answer)
    monkeypatch.setattr(privacy, "epsilon", answer)
    return steps


def test_all_networks_share_the_budget(asked_accountant):
    model = Regressor(**QUICK, n_estimators=2).fit(*patients(), dp=asked())
    assert asked_accountant == [40, 40]
    assert model.privacy_.n_steps == 40
    first, second = (network.parameters[0] for network in model.networks_)
    assert not np.allclose(first, second)


def test_a_callback_that_stops_is_told_no_loss_and_saves_no_epsilon(regressor):
    told = []

    def stops(record):
        told.append(record)
        return True

    model = Regressor(**QUICK).fit(*patients(), dp=asked(), callbacks=stops)
    assert [record.epoch for record in told] == [1]
    assert np.isnan(told[0].loss)
    assert model.n_iter_ == 1
    assert model.privacy_ == regressor.privacy_


def learnt(model):
    """All of a fitted model but the parameters of its networks."""
    fitted = model._model
    histories = [
        (h.n_iter, h.loss_curve, h.validation_curve, h.best_loss, h.stop_reason, h.seconds)
        for h in fitted.histories
    ]
    task = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(fitted.task).items()
    }
    watched = fitted.watch.training_range
    return (
        fitted.encoder.columns,
        fitted.scaling.shift.tolist(),
        fitted.scaling.scale.tolist(),
        task,
        (watched.low.tolist(), watched.high.tolist(), watched.n_rows),
        [(member.recipe, member.samples_seen) for member in fitted.members],
        histories,
        (fitted.out_of_fold, fitted.fingerprint, fitted.assignment, fitted.feature_importances),
        (fitted.conformal, fitted.fit_seconds),
        fitted.privacy,
        fitted.ensemble.weights.tolist(),
    )


def test_nothing_but_weights_depends_on_the_rows(regressor, classifier):
    X, y = patients(seed=5)
    X["age"] *= 100
    X["ward"] = "of one patient only"
    others = clone(regressor).fit(X, 1e6 * y, dp=asked())
    assert learnt(others) == learnt(regressor)
    schema = (SCHEMA_ROWS, ["ill", "well", "well"])
    others = clone(classifier).fit(X, np.full(N_ROWS, "well"), dp=asked(schema=schema))
    assert learnt(others) == learnt(classifier)


def test_no_loss_is_told(regressor, capsys):
    assert regressor.loss_curve_ == []
    assert regressor.validation_curve_ is None
    assert regressor.loss_ == regressor.best_loss_ == inf
    clone(regressor).set_params(verbose=2).fit(*patients(), dp=asked())
    assert capsys.readouterr().out == "Epoch [1/2]\nEpoch [2/2]\n"


def test_initial_weights_do_not_depend_on_the_rows():
    models = [
        Regressor(**QUICK, solver="sgd", momentum=0.0).fit(
            *patients(seed), dp=asked(max_grad_norm=1e-9)
        )
        for seed in (0, 1)
    ]
    one, other = (model.coefs_[0] for model in models)
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_numbers_need_no_schema():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 3))
    X[7, 1] = np.nan
    y = (X[:, 0] + X[:, 2] > 0).astype(int)
    model = Classifier(**QUICK).fit(X, y, dp=(2.0, 1e-5))
    assert model.score(X, y) > 0.9
    assert model.privacy_.epsilon <= 2
    target = 0.5 * X[:, 0]
    regressor = Regressor(**QUICK).fit(X, target, dp=(2.0, 1e-5))
    assert regressor.score(X, np.nan_to_num(target)) > 0.5


@pytest.mark.parametrize("loss", ["poisson", "quantile", "huber", "absolute_error"])
def test_other_losses(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = rng.poisson(np.exp(X[:, 0]))
    model = Regressor(loss=loss, **QUICK).fit(X, y, dp=Privacy(2, 1e-5, noise_random_state=0))
    assert np.isfinite(model.predict(X)).all()


def test_three_classes_and_several_labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 2))
    classes = np.digitize(X[:, 0], [-0.5, 0.5])
    schema = (np.array([[-3.0, -3.0], [0.0, 0.0], [3.0, 3.0]]), [0, 1, 2])
    model = Classifier(**QUICK).fit(X, classes, dp=asked(schema=schema))
    assert model.predict_proba(X).shape == (2000, 3)
    assert model.score(X, classes) > 0.7
    labels = (X > 0).astype(int)
    model = Classifier(**QUICK).fit(X, labels, dp=Privacy(2, 1e-5, noise_random_state=0))
    assert model.predict(X).shape == (2000, 2)


def test_the_explicit_embeddings_train_too():
    options = {"numeric_embedding": "both", "hidden_layer_sizes": (8, 8)}
    model = Regressor(**QUICK, **options).fit(*patients(), dp=asked())
    assert np.isfinite(model.predict(patients()[0])).all()


@pytest.mark.parametrize("seed", [None, 0])
def test_no_two_networks_have_the_same_noise(asked_accountant, monkeypatch, seed):
    keys = []
    run = PrivateRun.run

    def recorded(self, *arguments):
        keys.append(self.key)
        return run(self, *arguments)

    monkeypatch.setattr(PrivateRun, "run", recorded)
    Regressor(n_estimators=3, **QUICK).fit(*patients(), dp=asked(noise_random_state=seed))
    assert len(set(keys)) == 3
    assert all(len(key) == 32 for key in keys)


def test_noise_is_new_in_every_fit_and_any_number_of_threads_gives_the_same_bits(regressor):
    X, y = patients()
    same = clone(regressor).set_params(n_jobs=2).fit(X, y, dp=asked())
    np.testing.assert_array_equal(same.predict(X), regressor.predict(X))
    one, other = (
        clone(regressor).fit(X, y, dp=asked(noise_random_state=None)).predict(X) for _ in range(2)
    )
    assert not np.allclose(one, other)


def test_weights_of_rows_and_classes(classifier):
    X, y = patients()
    schema = (SCHEMA_ROWS, ["ill", "well", "well"])
    weighted = clone(classifier).set_params(class_weight={"ill": 5.0})
    weighted.fit(X, ill(y), np.ones(N_ROWS), dp=asked(schema=schema))
    assert not np.array_equal(weighted.predict_proba(X), classifier.predict_proba(X))


def test_files_and_pickles_keep_the_promise(regressor, classifier, tmp_path):
    for number, model in enumerate((regressor, classifier)):
        model.save(tmp_path / f"{number}.fastmlp")
        for copied in (
            fastmlp.load(tmp_path / f"{number}.fastmlp"),
            pickle.loads(pickle.dumps(model)),
        ):
            assert copied.privacy_ == model.privacy_
            assert learnt(copied) == learnt(model)


def test_training_that_goes_on_without_privacy_promises_nothing(regressor):
    X, y = patients()
    continued = pickle.loads(pickle.dumps(regressor)).set_params(n_estimators=1)
    assert continued.partial_fit(X, y).privacy_ is None
    calibrated = pickle.loads(pickle.dumps(regressor))
    assert calibrated.conformalize(X, y).privacy_ is None  # it holds a residual of each row
    assert Regressor(preset="fast", **QUICK).fit(X, y).privacy_ is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"warm_start": True}, "warm_start must be False with dp; got True"),
        ({"time_limit": 5.0}, "time_limit must be None with dp"),
        ({"extrapolation": "linear"}, "extrapolation must be 'clip' with dp"),
        ({"max_grad_norm": 1.0}, r"max_grad_norm must be None with dp; got 1.0; Privacy\(max_grad"),
        ({"eval_metric": "r2"}, "eval_metric is not supported with dp: it needs validation rows"),
        (
            {"compute_importances": True},
            "compute_importances is not supported with dp: it needs validation rows",
        ),
        ({"learning_rate": "adaptive"}, "learning_rate must not be 'adaptive' with dp"),
        ({"loss": (max, min)}, "loss must be a name with dp"),
        ({"mixup": 0.2}, "mixup must be 0.0 with dp; got 0.2"),
        ({"swap_noise": 0.1}, "swap_noise must be 0.0 with dp; got 0.1"),
        ({"input_noise": 0.1}, "input_noise must be 0.0 with dp; got 0.1"),
        ({"dropout": 0.2}, "dropout must be 0 with dp; got 0.2"),
        ({"dropout": (0.0, 0.1)}, r"dropout must be 0 with dp; got \(0.0, 0.1\)"),
    ],
)
def test_what_would_look_at_the_rows_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Regressor(**options).fit(*patients(), dp=asked())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_weight": "balanced"}, "class_weight must not be 'balanced' with dp"),
        ({"calibrate": True}, "calibrate=True is not supported with dp: it needs validation"),
    ],
)
def test_what_classifiers_would_learn_of_the_rows_is_refused(options, message):
    X, y = patients()
    with pytest.raises(ValueError, match=message):
        Classifier(**options).fit(X, ill(y), dp=asked(schema=(SCHEMA_ROWS, ["ill"] * 3)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"X_val": 1, "y_val": 1}, ValueError, "X_val must be None with dp"),
        ({"sample_weight_val": 1}, ValueError, "sample_weight_val must be None with dp"),
        ({"groups": 1}, ValueError, "groups must be None with dp"),
        ({"checkpoint": "x"}, ValueError, "checkpoint must be None with dp"),
        ({"dp": 1.0}, TypeError, r"dp must be \(epsilon, delta\) or a fastmlp.Privacy; got 1.0"),
        ({"dp": (0, 1e-5)}, ValueError, "epsilon of dp must be a positive number; got 0"),
        ({"dp": (1, 1)}, ValueError, r"delta of dp must be in \(0, 1\); got 1"),
        ({"dp": (1, 1e-5)}, ValueError, "schema of fastmlp.Privacy"),  # X has text
    ],
)
def test_arguments_are_checked_and_a_failed_call_changes_nothing(
    regressor, arguments, error, message
):
    model = clone(regressor).fit(*patients(), dp=asked())
    before = model._model
    with pytest.raises(error, match=message):
        model.fit(*patients(), **{"dp": asked()} | arguments)
    assert model._model is before


@pytest.mark.parametrize("X", [csr_array(np.eye(20)), "rows.parquet"])
def test_streams_and_sparse_rows_are_refused(X):
    with pytest.raises(TypeError, match="dp needs a dense table in memory"):
        Regressor().fit(X, np.arange(20.0), dp=(1.0, 1e-5))


def test_without_a_schema_classes_are_0_and_1():
    X, y = patients()
    with pytest.raises(ValueError, match="y must hold the classes 0 and 1 with dp"):
        Classifier().fit(X[["age"]], ill(y), dp=(1.0, 1e-5))
    with pytest.raises(ValueError, match="categorical_features must be 'from_dtype' with dp"):
        Regressor(categorical_features=[0]).fit(X[["age"]], y, dp=(1.0, 1e-5))


def test_a_large_delta_is_warned_of(asked_accountant):
    with pytest.warns(UserWarning, match="delta=0.01 for 200 rows"):
        Regressor(**QUICK).fit(
            *patients(), dp=Privacy(2.0, 0.01, schema=(SCHEMA_ROWS, [0.0, 5.0, 10.0]))
        )


def attack(model, members, others):
    """How often a member has less loss than another row: 0.5 is chance, 1 tells them all apart."""
    trusted, other = (
        np.take_along_axis(model.predict_proba(X), y[:, None], axis=1).ravel()
        for X, y in (members, others)
    )  # of the true class: the greater, the less the loss
    less, same = trusted[:, None] > other, trusted[:, None] == other
    return float(np.mean(less + 0.5 * same))


def test_noise_keeps_members_from_being_told_by_their_losses(monkeypatch):
    # Labels are coin flips: what is learnt of them is memory of single rows.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 20)), rng.integers(0, 2, 400)
    members, others = (X[:200], y[:200]), (X[200:], y[200:])
    noise = 8.0
    found = {}
    for multiplier, norm in ((0.0, 1e3), (noise, 1.0)):
        monkeypatch.setattr(privacy, "noise_multiplier", lambda *_, n=multiplier, **__: n)
        dp = Privacy(1.0, 1e-5, max_grad_norm=norm, noise_random_state=0)
        model = Classifier(random_state=0).fit(*members, dp=dp)
        found[multiplier] = attack(model, members, others)
    assert 0.8 < model.privacy_.epsilon <= 1.0
    assert found[0.0] > 0.75
    assert abs(found[noise] - 0.5) < 0.07
