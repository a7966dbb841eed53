"""Training over the windows of a row cache."""

import _thread
import re

import numpy as np
import pytest
from fits_on_windows import fit_on_windows
from small_caches import write_cache
from tiny_models import assert_same_arrays

from fastmlp import Checkpoint, Classifier, Regressor
from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit
from fastmlp.checkpoints.identity import FitIdentity
from fastmlp.streaming.folds import held_out_ranges, mixed
from fastmlp.streaming.network_on_windows import NetworkOnWindows
from fastmlp.streaming.windows import Windows

N_ROWS, GROUP_ROWS = 2048, 32
MEMORY = 64_000  # for windows of a quarter of the 64 groups
QUICK = {"hidden_layer_sizes": 16, "max_iter": 4, "random_state": 0, "batch_size": 64}
THREE = QUICK | {"n_estimators": 3}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, 4)).astype(np.float32).astype(float)
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]


@pytest.fixture(scope="module")
def cache(table, tmp_path_factory):
    return write_cache(tmp_path_factory.mktemp("cache"), *table, group_rows=GROUP_ROWS)


@pytest.fixture(scope="module")
def fitted(cache, table):
    return fit_on_windows(Regressor(**THREE), cache, *table, max_memory=MEMORY)


def test_it_is_trained_over_several_windows(cache):
    windows = Windows(cache, MEMORY)
    assert (len(windows), windows.groups_per_window) == (4, 16)


@pytest.mark.parametrize("n_threads", [2, 3, 8])
def test_same_bits_for_any_number_of_threads(cache, table, fitted, n_threads):
    other = fit_on_windows(
        Regressor(**THREE), cache, *table, max_memory=MEMORY, n_threads=n_threads
    )
    assert_same_arrays(fitted.parameters, other.parameters)
    histories = [[member.history for member in fit.training.members] for fit in (fitted, other)]
    for own, others in zip(*histories, strict=True):
        assert own.validation_curve == others.validation_curve
        assert own.loss_curve == others.loss_curve


def test_networks_are_trained_on_all_rows_but_those_of_their_fold(cache, table, monkeypatch):
    seen = {}
    train_on = NetworkOnWindows.train_on

    def spy(self, *threads, rows, hashes):
        own = self._held_out.holds(hashes)
        seen.setdefault(self.run.index, []).append(hashes[~own])
        assert not own.all()
        return train_on(self, *threads, rows, hashes)

    monkeypatch.setattr(NetworkOnWindows, "train_on", spy)
    model = Regressor(**THREE | {"max_iter": 1})
    fit = fit_on_windows(model, cache, *table, max_memory=MEMORY)
    hashes = mixed(np.arange(N_ROWS, dtype=np.uint32), 12345)
    ranges = held_out_ranges(3, 0.2, N_ROWS, np.random.RandomState(0))
    for run, own in zip(fit.training.runs, ranges, strict=True):
        read = np.concatenate(seen[run.index])
        np.testing.assert_array_equal(np.sort(read), np.sort(hashes[~own.holds(hashes)]))
        steps = sum(-(-len(part) // 64) for part in seen[run.index])
        assert run.n_steps == steps


def error_of(fit, table):
    X, y = table
    return np.sqrt(np.mean((fit.predict(X).ravel() - y) ** 2)) / y.std()


@pytest.fixture(scope="module")
def in_memory(table):
    """Errors of three seeds."""
    errors = []
    for seed in range(3):
        model = learning(seed).fit(*table)
        errors.append(np.sqrt(np.mean((model.predict(table[0]) - table[1]) ** 2)))
    return np.array(errors) / table[1].std()


def learning(seed):
    return Regressor(
        hidden_layer_sizes=(32, 32), max_iter=24, n_estimators=1, batch_size=32, random_state=seed
    )


@pytest.mark.parametrize("order", ["as it is", "sorted"])
def test_it_learns_as_in_memory_whatever_the_order_of_the_rows(order, table, in_memory, tmp_path):
    rows = np.arange(N_ROWS) if order == "as it is" else np.argsort(table[1])
    X, y = table[0][rows], table[1][rows]
    cache = write_cache(tmp_path, X, y, group_rows=GROUP_ROWS)
    fit = fit_on_windows(learning(0), cache, X, y, max_memory=MEMORY)
    spread = in_memory.max() - in_memory.min()
    assert error_of(fit, (X, y)) < in_memory.max() + 2 * spread
    assert error_of(fit, (X, y)) < 0.3


def test_classes_are_looked_up(table, tmp_path):
    X, y = table
    classes = np.digitize(y, [-0.5, 0.5])
    stored = classes.astype(np.int32)
    cache = write_cache(tmp_path, X, stored, group_rows=GROUP_ROWS)
    model = Classifier(**QUICK | {"max_iter": 30, "n_estimators": 2})
    fit = fit_on_windows(model, cache, X, classes, max_memory=MEMORY, n_threads=2)
    assert (fit.predict(X).argmax(axis=1) == classes).mean() > 0.85


@pytest.mark.parametrize(
    "options", [{"dtype": "float64"}, {"early_stopping": False}, {"preset": "plain"}]
)
def test_other_networks(cache, table, options):
    fit = fit_on_windows(Regressor(**QUICK | options), cache, *table, max_memory=MEMORY)
    history = fit.training.members[0].history
    assert history.n_iter == 4
    assert history.loss_curve[-1] < history.loss_curve[0]
    assert len(history.validation_curve) == (0 if options == {"early_stopping": False} else 4)


# ---- how training ends


def test_callbacks_stop_their_network(cache, table):
    seen = []

    def stop(record):
        seen.append((record.epoch, record.network))
        return record.epoch == 1 + record.network

    fit = fit_on_windows(Regressor(**THREE), cache, *table, max_memory=MEMORY, callbacks=[stop])
    histories = [member.history for member in fit.training.members]
    assert [history.n_iter for history in histories] == [1, 2, 3]
    assert {history.stop_reason for history in histories} == {"callback"}
    assert sorted(seen) == [(1, 0), (1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_exceptions_of_callbacks_come_through(cache, table, n_threads):
    class Failed(Exception):
        pass

    def fail(record):
        if record.epoch == 2:
            raise Failed("on purpose")

    with pytest.raises(Failed, match="on purpose"):
        fit_on_windows(
            Regressor(**THREE),
            cache,
            *table,
            max_memory=MEMORY,
            n_threads=n_threads,
            callbacks=[fail],
        )


def test_epochs_are_printed(cache, table, capsys):
    fit_on_windows(Regressor(**THREE, verbose=2), cache, *table, max_memory=MEMORY)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("Network [1/3], Epoch [1/4], Loss: ")
    assert "Val Loss: " in lines[0]


def test_the_bar_counts_windows(cache, table, capsys):
    model = Regressor(**THREE, verbose=1)
    fit_on_windows(model, cache, *table, max_memory=MEMORY)
    last = re.split(r"[\r\n]+", capsys.readouterr().err.strip())[-1]
    assert "48/48 windows" in last  # 4 of each epoch
    assert "3/3 networks" in last


def test_patience_ends_training(cache, table):
    model = Regressor(**THREE | {"max_iter": 50, "n_iter_no_change": 2, "tol": 1e9})
    fit = fit_on_windows(model, cache, *table, max_memory=MEMORY)
    histories = [member.history for member in fit.training.members]
    assert {history.stop_reason for history in histories} == {"no_improvement"}
    assert {history.n_iter for history in histories} == {4}


def test_a_metric_is_watched(cache, table):
    model = Regressor(**THREE, eval_metric="neg_mean_absolute_error")
    fit = fit_on_windows(model, cache, *table, max_memory=MEMORY, n_threads=2)
    for member in fit.training.members:
        history = member.history
        assert len(history.metric_curve) == 4
        assert history.best_loss == -max(history.metric_curve)


def test_a_time_limit_ends_the_epoch_under_way(cache, table):
    # Over when training begins, so that a minibatch of the first window is the only one.
    model = Regressor(**THREE | {"n_estimators": 1, "time_limit": 1e-9})
    with pytest.warns(UserWarning, match=r"left less than one epoch, on [34]\.\d% of the rows"):
        fit = fit_on_windows(model, cache, *table, max_memory=MEMORY)
    history = fit.training.members[0].history
    assert (history.stop_reason, history.n_iter) == ("time_limit", 1)


def test_divergence_is_an_error(cache, table):
    model = Regressor(**THREE | {"learning_rate_init": 1e30})
    with pytest.raises(ValueError, match="training diverged"):
        fit_on_windows(model, cache, *table, max_memory=MEMORY)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_keeps_the_weights_of_finished_epochs(cache, table, n_threads):
    def press(record):
        if record.epoch == 3:
            _thread.interrupt_main()

    model = Regressor(**THREE | {"max_iter": 10**6})
    with pytest.warns(UserWarning, match="3 of 3 networks were kept"):
        fit = fit_on_windows(
            model, cache, *table, max_memory=MEMORY, n_threads=n_threads, callbacks=[press]
        )
    for member in fit.training.members:
        assert member.history.stop_reason == "interrupted"
        assert 3 <= member.history.n_iter == len(member.history.loss_curve) < 10**6
    assert np.isfinite(fit.predict(table[0])).all()


def test_ctrl_c_while_it_waits_for_rows(cache, table, monkeypatch):
    epoch = Windows.epoch

    def interrupted_in_the_third(self, seed, number, first=0):
        for i, window in enumerate(epoch(self, seed, number, first)):
            if (number, i) == (2, 1):
                raise KeyboardInterrupt
            yield window

    two = fit_on_windows(
        Regressor(**THREE), cache, *table, max_memory=MEMORY, callbacks=[after_two]
    )
    monkeypatch.setattr(Windows, "epoch", interrupted_in_the_third)
    with pytest.warns(UserWarning, match="interrupted by user"):
        fit = fit_on_windows(Regressor(**THREE), cache, *table, max_memory=MEMORY)
    assert_same_arrays(fit.parameters, two.parameters)


def after_two(record):
    return record.epoch == 2


def test_ctrl_c_in_the_first_epoch_is_raised(cache, table, monkeypatch):
    def interrupted(self, seed, number, first=0):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Windows, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_on_windows(Regressor(**THREE), cache, *table, max_memory=MEMORY)


def test_a_file_that_changes_meanwhile_ends_training(table, tmp_path):
    cache = write_cache(tmp_path, *table, group_rows=GROUP_ROWS)

    def damage(record):
        with cache.path.open("r+b") as file:
            file.seek(cache.groups[7].offset)
            file.write(b"\xff" * 64)

    with pytest.raises(OSError, match="row group 7"):
        fit_on_windows(
            Regressor(**THREE), cache, *table, max_memory=MEMORY, callbacks=[damage], n_threads=2
        )


# ---- checkpoints


class Keeper:
    """Keeps every state that it is offered."""

    def __init__(self, saved=None):
        self.saved = saved or {}
        self.kept = []

    def is_due(self, name, epoch):
        assert name == "windows"
        return True

    def keep(self, states):
        self.kept.append(dict(states))


def kept_fit(cache, table, keeper, n_threads=1, more=(), verbose=0):
    model = Regressor(**THREE, eval_metric="neg_mean_absolute_error", verbose=verbose)
    return fit_on_windows(
        model,
        cache,
        *table,
        max_memory=MEMORY,
        n_threads=n_threads,
        keeper=keeper,
        callbacks=[*more, lambda record: (record.network, record.epoch) == (1, 2)],
    )


@pytest.fixture(scope="module")
def unbroken(cache, table):
    keeper = Keeper()
    return kept_fit(cache, table, keeper), keeper.kept


def test_states_are_kept_between_windows_and_between_epochs(unbroken):
    places = [(kept["windows"]["epoch"], kept["windows"]["window"]) for kept in unbroken[1]]
    expected = [(epoch, window) for epoch in range(4) for window in range(4)]
    assert places == [*expected[1:], (4, 0)]


@pytest.mark.parametrize("position", [0, 3, 6, 8, 14, 15])
def test_training_goes_on_to_the_same_bits(cache, table, unbroken, position):
    fit, kept = unbroken
    keeper = Keeper(kept[position])
    other = kept_fit(cache, table, keeper, n_threads=2)
    assert_same_arrays(fit.parameters, other.parameters)
    histories = [[member.history for member in one.training.members] for one in (fit, other)]
    for own, others in zip(*histories, strict=True):
        for name in ("n_iter", "best_iteration", "loss_curve", "metric_curve", "stop_reason"):
            assert getattr(own, name) == getattr(others, name)


@pytest.mark.parametrize("position", [1, 5])
def test_the_bar_goes_on_too(cache, table, unbroken, position, capsys):
    kept_fit(cache, table, Keeper(unbroken[1][position]), verbose=1)
    assert "40/40 windows" in capsys.readouterr().err.strip()  # one network ended after 2 epochs


def test_training_goes_on_from_a_file(cache, table, unbroken, tmp_path):
    checkpoint = Checkpoint(tmp_path / "fit.checkpoint", minutes=1e-9)

    def kept():
        return CheckpointedFit.of(checkpoint, FitIdentity.of(Regressor(), {}))

    class Killed(Exception):
        pass

    def kill(record):
        if record.epoch == 3:
            raise Killed

    with pytest.raises(Killed), kept() as first:
        kept_fit(cache, table, first, more=[kill])
    with kept() as second:
        assert second.saved["windows"] == {"epoch": 2, "window": 3}
        other = kept_fit(cache, table, second)
    assert_same_arrays(unbroken[0].parameters, other.parameters)
