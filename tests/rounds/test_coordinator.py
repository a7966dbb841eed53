"""The coordinator, with participants that are a few lines of NumPy."""

import pickle
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from fastmlp.ensemble.progress import Progress
from fastmlp.rounds.averaging import OuterOptimizer, weighted_mean
from fastmlp.rounds.coordinator import Coordinator, RoundOptions
from fastmlp.rounds.messages import RoundStart, Update
from fastmlp.rounds.training import run_rounds, train_in_rounds


@dataclass
class LeastSquares:
    """Gradient descent on the rows of one participant."""

    number: int
    X: np.ndarray
    y: np.ndarray
    n_steps: int = 5
    rate: float = 0.1
    starts: list[RoundStart] = field(default_factory=list)

    def loss(self, coefficients):
        return float(np.mean((self.X @ coefficients - self.y) ** 2))

    def answer(self, start: RoundStart) -> Update:
        self.starts.append(start)
        coefficients, loss = start.parameters[0].copy(), None
        for _ in range(self.n_steps if start.trains else 0):
            loss = self.loss(coefficients)
            residual = self.X @ coefficients - self.y
            coefficients -= self.rate * self.X.T @ residual / len(self.y)
        return Update(
            self.number,
            start.network,
            start.number,
            [coefficients] if start.trains else [],
            float(len(self.y)),
            loss,
            self.rate,
            self.loss(start.parameters[0]),
            float(len(self.y)),
        )


def participants(n_rows=(30, 60, 90), **options):
    rng = np.random.default_rng(0)
    slopes = np.array([1.0, -2.0, 0.5])
    made = []
    for number, n in enumerate(n_rows):
        X = rng.normal(size=(n, 3))
        made.append(LeastSquares(number, X, X @ slopes + 0.1 * rng.normal(size=n), **options))
    return made


def executor_of(many):
    return lambda starts: [one.answer(start) for start in starts for one in many]


def coordinator(n_rounds=30, parameters=None, **options):
    return Coordinator(
        [np.zeros(3)] if parameters is None else parameters, RoundOptions(n_rounds, **options)
    )


def least_squares(many):
    X, y = np.vstack([one.X for one in many]), np.hstack([one.y for one in many])
    return np.linalg.lstsq(X, y, rcond=None)[0]


@pytest.mark.parametrize(("rate", "momentum"), [(1.0, 0.0), (0.7, 0.5)])
def test_rounds_find_what_all_rows_together_say(rate, momentum):
    many = participants()
    one = coordinator(outer_rate=rate, outer_momentum=momentum)
    run_rounds([one], executor_of(many))
    np.testing.assert_allclose(one.parameters[0], least_squares(many), atol=0.01)
    assert one.stop_reason == "max_iter"
    assert one.number == len(one.loss_curve) == len(one.validation_curve) == 30


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_participant_is_local_training_bit_for_bit(dtype):
    (alone,) = participants((40,))
    alone.X, alone.y = alone.X.astype(dtype), alone.y.astype(dtype)
    one = coordinator(20, [np.zeros(3, dtype)], early_stopping=False)
    run_rounds([one], executor_of([alone]))
    (start,) = [alone.starts[0]]
    alone.n_steps = 100
    np.testing.assert_array_equal(one.parameters[0], alone.answer(start).parameters[0])
    assert one.parameters[0].dtype == dtype


def test_bits_do_not_depend_on_who_answers_first():
    results = []
    for order in ((0, 1, 2), (2, 0, 1)):
        many = participants()
        one = coordinator(10)
        run_rounds([one], executor_of([many[k] for k in order]))
        results.append(one.parameters[0])
    np.testing.assert_array_equal(*results)


def test_participants_count_by_their_weights():
    updates = [Update(k, 0, 0, [np.full(2, float(k))], weight=k + 1.0) for k in range(3)]
    (mean,) = weighted_mean([np.zeros(2)], updates)
    np.testing.assert_allclose(mean, (0 * 1 + 1 * 2 + 2 * 3) / 6)


def test_outer_steps_are_those_of_sgd_with_nesterov_momentum():
    rng = np.random.default_rng(1)
    values, velocity = np.zeros(4), np.zeros(4)
    outer = OuterOptimizer(0.7, 0.9)
    mine = [np.zeros(4)]
    for _ in range(5):
        mean = rng.normal(size=4)
        gradient = values - mean
        velocity = 0.9 * velocity + gradient
        values = values - 0.7 * (gradient + 0.9 * velocity)
        mine = outer.step(mine, [mean])
        np.testing.assert_allclose(mine[0], values, rtol=1e-12)


def test_outer_momentum_is_faster_where_the_mean_moves_slowly():
    def loss(momentum):
        many = participants(n_steps=1, rate=0.02)
        one = coordinator(40, outer_momentum=momentum, early_stopping=False)
        run_rounds([one], executor_of(many))
        return many[0].loss(one.parameters[0])

    assert loss(0.8) < 0.5 * loss(0.0)


def test_missing_participants_are_not_waited_for():
    many = participants()
    one = coordinator(40)

    def execute(starts):
        present = [p for p in many if (starts[0].number + p.number) % 3]
        return executor_of(present)(starts) if starts[0].number != 5 else []

    run_rounds([one], execute)
    np.testing.assert_allclose(one.parameters[0], least_squares(many), atol=0.05)
    assert len(one.loss_curve) == len(one.validation_curve) == 40


def test_best_parameters_are_kept_and_training_stops_without_progress():
    held_out = [3.0, 2.0, 1.0, 2.0, 2.0, 2.0, 2.0]  # of the parameters after each round

    def execute(starts):
        (start,) = starts
        loss = held_out[start.number - 1] if start.number else 9.0
        return [Update(0, 0, start.number, [start.parameters[0] + 1], 1.0, 1.0, 0.1, loss, 1.0)]

    one = coordinator(50, n_iter_no_change=2, parameters=[np.zeros(1)])
    run_rounds([one], execute)
    assert one.stop_reason == "no_improvement"
    assert one.parameters[0] == 3
    history = one.history(1.0)
    assert history.best_iteration == 3
    assert history.best_loss == 1.0
    assert history.validation_curve == held_out[:6]

    kept = coordinator(7, early_stopping=False, parameters=[np.zeros(1)])
    run_rounds([kept], execute)
    assert kept.parameters[0] == 7
    assert kept.history(1.0).best_iteration is None


def test_a_participant_that_diverges_is_left_out_and_all_of_them_end_training():
    many = participants()

    def execute(starts, diverged=(1,)):
        updates = executor_of(many)(starts)
        return [
            replace(u, parameters=[np.full(3, np.nan)])
            if u.participant in diverged and u.parameters
            else u
            for u in updates
        ]

    one = coordinator(20)
    run_rounds([one], execute)
    others = least_squares([many[0], many[2]])
    np.testing.assert_allclose(one.parameters[0], others, atol=0.05)

    lost = coordinator(20)
    run_rounds([lost], lambda starts: execute(starts, (0, 1, 2)))
    assert lost.stop_reason == "diverged"
    assert np.isfinite(lost.parameters[0]).all()


def train_two(diverges):
    """Train two networks, of which some diverge after some rounds."""
    many = participants((30,))
    two = [Coordinator([np.zeros(3)], RoundOptions(6), network=network) for network in range(2)]

    def exchange(starts):
        return [
            replace(update, parameters=[np.full(3, np.inf)])
            if update.number == diverges.get(update.network)
            else update
            for update in executor_of(many)(starts)
        ]

    train_in_rounds(two, exchange, Progress(0, [6, 6], []))
    return two


def test_what_diverged_is_warned_of():
    with pytest.warns(
        RuntimeWarning, match="2 of 2 networks diverged; 1 keep their best .* 1 were"
    ):
        lost, kept = train_two({0: 0, 1: 3})
    assert lost.is_lost
    assert not kept.is_lost
    assert kept.history(1.0).best_iteration == 3
    with pytest.raises(ValueError, match="training diverged: the loss"):
        train_two({0: 0, 1: 0})


def test_records_pair_the_losses_of_a_round():
    records = []
    many = participants()
    one = coordinator(5)
    train_in_rounds([one], executor_of(many), Progress(0, [5], [records.append]))
    assert [record.epoch for record in records] == [1, 2, 3, 4, 5]
    assert [record.loss for record in records] == one.loss_curve
    assert [record.validation_loss for record in records] == one.validation_curve
    assert [record.learning_rate for record in records] == one.learning_rate_curve


def test_records_pair_the_losses_if_nobody_validated_at_first():
    records = []
    one = coordinator(4, parameters=[np.zeros(1)])

    def execute(starts):
        (start,) = starts
        told = (float(start.number), 1.0) if start.number > 1 else (None, 0.0)
        return [Update(0, 0, start.number, [start.parameters[0] + 1], 1.0, 1.0, 0.1, *told)]

    train_in_rounds([one], execute, Progress(0, [4], [records.append]))
    assert one.validation_curve == [2.0, 2.0, 3.0, 4.0]  # of the parameters after each round
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    assert [record.validation_loss for record in records[2:]] == [3.0, 4.0]


def test_a_pickled_coordinator_goes_on_to_the_same_bits():
    many = participants()
    whole = coordinator(12, outer_rate=0.7, outer_momentum=0.5)
    run_rounds([whole], executor_of(many))
    broken = coordinator(12, outer_rate=0.7, outer_momentum=0.5)
    for _ in range(5):
        broken.finish(executor_of(many)([broken.start()]))
    broken = pickle.loads(pickle.dumps(broken))
    run_rounds([broken], executor_of(many))
    np.testing.assert_array_equal(broken.parameters[0], whole.parameters[0])
    assert broken.validation_curve == whole.validation_curve


def test_networks_end_by_themselves_and_a_callback_ends_all():
    many = participants()
    two = [
        Coordinator([np.zeros(3)], RoundOptions(n_rounds, early_stopping=False), network=network)
        for network, n_rounds in enumerate((3, 8))
    ]
    asked = []

    def execute(starts):
        asked.append(len(starts))
        return executor_of(many)(starts)

    run_rounds(two, execute, lambda running: running[-1].number == 6)
    assert asked == [2, 2, 2, 1, 1, 1]
    assert [one.stop_reason for one in two] == ["max_iter", "callback"]


def test_an_interruption_keeps_the_rounds_before_it():
    many = participants()
    one = coordinator()

    def execute(starts):
        if starts[0].number == 4:
            raise KeyboardInterrupt
        return executor_of(many)(starts)

    run_rounds([one], execute)
    assert (one.stop_reason, one.number) == ("interrupted", 4)

    def at_once(starts):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_rounds([coordinator()], at_once)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": 3}, "answered round 3 of network 0; expected round 0"),
        ({"parameters": [np.zeros(2)]}, r"shapes \[\(2,\)\]; expected \[\(3,\)\]"),
        ({"participant": 1}, "participant 1 answered twice"),
        ({"weight": -1.0}, "the weight -1.0; expected a finite number"),
    ],
)
def test_wrong_updates_are_errors_and_change_nothing(change, message):
    many = participants()
    one = coordinator()
    updates = executor_of(many)([one.start()])
    with pytest.raises(ValueError, match=message):
        one.finish([replace(updates[0], **change), *updates[1:]])
    assert one.number == 0
    assert one.n_bytes == 0
    one.finish(updates)
    assert one.number == 1
    assert one.n_bytes == 3 * 2 * 3 * 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_rounds": 0}, "n_rounds must be at least 1; got 0"),
        ({"outer_rate": 0.0}, "outer rate must be positive and finite; got 0.0"),
        ({"outer_momentum": 1.0}, r"outer momentum must be in \[0, 1\); got 1.0"),
    ],
)
def test_wrong_options_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        Coordinator([np.zeros(1)], RoundOptions(**{"n_rounds": 1} | options))
