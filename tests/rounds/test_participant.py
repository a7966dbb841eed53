"""A participant: rounds of the core's training on rows of its own."""

import pickle
from copy import deepcopy
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from tiny_models import assert_same_arrays

from fastmlp import Regressor, _core
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.estimators.parameters import checked_settings
from fastmlp.rounds.coordinator import Coordinator, RoundOptions
from fastmlp.rounds.participant import HeldOutLoss, Participant
from fastmlp.rounds.training import run_rounds
from fastmlp.table.encoder import DenseEncoder

N_EPOCHS = 6


class Case:
    """One network on a table, as a fit would train it."""

    def __init__(self, n_rows=100, **parameters):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(n_rows, 3)).astype(np.float32)
        y = X[:, 0] - np.sin(2 * X[:, 1])
        self.model = Regressor(
            **{
                "preset": "fast",
                "n_estimators": 1,
                "hidden_layer_sizes": 8,
                "max_iter": N_EPOCHS,
                "batch_size": 16,
                "early_stopping": False,
            }
            | parameters
        )
        settings = checked_settings(self.model)
        encoder, table = DenseEncoder.learn(X)
        task, targets = self.model._new_task(y, settings)
        self.scaling = settings.learn_scaling(table, encoder.n_numeric, None, None)
        self.task = task.scaled_to(targets, None, None, None).with_range_of(targets, None)
        self.data = RowSubset(table, targets, None)
        self.new = NewNetworks(
            self.data,
            [Split(None, None)],
            None,
            settings,
            encoder,
            self.scaling,
            self.task,
            np.random.RandomState(0),
        )
        self.specs = settings.specs(1, n_rows, held_out=False)
        (self.run,) = self.new.runs(self.specs)

    @property
    def initial(self):
        return self.run.member.network.parameters

    def participant(self, number=0, **options):
        options = {"n_rounds": N_EPOCHS} | options
        return Participant(number, self.run, self.scaling.engine, **options)

    def trained_without_rounds(self):
        run = replace(self.run, member=self.run.member.copy())
        run.run(self.scaling.engine, _core.ThreadBudget(1, 1), Progress(0, [N_EPOCHS], []), None)
        return run.latest

    def held_out(self, rows):
        subset = self.data._replace(rows=np.asarray(rows, dtype=np.uint32))
        return HeldOutLoss(subset, self.task, self.scaling.engine)


@pytest.fixture(scope="module")
def case():
    return Case()


def trained_in_rounds(case, participants, n_rounds=N_EPOCHS, **options):
    coordinator = Coordinator(case.initial, RoundOptions(n_rounds, **options))
    run_rounds([coordinator], lambda starts: [p.answer(starts[0], 1) for p in participants])
    return coordinator


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"dtype": "float64"},
        {"preset": "plain", "dropout": 0.2, "solver": "sgd", "learning_rate_init": 0.01},
        {"learning_rate": "invscaling"},
        {"mixup": 0.5, "swap_noise": 0.1, "input_noise": 0.1},
    ],
)
def test_one_participant_trains_as_if_there_were_no_rounds(parameters):
    case = Case(**parameters)
    coordinator = trained_in_rounds(case, [case.participant()])
    expected = case.trained_without_rounds()
    assert_same_arrays(coordinator.parameters, expected.network.parameters)
    assert coordinator.loss_curve == expected.history.loss_curve
    assert coordinator.learning_rate_curve == expected.history.learning_rate_curve
    assert coordinator.stop_reason == "max_iter"


def test_threads_do_not_change_the_bits(case):
    start = Coordinator(case.initial, RoundOptions(1)).start()
    one, many = (case.participant().answer(start, n).parameters for n in (1, 3))
    assert_same_arrays(one, many)


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_rounds_of_any_length_go_through_the_same_rows(steps):
    case = Case(shuffle=False, learning_rate="constant")
    assert case.run.steps_per_epoch == 7
    n_rounds = -(-7 * N_EPOCHS // steps)
    in_rounds = trained_in_rounds(
        case, [case.participant(epochs=steps / 7, n_rounds=n_rounds)], n_rounds
    )
    n_more = n_rounds * steps - 7 * N_EPOCHS
    if not n_more:
        expected = case.trained_without_rounds().network.parameters
        assert_same_arrays(in_rounds.parameters, expected)
    assert in_rounds.number == n_rounds


def test_an_epoch_of_short_rounds_has_every_row_once(case):
    participant = case.participant(epochs=3 / 7, n_rounds=14)
    seen = [rows for number in range(7) for rows in participant._passes(number)]
    per_epoch = np.concatenate(seen).reshape(3, 100)
    for rows in per_epoch:
        np.testing.assert_array_equal(np.sort(rows), np.arange(100))
    assert not np.array_equal(per_epoch[0], per_epoch[1])


def test_participants_agree_on_less_loss_than_they_began_with(case):
    halves = [np.arange(k, 100, 2, dtype=np.uint32) for k in range(2)]
    participants = [
        Participant(
            number,
            replace(case.run, train=case.run.train._replace(rows=rows)),
            case.scaling.engine,
            n_rounds=N_EPOCHS,
            held_out=case.held_out(rows),
        )
        for number, rows in enumerate(halves)
    ]
    coordinator = trained_in_rounds(case, participants)
    assert coordinator.validation_curve[-1] < 0.5 * coordinator.validation_curve[0]
    network = deepcopy(case.run.member.network)
    for own, learnt in zip(network.parameters, coordinator.parameters, strict=True):
        own[...] = learnt
    loss = case.held_out(np.arange(100)).of(network, 1)
    assert loss == pytest.approx(min(coordinator.validation_curve), rel=1e-5)


def test_participants_differ_in_their_random_numbers(case):
    start = Coordinator(case.initial, RoundOptions(N_EPOCHS)).start()
    first, again, other = (case.participant(n).answer(start, 1).parameters for n in (0, 0, 1))
    assert_same_arrays(first, again)
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("schedule", ["cosine", "invscaling"])
def test_what_a_participant_does_follows_from_the_round(schedule):
    """A late one has the learning rate and the order of rows of those that were there."""
    case = Case(solver="sgd", momentum=0.0, learning_rate=schedule, learning_rate_init=0.01)
    whole = Coordinator(case.initial, RoundOptions(N_EPOCHS))
    there = case.participant()
    for _ in range(4):
        start = whole.start()
        expected = there.answer(start, 1)
        whole.finish([expected])
    late = case.participant().answer(pickle.loads(pickle.dumps(start)), 1)
    assert late.learning_rate == expected.learning_rate
    assert_same_arrays(late.parameters, expected.parameters)


def test_rounds_may_be_asked_for_again_and_missed():
    """What did not arrive is asked for again, more often than there are rounds."""
    case = Case(solver="sgd", momentum=0.0, learning_rate="invscaling", learning_rate_init=0.01)
    start = replace(Coordinator(case.initial, RoundOptions(3)).start(), number=2)
    expected = case.participant(n_rounds=3).answer(start, 1)
    participant = case.participant(n_rounds=3)
    participant.answer(replace(start, number=0), 1)
    for _ in range(4):
        again = participant.answer(start, 1)
        assert (again.loss, again.learning_rate) == (expected.loss, expected.learning_rate)
        assert_same_arrays(again.parameters, expected.parameters)


def test_updates_are_by_value_and_tell_no_more_than_asked(case):
    participant = case.participant(tells_losses=False)
    start = Coordinator(case.initial, RoundOptions(N_EPOCHS)).start()
    update = participant.answer(start, 1)
    kept = pickle.loads(pickle.dumps(update))
    participant.answer(start, 1)
    assert_same_arrays(update.parameters, kept.parameters)
    assert update.loss is None
    assert update.learning_rate is None  # that of the last step tells how many there were
    assert update.validation_loss is None
    assert len(pickle.dumps(update)) < 1.1 * start.n_bytes + 2000


def test_the_last_message_is_an_evaluation(case):
    participant = case.participant(held_out=case.held_out([1, 2, 3]))
    start = replace(Coordinator(case.initial, RoundOptions(1)).start(), trains=False)
    update = participant.answer(start, 1)
    assert not update.parameters
    assert update.validation_weight == 3
    assert 0 < update.validation_loss < inf


def test_a_diverged_participant_begins_anew():
    case = Case(preset="plain", solver="sgd", learning_rate="constant", learning_rate_init=0.01)
    start = Coordinator(case.initial, RoundOptions(N_EPOCHS)).start()
    fresh = case.participant().answer(start, 1)
    participant = case.participant()
    wild = replace(start, parameters=[values + np.float32(1e30) for values in start.parameters])
    assert not participant.answer(wild, 1).is_finite
    again = participant.answer(start, 1)
    assert_same_arrays(again.parameters, fresh.parameters)


def test_an_interrupted_participant_raises_and_can_be_asked_again(case):
    start = Coordinator(case.initial, RoundOptions(1)).start()
    participant = case.participant(epochs=1400, n_rounds=1)
    with pytest.raises(KeyboardInterrupt):  # it is asked every 50 ms
        participant.answer(start, 1, lambda: True)
    expected = case.participant(epochs=1400, n_rounds=1).answer(start, 1)
    assert_same_arrays(participant.answer(start, 1).parameters, expected.parameters)
