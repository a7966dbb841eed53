"""Ctrl-C during a fit."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from endless_fits import ALONE_OR_SEVERAL, FOREVER, endless
from tiny_models import THREE

from fastmlp.ensemble import executor


@pytest.fixture
def run(forked):
    """Function that runs a script in a process of its own; a hang is an error."""

    def call(script, **options):
        done = forked(script, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


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
    kept = f"{{len(model.networks_)}} of 3 networks were kept, trained as far as they were."
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
OF_THREE = {"n_estimators": 3}


@pytest.mark.parametrize(
    ("estimator", "rows", "hidden", "n_jobs", "early_stopping", "more"),
    [
        ("Regressor", 200, (8,), 1, True, PLAIN),
        ("Classifier", 3000, (256, 256), 2, False, PLAIN),
        ("Regressor", 30_000, (256, 256), 2, True, PLAIN),
        ("Classifier", 200, (8,), 1, True, OF_THREE),
        ("Regressor", 200, (8,), 2, True, OF_THREE),
        ("Classifier", 3000, (256, 256), 2, True, OF_THREE),
        ("Regressor", 3000, (256, 256), 2, False, OF_THREE),
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
def test_ctrl_c_keeps_the_model(estimator, rows, hidden, n_jobs, early_stopping, more, run):
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
def test_ctrl_c_ends_a_long_call_into_the_engine(call, n_threads, run):
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
        X, np.zeros(len(X), "float32"), None, None, dict(loss="squared_error"), 0.0, 0.0,
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


def test_ctrl_c_while_jobs_are_submitted_begins_none(many_rows, monkeypatch):
    begun = threading.Event()

    class Pool(ThreadPoolExecutor):
        def submit(self, *arguments):
            super().submit(*arguments)
            begun.wait(0.2)
            raise KeyboardInterrupt

    monkeypatch.setattr(executor, "ThreadPoolExecutor", Pool)
    model = endless(**THREE, n_jobs=2, callbacks=lambda record: begun.set() or True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*many_rows)
    assert not begun.is_set()
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("more", [PLAIN, OF_THREE], ids=["one", "several"])
def test_raise_signal_from_a_thread(more, run):
    script = CTRL_C.format(
        estimator="Regressor",
        rows=500,
        hidden=(32, 32),
        n_jobs=2,
        early_stopping=True,
        more=more,
        press="signal.raise_signal(signal.SIGINT)",
    )
    assert run(script, teardown=True) == "survived\n"


@pytest.mark.parametrize("more", [PLAIN, {"n_estimators": 2, "n_jobs": 2}], ids=["one", "several"])
def test_ctrl_c_in_the_first_epoch_fits_nothing(more, run):
    script = f"""
import os, signal, threading, warnings
import numpy as np
from fastmlp import Regressor, _core

X = np.random.default_rng(0).normal(size=(100_000, 50)).astype("float32")
Training = _core.Training
presses = iter([threading.Thread(target=signal.raise_signal, args=(signal.SIGINT,))])

def training(*arguments):
    # The first epoch takes many seconds; the signal is pending before it begins.
    for press in presses:
        press.start()
    return Training(*arguments)

_core.Training = training
model = Regressor((1024, 1024), early_stopping=False, random_state=0, **{more})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        model.fit(X, X[:, 0])
    except KeyboardInterrupt:
        assert not hasattr(model, "n_features_in_")
        assert caught == []
        print("survived")
"""
    assert run(script) == "survived\n"


@pytest.mark.parametrize(
    "more",
    [PLAIN, {"n_estimators": 2, "n_jobs": 1}, {"n_estimators": 2, "n_jobs": 2}],
    ids=["one", "several in turn", "several at a time"],
)
def test_another_signals_exception_comes_through(more, run):
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
def test_fit_outside_the_main_thread(options, many_rows):
    X, y = many_rows
    seen = []
    model = endless(
        callbacks=lambda record: seen.append(record.epoch) or record.epoch == 3, **options
    )
    with ThreadPoolExecutor(1) as pool:
        pool.submit(model.fit, X, y).result()
    assert sorted(seen) == sorted([1, 2, 3] * len(model.networks_))
    assert model.stop_reason_ == "callback"


def test_keyboard_interrupt_in_a_callback_counts_as_ctrl_c(many_rows):
    def press(record):
        if record.epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(
        UserWarning, match=r"^Training interrupted by user\. The weights of epoch \d+ were kept\.$"
    ) as caught:
        model = endless(callbacks=press).fit(*many_rows)
    assert caught[0].filename == __file__  # the warning points at the caller's line
    assert model.stop_reason_ == "interrupted"
    assert model.n_iter_ == 3


def press_in(network, epoch):
    def press(record):
        if (record.network, record.epoch) == (network, epoch):
            raise KeyboardInterrupt

    return press


def test_interruption_leaves_out_networks_that_had_not_begun(many_rows):
    thirds = THREE | {"max_iter": 4, "n_jobs": 1, "validation_fraction": 1 / 3}
    model = endless(**thirds, callbacks=press_in(1, 2))
    with pytest.warns(
        UserWarning,
        match=r"^Training interrupted by user\. 2 of 3 networks were kept, trained as far as",
    ) as caught:
        model.fit(*many_rows)
    assert caught[0].filename == __file__
    assert [history.n_iter for history in model.histories_] == [4, 2]
    assert [history.stop_reason for history in model.histories_] == ["max_iter", "interrupted"]
    assert len(model.networks_) == 2
    alone = endless(**thirds).fit(*many_rows)
    for one, other in zip(
        model.networks_[0].parameters, alone.networks_[0].parameters, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    # The rows of the third fold have no prediction, those of the first have their network's.
    fold = len(many_rows[0]) // 3
    assert np.isnan(model.oof_prediction_).sum() == fold
    assert np.sum(model.oof_prediction_ == alone.oof_prediction_) >= fold


def test_interruption_of_networks_at_the_same_time(many_rows):
    model = endless(**THREE | {"n_jobs": 2, "callbacks": press_in(0, 3)})
    with pytest.warns(UserWarning, match=r"[12] of 3 networks were kept"):
        model.fit(*many_rows)
    assert model.histories_[0].n_iter == 3
    assert {history.stop_reason for history in model.histories_} == {"interrupted"}
    assert np.isfinite(model.predict(many_rows[0])).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
def test_interruption_of_a_continuation_keeps_networks_that_were_trained_before(
    go_on, n_jobs, many_rows
):
    model = endless(**THREE | {"warm_start": True, "max_iter": 3, "n_jobs": n_jobs}).fit(*many_rows)
    model.set_params(max_iter=FOREVER, callbacks=press_in(0, 1))
    with pytest.warns(UserWarning, match="3 of 3 networks were kept") as caught:
        getattr(model, go_on)(*many_rows)
    assert caught[0].filename == __file__
    assert len(model.networks_) == 3
    assert model.histories_[0].n_iter == 4
    assert all(history.n_iter >= 3 for history in model.histories_)
    assert np.isfinite(model.predict(many_rows[0])).all()
