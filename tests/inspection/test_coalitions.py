"""Shapley values from predictions for coalitions."""

import numpy as np
import pytest

from fastmlp.inspection.shapley.coalitions import AllCoalitions, Permutations, coalitions_of

N_BACKGROUND, N_COLUMNS = 7, 5
rng = np.random.default_rng(0)
ROWS, OTHERS = rng.normal(size=(3, N_COLUMNS)), rng.normal(size=(N_BACKGROUND, N_COLUMNS))
WEIGHTS = rng.normal(size=(N_COLUMNS, N_COLUMNS))


def pairs(table):
    """Every two columns interact, and each has a curve of its own."""
    products = np.einsum("...i,...j,ij->...", table, table, WEIGHTS)
    return (products + np.sin(3 * table).sum(axis=-1))[..., None]


def triple(table):
    return table[..., :3].prod(axis=-1)[..., None]


def shapley_values(coalitions, function, some=slice(0, N_BACKGROUND)):
    members = coalitions.members(some)
    mixed = np.where(members, ROWS[:, None, None], OTHERS[some][:, None])
    return coalitions.shapley_values(function(mixed), function(OTHERS[some]), function(ROWS), some)


def drawn(n_permutations=1):
    return Permutations.drawn(N_COLUMNS, N_BACKGROUND, n_permutations, np.random.RandomState(0))


def test_one_order_and_its_reverse_are_exact_where_pairs_interact():
    every = AllCoalitions(N_COLUMNS, N_BACKGROUND)
    np.testing.assert_allclose(
        shapley_values(drawn(), pairs), shapley_values(every, pairs), atol=1e-12
    )


def test_more_orders_come_closer_where_three_columns_interact():
    exact = shapley_values(AllCoalitions(N_COLUMNS, N_BACKGROUND), triple)
    errors = [np.abs(shapley_values(drawn(n), triple) - exact).max() for n in (1, 1000)]
    assert errors[0] > 1e-2
    assert errors[1] < 0.1 * errors[0]


@pytest.mark.parametrize("coalitions", [drawn(3), AllCoalitions(N_COLUMNS, N_BACKGROUND)])
def test_parts_of_the_background_add_up(coalitions):
    whole = shapley_values(coalitions, triple)
    parts = sum(shapley_values(coalitions, triple, slice(i, i + 3)) for i in (0, 3, 6))
    np.testing.assert_allclose(parts, whole, atol=1e-12)
    changes = N_BACKGROUND * triple(ROWS) - triple(OTHERS).sum(axis=0)
    np.testing.assert_allclose(whole.sum(axis=1), changes)


def test_all_coalitions_where_they_are_no_more():
    def kind(n_columns, n_permutations):
        return type(coalitions_of(n_columns, 2, n_permutations, np.random.RandomState(0)))

    assert kind(2, 1) is AllCoalitions
    assert kind(8, 18) is Permutations
    assert kind(8, 19) is AllCoalitions
    assert kind(100, 19) is Permutations


def test_neighbours_among_all_coalitions_differ_in_one_column():
    members = AllCoalitions(6, 1).members(slice(0, 1))[0]
    assert len({*map(tuple, members)}) == 2**6 - 2
    changes = np.abs(np.diff(members.astype(int), axis=0)).sum(axis=1)
    assert np.mean(changes == 1) > 0.9
