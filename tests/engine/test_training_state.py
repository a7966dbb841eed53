"""Training by windows, and its state: what one call does, bit for bit."""

import gc

import numpy as np
import pytest
from engine_options import PLAIN

from fastmlp import Dense, Dropout, Network, Optimizer, _core

OPTIONS = PLAIN | {
    "l2": 1e-3,
    "learning_rate": "cosine",
    "max_iter": 6,
    "tol": 1e-4,
    "early_stopping": True,
    "average_epochs": 2.0,
    "mixup": 0.5,
    "swap_noise": 0.2,
    "input_noise": 0.1,
    "anneals": True,
    "seed": 4,
    "steps_per_epoch": 5,
}
THREADS = _core.ThreadBudget(2, 1)
RNG = np.random.default_rng(0)
X, HELD_OUT = RNG.normal(size=(70, 3)), RNG.normal(size=(40, 3))


def part(X, dtype, rows=None):
    return X, np.sin(X[:, :2]).astype(dtype), None, rows, None


WINDOWS = [np.arange(0, 40, dtype="uint32"), np.arange(40, 70, dtype="uint32")]


class Case:
    """A training with its network; every one of the same type and options is the same."""

    def __init__(self, dtype="float32", **changes):
        layers = [Dense(3, 8, "tanh"), Dropout(0.2), Dense(8, 2)]
        self.dtype = dtype
        self.network = Network(layers, dtype=dtype, random_state=0)
        self.optimizer = Optimizer(self.network, solver="adam")
        self.parts = self.network._engine, self.optimizer._engine, None, part(HELD_OUT, dtype)
        self.training = _core.Training(*self.parts, OPTIONS | changes, 2)

    def run(self, windows):
        return all(self.training.run(part(X, self.dtype, rows), THREADS, None) for rows in windows)

    def end_epoch(self, on_epoch=None):
        return self.training.end_epoch(THREADS, on_epoch, None)

    def state(self):
        return self.training.state()

    def resumed(self):
        other = Case(self.dtype)
        other.training.restore(self.state())
        return other

    def result(self):
        return self.training.finish(), [p.tolist() for p in self.network.parameters]


@pytest.fixture(scope="module", params=["float32", "float64"])
def dtype(request):
    return request.param


def test_one_window_an_epoch_is_a_whole_fit(dtype):
    whole, epochs = Case(dtype), Case(dtype)
    result = _core.train(
        *whole.parts[:3], part(X, dtype), whole.parts[3], OPTIONS, THREADS, None, None
    )
    while epochs.run([None]) and epochs.end_epoch():
        pass
    assert epochs.result() == (result, [p.tolist() for p in whole.network.parameters])


def test_a_training_that_goes_on_from_a_state_is_the_unbroken_one(dtype):
    unbroken, resumed = Case(dtype), Case(dtype)
    goes_on = True
    while goes_on:
        for rows in WINDOWS:
            assert unbroken.run([rows])
            assert resumed.run([rows])
            resumed = resumed.resumed()
        goes_on = unbroken.end_epoch()
        assert resumed.end_epoch() == goes_on
        resumed = resumed.resumed()
    assert not resumed.run(WINDOWS)  # nor does one that had ended begin again
    assert resumed.result() == unbroken.result()


def test_a_fit_in_memory_goes_on_between_epochs():
    whole, states = Case(), []
    whole.training.train(
        part(X, "float32"), THREADS, None, None, lambda: states.append(whole.state())
    )
    assert len(states) == OPTIONS["max_iter"] - 1
    resumed = Case()
    resumed.training.restore(states[2])
    resumed.training.train(part(X, "float32"), THREADS, None, None, None)
    assert resumed.result() == whole.result()


def test_a_state_is_a_copy_of_arrays_and_plain_values():
    case = Case()
    assert case.run(WINDOWS)
    state = case.state()
    before = {name: np.copy(value) for name, value in state.items()}
    assert case.end_epoch()
    assert case.run(WINDOWS)
    for name, value in state.items():
        assert isinstance(value, np.ndarray | bool | int | float | str)
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("best_loss"), "state must hold 'best_loss'"),
        (lambda s: s.update(best_loss="low"), r"state\['best_loss'\] is of the wrong type"),
        (lambda s: s.update(reason="tired"), r"state\['reason'\] must be one of 'max_iter'"),
        (
            lambda s: s.update(parameters=np.zeros(3, "f4")),
            r"state\['parameters'\] must hold \d+ n",
        ),
        (lambda s: s.update(parameters=np.zeros(3)), r"state\['parameters'\] must be a contiguous"),
        (lambda s: s.update(more=1), "state must be of a training with the same options"),
    ],
)
def test_what_is_no_state_of_it_is_refused_and_changes_nothing(change, message):
    trained, other = Case(), Case()
    trained.run(WINDOWS)
    state = trained.state()
    change(state)
    before = other.state()
    with pytest.raises(ValueError, match=message):
        other.training.restore(state)
    after = other.state()
    assert after.pop("seconds") >= before.pop("seconds")
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name])


def test_states_of_other_options_are_refused():
    with pytest.raises(ValueError, match="state must hold 'mean_parameters'"):
        Case().training.restore(Case(average_epochs=0.0).state())
    with pytest.raises(ValueError, match="must be of a training with the same options"):
        Case(average_epochs=0.0).training.restore(Case().state())


def test_a_state_that_claims_best_weights_or_times_that_cannot_be_does_no_harm():
    trained, other = Case(early_stopping=False), Case(early_stopping=False)
    trained.run(WINDOWS)
    state = trained.state() | {"kept_epoch": 1, "ended": True, "seconds": 1e300}
    other.training.restore(state)
    other.training.finish()
    assert other.state()["seconds"] == 1e300
    for own, there in zip(other.network.parameters, trained.network.parameters, strict=True):
        np.testing.assert_array_equal(own, there)


def test_ctrl_c_ends_training_and_leaves_no_state():
    case = Case()

    def interrupt(*_):
        raise KeyboardInterrupt

    assert case.run(WINDOWS)
    assert not case.end_epoch(interrupt)
    with pytest.raises(RuntimeError, match="there is no state to go on from"):
        case.state()
    result, _ = case.result()
    assert (result["reason"], result["n_iter"]) == ("interrupted", 1)


def test_an_interruption_between_windows_goes_back_to_the_last_epoch():
    case, expected = Case(), Case()
    for each in (case, expected):
        assert each.run(WINDOWS)
        assert each.end_epoch()
    assert case.run(WINDOWS[:1])
    case.training.interrupt()
    assert not case.run(WINDOWS[1:])
    assert not case.end_epoch()
    with pytest.raises(RuntimeError, match="there is no state to go on from"):
        case.state()
    (result, parameters), (_, before) = case.result(), expected.result()
    assert (result["reason"], result["n_iter"]) == ("interrupted", 1)
    assert parameters == before


def test_what_a_callback_raises_comes_out():
    case = Case()

    def fail(*_):
        raise OSError("no more room")

    assert case.run(WINDOWS)
    with pytest.raises(OSError, match="no more room"):
        case.end_epoch(fail)
    with pytest.raises(OSError, match="no more room"):
        Case().training.train(part(X, "float32"), THREADS, None, None, fail)


def test_a_training_keeps_what_it_stands_on():
    training = Case().training
    gc.collect()
    assert training.run(part(X, "float32"), THREADS, None)
    assert training.end_epoch(THREADS, None, None)


def test_the_largest_batch_size_takes_each_window_whole():
    parameters = []
    for batch_size in (len(X), 2**63 - 1):
        case = Case(batch_size=batch_size)
        assert case.run(WINDOWS)
        assert case.end_epoch()
        parameters.append(case.result()[1])
    assert parameters[0] == parameters[1]


def test_steps_per_epoch_must_be_positive():
    with pytest.raises(ValueError, match="steps_per_epoch must be a positive number"):
        Case(steps_per_epoch=0)
