"""Weights in fewer bytes: which numbers they become, and which parameters of a network."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from tiny_models import tiny

from fastmlp import Network, Regressor
from fastmlp.prediction.rounded_weights import (
    SMALL_DTYPES,
    RoundedWeights,
    is_rounded,
    with_rounded_weights,
)

WEIGHTS = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32)
small_dtypes = pytest.mark.parametrize("dtype", SMALL_DTYPES)

# Half of the distance of neighbours, as a share of the number or of the largest of its column.
ERROR = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "int8": 0.5001 / 127}
BYTES = {"float16": 2, "bfloat16": 2, "int8": 1}


@small_dtypes
def test_each_weight_becomes_the_nearest_number(dtype):
    rounded = RoundedWeights.of(WEIGHTS, dtype)
    assert rounded.values.itemsize == BYTES[dtype]
    relative_to = np.abs(WEIGHTS) if dtype != "int8" else np.abs(WEIGHTS).max(axis=0)
    assert np.all(np.abs(rounded.as_floats() - WEIGHTS) <= ERROR[dtype] * relative_to)


@small_dtypes
def test_rounded_weights_stay_as_they_are_if_rounded_again(dtype):
    once = RoundedWeights.of(WEIGHTS, dtype)
    assert_array_equal(RoundedWeights.of(once.as_floats(), dtype).values, once.values)


def test_bfloat16_rounds_halves_to_the_even_number():
    neighbours = np.array([0x3F80, 0x3F81, 0x3F82], np.uint32) << 16
    halfway = (neighbours[:2] + 0x8000).view(np.float32)
    rounded = RoundedWeights.of(halfway[None], "bfloat16")
    assert_array_equal(rounded.values, [[0x3F80, 0x3F82]])
    assert RoundedWeights.of(np.nextafter(halfway, 2)[None], "bfloat16").values[0, 0] == 0x3F81


def test_int8_has_a_scale_for_each_column():
    rounded = RoundedWeights.of(np.array([[0.0, 1.0, -254.0], [0.0, -0.5, 20.0]]), "int8")
    assert_array_equal(rounded.values, [[0, 127, -127], [0, -64, 10]])
    assert_array_equal(rounded.scale, np.array([1, 1 / 127, 2], np.float32))
    assert_array_equal(rounded.as_floats()[:, 2], [-254, 20])


@pytest.mark.parametrize("smallest", [0, 1e-45])
@small_dtypes
def test_weights_that_vanish_become_zero(dtype, smallest):
    weights = np.full((2, 3), smallest, np.float32)
    assert np.all(np.abs(RoundedWeights.of(weights, dtype).as_floats()) <= smallest)


@pytest.mark.parametrize(("dtype", "large"), [("float16", 7e4), ("bfloat16", 3.4e38)])
def test_weights_that_are_too_large_are_an_error(dtype, large):
    with pytest.raises(ValueError, match=f"too large for dtype='{dtype}'"):
        RoundedWeights.of(np.array([[1, large]], np.float32), dtype)


@pytest.fixture(scope="module")
def pipeline():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": rng.standard_normal(80),
            "b": rng.choice(list("abcdefghijkl"), 80),
            "c": list("xyzw") * 20,
        }
    )
    model = tiny(Regressor, preset="default", n_estimators=5, hidden_layer_sizes=(16, 8))
    return model.fit(frame, frame["a"])._pipeline


def test_weights_and_vectors_of_categories_are_rounded(pipeline):
    for trained in pipeline.networks:
        network = Network(trained.layers)
        names = [name for _, name, _, _ in network._engine.arrays()]
        assert is_rounded(trained.layers) == [name in ("weights", "vectors") for name in names]
        assert {"vectors", "slopes", "piecewise-linear weights"} < set(names)


@small_dtypes
def test_a_network_computes_with_rounded_weights_in_its_own_type(pipeline, dtype):
    trained = pipeline.networks[0]
    rounded = with_rounded_weights(trained, dtype)
    assert rounded.layers == trained.layers
    rounds = is_rounded(trained.layers)
    for before, after, changed in zip(trained.arrays, rounded.arrays, rounds, strict=True):
        assert after.dtype == before.dtype
        assert np.array_equal(before, after) != changed
