"""Arrays whose memory begins between two numbers are copied before the core reads them."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from unaligned import unaligned

from fastmlp import Dense, Network
from fastmlp.table.engine_array import engine_table

X = np.random.default_rng(0).normal(size=(31, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_parts_of_a_sparse_table(dtype):
    rows = csr_array(X.astype(dtype))
    given = csr_array((unaligned(rows.data), rows.indices, rows.indptr), shape=rows.shape)
    parts = engine_table(given, np.dtype(dtype))
    assert all(part.flags.aligned for part in parts)
    np.testing.assert_array_equal(parts[0], rows.data)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_a_backward_pass(loss):
    network = Network([Dense(4, 6, "tanh"), Dense(6, 3)], dtype="float64", random_state=0)
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, size=31) if loss == "cross_entropy" else rng.normal(size=(31, 3))
    weights = rng.uniform(size=31)
    expected = network.backward(X, y, loss=loss, sample_weight=weights)
    gradients = [values.copy() for values in network.gradients_]
    own = unaligned(weights)
    assert network.backward(unaligned(X), unaligned(y), loss=loss, sample_weight=own) == expected
    for values, before in zip(network.gradients_, gradients, strict=True):
        np.testing.assert_array_equal(values, before)
