"""Ctrl-C, callbacks that stop or fail, and other threads and processes beside a fit."""

import copy
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastmlp import Classifier, Dense, Network, Regressor, _training

FOREVER = 10**9


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 20))
    return X, np.sin(X[:, 0]) + X[:, 1]


SEVERAL = {"preset": "default", "n_estimators": 3, "hidden_layer_sizes": (16,)}
ALONE_OR_SEVERAL = pytest.mark.parametrize(
    "options",
    [{}, SEVERAL | {"n_jobs": 1}, SEVERAL | {"n_jobs": 2}],
    ids=["one", "several in turn", "several at a time"],
)


def endless(**options) -> Regressor:
    defaults = {
        "preset": "plain",
        "hidden_layer_sizes": (64, 64),
        "max_iter": FOREVER,
        "n_iter_no_change": np.inf,
        "learning_rate": "constant",
        "learning_rate_init": 1e-4,
        "random_state": 0,
    }
    return Regressor(**defaults | options)


def run(script: str, **variables) -> str:
    """Run a script in a process of its own; a hang is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- Ctrl-C

CTRL_C = """
import os, pickle, signal, threading, warnings
import numpy as np
from fastmlp import Classifier, Regressor

rng = np.random.default_rng(0)
X = rng.normal(size=({rows}, 20))
y = np.sin(X[:, 0]) + X[:, 1]
started = threading.Event()

def press():
    started.wait()
    {press}

helper = threading.Thread(target=press, daemon=True)
helper.start()
model = {estimator}(
    hidden_layer_sizes={hidden}, max_iter=10**9, n_iter_no_change=float("inf"), random_state=0,
    learning_rate="constant", learning_rate_init=1e-4, callbacks=lambda record: started.set(),
    n_jobs={n_jobs}, early_stopping={early_stopping}, **{more},
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(X, y if {estimator} is Regressor else y > 0)
helper.join()
[warning] = caught
assert warning.category is UserWarning
if model.preset == "plain":
    kept = f"The weights of epoch {{model.best_iteration_ or model.n_iter_}} were kept."
else:
    kept = f"{{len(model.networks_)}} of 3 networks were kept, as far as they had come."
assert str(warning.message) == f"Training interrupted by user. {{kept}}"
assert model.stop_reason_ == "interrupted"
assert 1 <= model.n_iter_ == len(model.loss_curve_) == len(model.learning_rate_curve_)
assert (model.best_iteration_ is not None) == {early_stopping}
assert np.isfinite(model.predict(X)).all()
model.set_params(callbacks=None)
np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
model.set_params(max_iter=1).fit(X, y > 0)  # and it can be fitted again
print("survived")
"""


PLAIN = {"preset": "plain"}
THREE = {"n_estimators": 3}


@pytest.mark.parametrize(
    ("estimator", "rows", "hidden", "n_jobs", "early_stopping", "more"),
    [
        ("Regressor", 200, (8,), 1, True, PLAIN),
        ("Classifier", 3000, (256, 256), 2, False, PLAIN),
        ("Regressor", 60_000, (256, 256), 2, True, PLAIN),
        ("Classifier", 200, (8,), 1, True, THREE),
        ("Regressor", 200, (8,), 2, True, THREE),
        ("Classifier", 3000, (256, 256), 2, True, THREE),
        ("Regressor", 3000, (256, 256), 2, False, THREE),
    ],
    ids=[
        "small",
        "two threads",
        "long epochs",
        "several in turn",
        "several at a time",
        "several with folds",
        "several without",
    ],
)
def test_ctrl_c_keeps_the_model(estimator, rows, hidden, n_jobs, early_stopping, more):
    script = CTRL_C.format(
        estimator=estimator,
        rows=rows,
        hidden=hidden,
        n_jobs=n_jobs,
        early_stopping=early_stopping,
        more=more,
        press="os.kill(os.getpid(), signal.SIGINT)",
    )
    assert run(script) == "survived\n"


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("call", ["predict", "forward", "backward"])
def test_ctrl_c_ends_a_long_call_into_the_engine(call, n_threads):
    """Each would go on for many minutes."""
    script = f"""
import os, signal, threading
import numpy as np
from fastmlp import _core

sizes = [64, 512, 512, 1]
layers = [
    dict(kind="dense", inputs=inputs, outputs=outputs, activation="identity")
    for inputs, outputs in zip(sizes, sizes[1:])
]
engine = _core.NetworkF32(layers, 0)
weights = engine.flat().copy()
X = np.broadcast_to(np.ones(64, dtype="float32"), (40_000_000, 64))
few = X[:100]
calls = dict(
    predict=lambda X: _core.PredictorF32(engine, None, "identity").predict(X, {n_threads}),
    forward=lambda X: engine.forward(X, False, {n_threads}),
    backward=lambda X: engine.backward(
        X, np.zeros(len(X), "float32"), None, None, "squared_error", 1.0, [0.5], 0.0, 0.0, 0.0,
        {n_threads},
    ),
)
call = calls["{call}"]
before = call(few)
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    call(X)
except KeyboardInterrupt:
    np.testing.assert_array_equal(engine.flat(), weights)
    np.testing.assert_array_equal(call(few), before)
    print("survived")
"""
    assert run(script) == "survived\n"


def test_ctrl_c_while_jobs_are_submitted_begins_none(table, monkeypatch):
    begun = threading.Event()

    class Pool(ThreadPoolExecutor):
        def submit(self, *arguments):
            super().submit(*arguments)
            begun.wait(0.2)
            raise KeyboardInterrupt

    monkeypatch.setattr(_training, "ThreadPoolExecutor", Pool)
    model = endless(**SEVERAL, n_jobs=2, callbacks=lambda record: begun.set() or True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*table)
    assert not begun.is_set()
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("more", [PLAIN, THREE], ids=["one", "several"])
def test_raise_signal_from_a_thread(more):
    script = CTRL_C.format(
        estimator="Regressor",
        rows=500,
        hidden=(32, 32),
        n_jobs=2,
        early_stopping=True,
        more=more,
        press="signal.raise_signal(signal.SIGINT)",
    )
    assert run(script) == "survived\n"


@pytest.mark.parametrize("more", [PLAIN, {"n_estimators": 2, "n_jobs": 2}], ids=["one", "several"])
def test_ctrl_c_in_the_first_epoch_leaves_the_initial_weights(more):
    script = f"""
import os, signal, threading, warnings
import numpy as np
from fastmlp import Regressor, _core

X = np.random.default_rng(0).normal(size=(400_000, 50)).astype("float32")
engine_train = _core.train
presses = iter([threading.Thread(target=signal.raise_signal, args=(signal.SIGINT,))])

def train(*arguments):
    # The first epoch takes many seconds; the signal is pending before it begins.
    for press in presses:
        press.start()
    return engine_train(*arguments)

_core.train = train
model = Regressor((1024, 1024), early_stopping=False, random_state=0, **{more})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        model.fit(X, X[:, 0])
    except KeyboardInterrupt:  # it came before the engine had begun: nothing was fitted
        assert not hasattr(model, "n_features_in_")
    else:
        [warning] = caught
        assert "No epoch had ended" in str(warning.message)
        assert len(model.networks_) == 1
        assert model.n_iter_ == 0 and model.loss_curve_ == []
        assert np.isfinite(model.predict(X[:10])).all()
print("survived")
"""
    assert run(script) == "survived\n"


@pytest.mark.parametrize(
    "more",
    [PLAIN, {"n_estimators": 2, "n_jobs": 1}, {"n_estimators": 2, "n_jobs": 2}],
    ids=["one", "several in turn", "several at a time"],
)
def test_another_signals_exception_comes_through(more):
    script = f"""
import os, signal, threading
import numpy as np
from fastmlp import Regressor

class Alarm(Exception): pass

def handler(number, frame):
    raise Alarm

signal.signal(signal.SIGUSR1, handler)
started = threading.Event()

def press():
    started.wait()
    os.kill(os.getpid(), signal.SIGUSR1)

threading.Thread(target=press, daemon=True).start()
X = np.random.default_rng(0).normal(size=(1000, 5))
model = Regressor((16,), max_iter=10**9, n_iter_no_change=float("inf"), learning_rate="constant",
                  callbacks=lambda record: started.set(), **{more})
try:
    model.fit(X, X[:, 0])
except Alarm:
    assert not hasattr(model, "n_features_in_")
    print("survived")
"""
    assert run(script) == "survived\n"


@ALONE_OR_SEVERAL
def test_fit_outside_the_main_thread(options, table):
    X, y = table
    seen = []
    model = endless(
        callbacks=lambda record: seen.append(record.epoch) or record.epoch == 3, **options
    )
    with ThreadPoolExecutor(1) as pool:
        pool.submit(model.fit, X, y).result()
    assert sorted(seen) == sorted([1, 2, 3] * len(model.networks_))
    assert model.stop_reason_ == "callback"


def test_keyboard_interrupt_in_a_callback_counts_as_ctrl_c(table):
    def press(record):
        if record.epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(
        UserWarning, match=r"^Training interrupted by user\. The weights of epoch \d+ were kept\.$"
    ) as caught:
        model = endless(callbacks=press).fit(*table)
    assert caught[0].filename == __file__  # the warning points at the caller's line
    assert model.stop_reason_ == "interrupted"
    assert model.n_iter_ == 3


def press_in(network, epoch):
    def press(record):
        if (record.network, record.epoch) == (network, epoch):
            raise KeyboardInterrupt

    return press


def test_interruption_leaves_out_networks_that_had_not_begun(table):
    thirds = SEVERAL | {"max_iter": 4, "n_jobs": 1, "validation_fraction": 1 / 3}
    model = endless(**thirds, callbacks=press_in(1, 2))
    with pytest.warns(
        UserWarning,
        match=r"^Training interrupted by user\. 2 of 3 networks were kept, as far as they had come",
    ) as caught:
        model.fit(*table)
    assert caught[0].filename == __file__
    assert [history.n_iter for history in model.histories_] == [4, 2]
    assert [history.stop_reason for history in model.histories_] == ["max_iter", "interrupted"]
    assert len(model.networks_) == 2
    alone = endless(**thirds).fit(*table)
    for one, other in zip(
        model.networks_[0].parameters, alone.networks_[0].parameters, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    # The rows of the third fold have no prediction, those of the first have their network's.
    fold = len(table[0]) // 3
    assert np.isnan(model.oof_prediction_).sum() == fold
    assert np.sum(model.oof_prediction_ == alone.oof_prediction_) >= fold


def test_interruption_of_networks_at_the_same_time(table):
    model = endless(**SEVERAL | {"n_jobs": 2, "callbacks": press_in(0, 3)})
    with pytest.warns(UserWarning, match=r"[12] of 3 networks were kept"):
        model.fit(*table)
    assert model.histories_[0].n_iter == 3
    assert {history.stop_reason for history in model.histories_} == {"interrupted"}
    assert np.isfinite(model.predict(table[0])).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
def test_interruption_of_a_continuation_keeps_networks_that_were_trained_before(
    go_on, n_jobs, table
):
    model = endless(**SEVERAL | {"warm_start": True, "max_iter": 3, "n_jobs": n_jobs}).fit(*table)
    model.set_params(max_iter=FOREVER, callbacks=press_in(0, 1))
    with pytest.warns(UserWarning, match="3 of 3 networks were kept") as caught:
        getattr(model, go_on)(*table)
    assert caught[0].filename == __file__
    assert len(model.networks_) == 3
    assert model.histories_[0].n_iter == 4
    assert all(history.n_iter >= 3 for history in model.histories_)
    assert np.isfinite(model.predict(table[0])).all()


# ---- callbacks


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callback_stops_one_network_of_several(n_jobs, table):
    model = endless(
        callbacks=lambda record: record.epoch == 2 + record.network,
        **SEVERAL | {"n_jobs": n_jobs},
    ).fit(*table)
    assert [history.n_iter for history in model.histories_] == [2, 3, 4]
    assert {history.stop_reason for history in model.histories_} == {"callback"}
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_curve_) == 4
    assert model.stop_reason_ == "callback"


def test_callback_returning_true_stops(table):
    model = endless(callbacks=lambda record: record.epoch == 4).fit(*table)
    assert model.n_iter_ == 4
    assert model.stop_reason_ == "callback"
    assert len(model.loss_curve_) == len(model.validation_curve_) == 4


def test_all_callbacks_are_told(table):
    first, second = [], []
    model = endless(
        callbacks=[
            lambda record: first.append(record) or record.epoch >= 2,
            lambda record: second.append(record),
        ]
    ).fit(*table)
    assert first == second
    assert [record.epoch for record in first] == [1, 2]
    assert [record.loss for record in first] == model.loss_curve_
    assert [record.validation_loss for record in first] == model.validation_curve_
    assert [record.learning_rate for record in first] == model.learning_rate_curve_


class Failed(Exception):
    pass


def fails(record):
    if record.epoch == 2:
        raise Failed("on purpose")


@ALONE_OR_SEVERAL
def test_exception_in_a_callback_leaves_an_unfitted_estimator_unfitted(options, table):
    model = endless(callbacks=fails, **options)
    before = dict(model.__dict__)
    with pytest.raises(Failed, match="on purpose"):
        model.fit(*table)
    assert model.__dict__ == before


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_exception_for_one_network_ends_all(n_jobs, table):
    """The others would go on for ever."""

    def fails_for_the_first(record):
        if (record.network, record.epoch) == (0, 2):
            raise Failed("on purpose")

    model = endless(callbacks=fails_for_the_first, **SEVERAL | {"n_jobs": n_jobs})
    with pytest.raises(Failed, match="on purpose"):
        model.fit(*table)
    assert set(vars(model)) == set(model.get_params())


def weights_of(model) -> list[np.ndarray]:
    return [values for network in model.networks_ for values in network.parameters]


@ALONE_OR_SEVERAL
@pytest.mark.parametrize("warm_start", [False, True])
def test_exception_in_a_callback_leaves_a_fitted_model_as_it_was(table, warm_start, options):
    X, y = table
    model = endless(max_iter=3, warm_start=warm_start, **options).fit(X, y)
    prediction, weights = model.predict(X), weights_of(model)
    curve, steps, histories = list(model.loss_curve_), model.t_, copy.deepcopy(model.histories_)
    rates, last = list(model.learning_rate_curve_), len(model.networks_) - 1

    def fails_late(record):
        if (record.network, record.epoch) == (last, 3):
            raise Failed

    for callback in (fails, fails_late):
        model.set_params(max_iter=5, callbacks=callback)
        with pytest.raises(Failed):
            model.fit(X, -y)
        np.testing.assert_array_equal(model.predict(X), prediction)
        for one, other in zip(weights_of(model), weights, strict=True):
            np.testing.assert_array_equal(one, other)
        assert model.loss_curve_ == curve
        assert model.learning_rate_curve_ == rates
        assert model.histories_ == histories
        assert model.t_ == steps


@ALONE_OR_SEVERAL
def test_failing_continuation_does_not_change_what_comes_next(options, table):
    """Optimiser state and dropout masks go on where they were before the failed call."""
    X, y = table

    def after(fail: bool):
        model = endless(max_iter=2, warm_start=True, dropout=0.2, **options).fit(X, y)
        if fail:
            with pytest.raises(Failed):
                model.set_params(max_iter=5, callbacks=fails).fit(X, -y)
            model.set_params(max_iter=2, callbacks=None)
        return model.fit(X, y).predict(X)

    np.testing.assert_array_equal(after(True), after(False))


# ---- other threads


def test_gil_is_released_during_fit(table):
    """With no forced switches another thread only runs while the main one has let go."""
    X, y = table
    stop, started = threading.Event(), threading.Event()
    count = 0

    def work():
        nonlocal count
        while not stop.is_set():
            count += 1
            if count % 1000 == 0:
                started.set()
                time.sleep(1e-6)  # lets go, so that the fit gets in when it wants

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=work)
    try:
        sys.setswitchinterval(100)
        thread.start()
        started.wait()
        before = count
        endless(max_iter=60, n_jobs=1).fit(X, y)
        counted = count - before
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
    assert counted >= 20_000


def test_gil_is_released_during_prediction(table):
    X, y = table
    model = endless(max_iter=1, hidden_layer_sizes=(512, 512)).fit(X, y)
    many = np.tile(X, (20, 1))
    inside, seen = threading.Event(), []
    interval = sys.getswitchinterval()

    def watch():
        inside.wait()
        seen.append("watched")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        sys.setswitchinterval(100)
        inside.set()
        model._ensemble.predictors[0].predict(many, 1)  # one call into the engine and nothing else
        seen.append("predicted")
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert seen == ["watched", "predicted"]


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
@pytest.mark.parametrize("options", [{}, {"preset": "default", "n_estimators": 2}], ids=str)
def test_prediction_from_eight_threads_gives_the_serial_bits(table, options, n_jobs):
    X, y = table
    options = {"hidden_layer_sizes": (200, 100), "n_jobs": n_jobs} | options
    model = endless(max_iter=2, **options).fit(X, y)
    serial = model.predict(X)
    barrier = threading.Barrier(8)

    def predict(_):
        barrier.wait()
        return [model.predict(X) for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        for predictions in pool.map(predict, range(8)):
            for prediction in predictions:
                np.testing.assert_array_equal(prediction, serial)


# ---- fork


def run_forked(task) -> None:
    context = multiprocessing.get_context("fork")
    process = context.Process(target=task)
    process.start()
    process.join(timeout=60)
    hung = process.is_alive()
    if hung:
        process.kill()
        process.join()
    assert not hung
    assert process.exitcode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("estimator", [Regressor, Classifier])
@pytest.mark.parametrize("options", [{"preset": "plain"}, {"n_estimators": 2}], ids=str)
def test_forked_child_fits_and_predicts(table, options, estimator):
    X, y = table
    y = y > 0 if estimator is Classifier else y

    def fresh():
        defaults = {"max_iter": 2, "batch_size": 1000, "n_jobs": 2, "random_state": 0}
        return estimator((256, 256), **defaults | options)

    model = fresh().fit(X, y)  # threads run
    prediction = model.predict(X)

    def child():
        np.testing.assert_array_equal(model.predict(X), prediction)
        again = fresh().fit(X, y)
        np.testing.assert_array_equal(again.predict(X), prediction)
        network = Network([Dense(20, 600, "relu"), Dense(600, 1)], random_state=0, n_jobs=2)
        network.gradients(X, np.zeros(len(X)))

    run_forked(child)
    np.testing.assert_array_equal(fresh().fit(X, y).predict(X), prediction)
