"""How rows are divided by groups, by time, and by parts that are given."""

import numpy as np
import pytest

from fastmlp.ensemble.splits import RowSubset, split_rows
from fastmlp.ensemble.splitters import GivenSplitter, GroupSplitter, TimeSplitter

RNG = np.random.default_rng(0)
SIZES = RNG.integers(1, 40, size=60)
GROUPS = RNG.permutation(np.repeat(np.arange(60), SIZES)).astype(np.int32)
N_ROWS = GROUPS.size


def divided(splitter, n_estimators=5, fraction=0.2, strata=None, seed=0, n_rows=N_ROWS):
    random_state = np.random.RandomState(seed)
    return splitter.divide(n_rows, fraction, n_estimators, strata, random_state)


def test_groups_stay_together_in_folds_of_equal_size():
    division = divided(GroupSplitter(GROUPS))
    assert division.n_folds == 5
    assert division.are_folds
    for train, held_out in division.parts:
        assert not np.intersect1d(GROUPS[train], GROUPS[held_out]).size
        np.testing.assert_array_equal(np.sort(np.r_[train, held_out]), np.arange(N_ROWS))
        assert held_out.size == pytest.approx(N_ROWS / 5, rel=0.1)
    every = np.concatenate([held_out for _, held_out in division.parts])
    np.testing.assert_array_equal(np.sort(every), np.arange(N_ROWS))


def test_folds_of_groups_are_drawn_anew_for_each_round():
    parts = divided(GroupSplitter(GROUPS), n_estimators=10).parts
    first, second = ([tuple(held_out) for _, held_out in own] for own in (parts[:5], parts[5:]))
    assert not {*first} & {*second}
    assert sum(map(len, second)) == N_ROWS
    assert [*map(tuple, divided(GroupSplitter(GROUPS)).parts[0])] == [*map(tuple, parts[0])]
    other = divided(GroupSplitter(GROUPS), seed=1).parts[0]
    assert tuple(other[1]) not in first


def test_rare_classes_are_in_all_folds():
    rare = np.isin(GROUPS, np.arange(0, 50, 5))  # some of the rows of ten groups
    rare &= RNG.uniform(size=N_ROWS) < 0.3
    held_out = [part[1] for part in divided(GroupSplitter(GROUPS), strata=rare.astype(int)).parts]
    shares = [rare[rows].sum() / rare.sum() for rows in held_out]
    np.testing.assert_allclose(shares, 0.2, atol=0.1)
    assert max(map(len, held_out)) < 1.2 * min(map(len, held_out))


@pytest.mark.parametrize("fraction", [0.1, 0.37, 0.6])
def test_one_network_holds_out_groups_of_about_the_fraction(fraction):
    ((train, held_out),) = divided(GroupSplitter(GROUPS), 1, fraction).parts
    assert not np.intersect1d(GROUPS[train], GROUPS[held_out]).size
    assert held_out.size / N_ROWS == pytest.approx(fraction, abs=0.05)


def test_two_groups_make_two_folds():
    division = divided(GroupSplitter(np.repeat([0, 1], [100, 3]).astype(np.int32)), n_rows=103)
    assert division.n_folds == 2
    assert {held_out.size for _, held_out in division.parts} == {3, 100}


def test_later_rows_validate_earlier_ones():
    order = RNG.permutation(100)
    division = divided(TimeSplitter(order.astype(float)), 10, n_rows=100)
    assert not division.are_folds
    times = [(order[train], order[held_out]) for train, held_out in division.parts]
    assert [(t.max(), h.min(), h.max()) for t, h in times] == [
        (79, 80, 99),
        (59, 60, 79),
        (39, 40, 59),  # a network on less than a third of the rows would tell little
    ]
    assert [t.size for t, _ in times] == [80, 60, 40]


def test_few_networks_hold_out_the_last_rows():
    for n_estimators, fraction, sizes in ((1, 0.25, [25]), (2, 0.1, [10, 10]), (3, 0.6, [60])):
        parts = divided(TimeSplitter(np.arange(100.0)), n_estimators, fraction, n_rows=100).parts
        assert [held_out.size for _, held_out in parts] == sizes


def test_rows_of_the_same_time_stay_together():
    times = np.repeat([1.0, 2.0, 3.0], [5, 90, 5])
    parts = divided(TimeSplitter(times), n_rows=100).parts
    assert [(set(times[train]), set(times[rows])) for train, rows in parts] == [({1.0, 2.0}, {3.0})]
    times = np.repeat(np.arange(10.0), 10)
    for train, held_out in divided(TimeSplitter(times), n_rows=100).parts:
        assert times[train].max() < times[held_out].min()


def test_networks_have_given_parts_in_turn():
    rows = np.arange(12, dtype=np.uint32)
    parts = [(rows[rows % 3 != k], rows[rows % 3 == k]) for k in range(3)]
    division = divided(GivenSplitter(parts), n_rows=12)
    assert division.are_folds
    assert division.n_folds == 3
    assert [held_out[0] for _, held_out in division.parts] == [0, 1, 2, 0, 1]
    with pytest.warns(UserWarning, match="cv has 3 splits for 2 networks.* n_estimators=3 uses"):
        assert len(divided(GivenSplitter(parts), 2, n_rows=12).parts) == 2
    windows = [(rows[:4], rows[4:8]), (rows[:8], rows[8:])]
    division = divided(GivenSplitter(windows), n_rows=12)
    assert not division.are_folds
    assert len(division.parts) == 2


def test_what_divides_rows_has_a_digest():
    one, other = GroupSplitter(GROUPS), GroupSplitter(GROUPS[::-1].copy())
    assert one.digests() != other.digests()
    assert one.digests() == GroupSplitter(GROUPS.copy()).digests()
    assert {*one.digests(), *TimeSplitter(np.arange(3.0)).digests()} == {"groups", "time"}


def test_parts_without_weight_are_refused():
    weights = (np.arange(20) < 10).astype(float)
    data = RowSubset(np.zeros((20, 1)), np.zeros((20, 1)), weights)
    with pytest.raises(ValueError, match="sample_weight is 0 for all training rows, or"):
        split_rows(data, None, None, 0.2, 1, np.random.RandomState(0), TimeSplitter(np.arange(20)))
