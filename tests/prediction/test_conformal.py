"""Conformal quantiles, scores by group, and difficulty: on numbers that can be checked by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp.prediction.conformal import (
    ConformalScores,
    Difficulty,
    PredictionIntervals,
    PredictionSets,
    conformal_quantile,
)

inf = np.inf
NINETEEN = np.arange(1.0, 20.0)


@pytest.mark.parametrize(
    ("n", "level", "expected"),
    [
        (9, 0.9, 9.0),
        (8, 0.9, inf),  # one of nine is the largest with a probability of 1/9, more than 0.1
        (9, 0.91, inf),
        (19, 0.95, 19.0),
        (19, 0.9, 18.0),
        (19, 0.05, 1.0),
        (19, 0.001, 1.0),
        (99, 0.9, 90.0),
        (999, 0.7, 700.0),  # 0.7 * 1000 is more than 700 by rounding
        (0, 0.5, inf),
    ],
)
def test_quantile_of_known_scores(n, level, expected):
    scores = np.arange(1.0, n + 1)
    assert conformal_quantile(scores, level) == expected
    assert conformal_quantile(scores, level, np.full(n, 3.0)) == expected


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.93])
def test_coverage_of_the_next_score_is_exact(level):
    """Each of n + 1 numbers is the new one as often as any other."""
    numbers, n = np.random.default_rng(0).permutation(40).astype(float), 39
    held = [
        numbers[i] <= conformal_quantile(np.sort(np.delete(numbers, i)), level)
        for i in range(n + 1)
    ]
    assert np.sum(held) == np.ceil(level * (n + 1) - 1e-9)


def test_weighted_quantile():
    """Half of the weight, the new row's 1 included, is reached with the third score."""
    weights = np.array([0.5, 0.5, 1.5, 1.5])  # in all 4, and 1 for the new one
    assert conformal_quantile(np.arange(1.0, 5.0), 0.5, weights) == 3.0
    assert conformal_quantile(np.arange(1.0, 5.0), 0.2, weights) == 2.0
    assert conformal_quantile(np.arange(1.0, 5.0), 0.85, weights) == inf


def of_scores(scores, **options):
    return PredictionIntervals(scores, None, (), np.ones(scores.values.shape[1]), **options)


def test_ends_of_skewed_residuals_are_at_the_quantiles_of_either_side():
    residuals = np.append(-NINETEEN[:9], 100 * NINETEEN[9:])[:, None]
    found = of_scores(ConformalScores(residuals)).of(np.array([[0.0], [5.0]]), 0.8, None)
    assert_array_equal(found, [[[-8.0, 1800.0]], [[-3.0, 1805.0]]])


def test_each_output_has_residuals_of_its_own():
    scores = ConformalScores(np.column_stack([NINETEEN - 10, 10 * (NINETEEN - 10)]))
    found = of_scores(scores).of(np.array([[0.0, 1.0]]), 0.9, None)
    assert_array_equal(found, [[[-9.0, 9.0], [-89.0, 91.0]]])


def test_groups_have_quantiles_of_their_own():
    residuals = np.append(NINETEEN - 10, 10 * (NINETEEN - 10))[:, None]
    group = np.repeat(np.array([0, 1], dtype=np.int32), 19)
    intervals = of_scores(ConformalScores(residuals, None, group, (None, "b")))
    found = intervals.of(np.zeros((3, 1)), 0.9, np.array(["b", None, np.nan], dtype=object))
    assert_array_equal(found[:, 0], [[-90, 90], [-9, 9], [-9, 9]])
    with pytest.warns(UserWarning, match="needs 19 calibration rows, .* some groups have fewer"):
        found = intervals.of(np.zeros((2, 1)), 0.9, ["new", "b"])
    assert_array_equal(found[:, 0], [[-inf, inf], [-90, 90]])
    with pytest.warns(UserWarning, match="needs 39 calibration rows, .*, such as 'b'"):
        assert np.isinf(intervals.of(np.zeros((1, 1)), 0.95, ["b"])).all()


def test_weights_are_those_of_the_sorted_scores():
    residuals, weights = np.array([[3.0], [1.0], [2.0]]), np.array([1.0, 0.5, 1.5])
    scores = ConformalScores(residuals, weights)
    assert scores.at_most(0.5)[0, 0] == 2.0  # 0.5 + 1.5 of 4
    assert scores.at_least(0.5)[0, 0] == 2.0  # 1 + 1.5 of 4


def test_sets_hold_classes_as_probable_as_true_ones():
    classes = np.repeat(np.array([0, 1], dtype=np.int32), [9, 10])
    sets = PredictionSets(ConformalScores(NINETEEN[:, None] / 20), classes)
    probabilities = np.array([[0.5, 0.5], [0.06, 0.94], [0.04, 0.04]])
    found = sets.of(probabilities, 0.9, None, class_conditional=False)  # up to 18/20
    assert_array_equal(found, [[True, True], [False, True], [False, False]])
    # Up to 9/20 for the first class, and up to 19/20 for the second.
    found = sets.of(probabilities, 0.9, None, class_conditional=True)
    assert_array_equal(found, [[False, True], [False, True], [False, False]])
    with pytest.warns(UserWarning, match="needs 19 calibration rows"):
        assert sets.of(probabilities, 0.95, None, class_conditional=True).all()


def test_quantiles_next_to_the_ends_are_moved():
    """With several, those of the coverage that is asked for."""
    residuals = np.column_stack([NINETEEN - 2, NINETEEN - 6, NINETEEN - 14, NINETEEN - 18])
    intervals = PredictionIntervals(
        ConformalScores(residuals), None, (0.05, 0.25, 0.75, 0.95), np.ones(4)
    )
    predicted = np.array([[0.0, 10.0, 20.0, 30.0]])
    # 1 - 2 and 19 - 18 from the outer ones; 5 - 6 and 15 - 14 from the inner ones
    assert_array_equal(intervals.of(predicted, 0.9, None), [[[-1.0, 31.0]]])
    assert_array_equal(intervals.of(predicted, 0.5, None), [[[9.0, 21.0]]])


def test_ends_that_cross_are_put_in_order():
    residuals = np.column_stack([np.full(19, 5.0), np.full(19, -5.0)])
    intervals = PredictionIntervals(ConformalScores(residuals), None, (0.05, 0.95), np.ones(2))
    assert_array_equal(intervals.of(np.array([[0.0, 1.0]]), 0.9, None), [[[-4.0, 5.0]]])


def test_difficulty_follows_the_errors():
    predicted = np.linspace(0, 10, 1001)[::-1, None]
    difficulty, _ = Difficulty.learn(predicted, 1 + predicted)
    x = np.array([[2.0], [5.0], [8.0]])
    assert_allclose(difficulty.of(x), 1 + x, rtol=0.1)
    ends = difficulty.of(np.array([[-100.0], [100.0]]))
    assert_array_equal(ends[:, 0], difficulty.error[0, [0, -1]])  # constant outside


def test_the_difficulty_of_a_row_that_is_learnt_from_leaves_out_its_own_error():
    """All the others' mean, where all predictions of a half are equal."""
    errors = np.random.default_rng(0).exponential(size=(100, 1))
    halves = np.repeat([0.0, 1.0], 50)[:, None]
    _, without = Difficulty.learn(halves, errors)
    own, prior = errors[:50], 10 * errors.mean()
    assert_allclose(without[:50], (own.sum() - own + prior) / 59)


def test_difficulty_of_few_rows_and_of_no_errors():
    assert Difficulty.learn(np.zeros((99, 1)), np.ones((99, 1))) is None
    difficulty, without = Difficulty.learn(np.full((100, 1), 0.1), np.zeros((100, 1)))
    assert (difficulty.of(np.array([[0.1], [3.0]])) > 0).all()
    assert (without > 0).all()
    assert (np.diff(difficulty.predicted) >= 0).all()
