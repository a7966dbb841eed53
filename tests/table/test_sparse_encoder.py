"""SparseEncoder: the forms that it reads, and the scale of columns."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sparse_tables import FORMS, sparse_table

from fastmlp.table.sparse import read_sparse
from fastmlp.table.sparse_encoder import SparseEncoder, learn_scale

FLOAT64 = np.dtype(np.float64)


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_sorted_and_entries_occur_once(form):
    table = sparse_table()
    rows = read_sparse(FORMS[form](table), "X")
    assert isinstance(rows, scipy.sparse.csr_array)
    assert scipy.sparse.csr_array((rows.data, rows.indices, rows.indptr)).has_canonical_format
    assert_allclose(rows.toarray(), table.toarray(), rtol=1e-15)


def test_rows_in_order_are_not_copied():
    table = sparse_table()
    rows = read_sparse(table, "X")
    assert np.shares_memory(rows.data, table.data)
    assert np.shares_memory(rows.indices, table.indices)


def test_indices_out_of_range():
    table = sparse_table()
    table.indices[5] = 1000
    with pytest.raises(ValueError, match="ind"):
        read_sparse(table, "X")


def test_columns_of_about_the_same_size_keep_their_ratios():
    columns = np.array([[1.0, 2, 4, 0], [0, 2, -4, 0], [1, 0, 0, 0]])
    assert_allclose(learn_scale(scipy.sparse.csr_array(columns), None), 1 / 2)


def test_columns_of_another_size_get_their_own():
    rows = scipy.sparse.csr_array(np.diag([1.0, 1, 1, 1e5, 1e-5, 0]))
    assert_allclose(learn_scale(rows, None), [1, 1, 1, 1e-5, 1e5, 1])
    huge = scipy.sparse.csr_array(np.diag([1e300, 1e300, 0]))
    assert_allclose(learn_scale(huge, None), 1e-300)


def test_weights_of_rows_count_as_repetitions():
    rows = sparse_table()
    weights = np.arange(rows.shape[0]) % 4
    repeated = rows[np.repeat(np.arange(rows.shape[0]), weights)]
    assert_allclose(learn_scale(rows, weights), learn_scale(repeated, None))


def test_explicit_zeros_do_not_count():
    rows = scipy.sparse.csr_array(np.array([[1.0, 2], [3, 4], [5, 6]]))
    rows.data[2:4] = 0
    pruned = rows.copy()
    pruned.eliminate_zeros()
    assert_array_equal(learn_scale(rows, None), learn_scale(pruned, None))


def test_later_rows_are_encoded_like_those_of_training():
    table = sparse_table()
    encoder, rows = SparseEncoder.learn(table, "from_dtype", FLOAT64, drops_empty=False)
    assert_array_equal(rows.toarray(), table.toarray())
    encoder, rows = encoder.scaled_to(rows, None)
    for later in (table, table.tocoo(), table.toarray(), table.toarray().tolist()):
        assert_array_equal(encoder.encode(later).toarray(), rows.toarray())


def test_columns_without_entries_are_left_out():
    table = sparse_table()
    wide = scipy.sparse.csr_array((table.data, table.indices * 1000 + 7, table.indptr))
    encoder, rows = SparseEncoder.learn(wide, "from_dtype", FLOAT64, drops_empty=True)
    assert (encoder.n_columns, encoder.n_numeric) == (29_008, 30)
    assert_array_equal(rows.toarray(), table.toarray())
    later = scipy.sparse.csr_array(([1.0, 2, 3], ([0, 0, 1], [6, 1007, 8])), shape=wide.shape)
    assert_array_equal(encoder.encode(later).toarray()[:2], [[0, 2, *[0] * 28], [0] * 30])
    _, rows = SparseEncoder.learn(wide, "from_dtype", FLOAT64, drops_empty=False)
    assert rows.shape == wide.shape


def test_a_table_without_entries():
    nothing = scipy.sparse.csr_array((3, 4))
    encoder, rows = SparseEncoder.learn(nothing, "from_dtype", FLOAT64, drops_empty=True)
    assert rows.shape == (3, 4)
    assert_array_equal(encoder.scaled_to(rows, None)[1].toarray(), nothing.toarray())


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    "columns",
    [
        {"a": [0, 1, 2], "b": [0.5, 0.0, 1.5]},
        {"a": [True, False, True], "b": [False, True, True]},
        {"a": [True, False, True], "b": [3, 4, 0]},
    ],
)
def test_dense_frames_of_several_types_of_numbers(library, columns):
    table = np.column_stack([np.array(values, float) for values in columns.values()])
    sparse = scipy.sparse.csr_array(table)
    encoder, _ = SparseEncoder.learn(sparse, "from_dtype", FLOAT64, drops_empty=False)
    assert_array_equal(encoder.encode(library(columns)).toarray(), table)


def test_dense_frames_of_other_columns():
    sparse = scipy.sparse.csr_array(np.eye(2))
    encoder, _ = SparseEncoder.learn(sparse, "from_dtype", FLOAT64, drops_empty=False)
    with pytest.raises(ValueError, match="X_val: column 'b' was numeric in training; got 'word'"):
        encoder.encode(pd.DataFrame({"a": [1.0], "b": ["word"]}), "X_val")
    with pytest.raises(ValueError, match="contains NaN"):
        encoder.encode(pd.DataFrame({"a": [1.0], "b": [None]}, dtype=float))


@pytest.mark.parametrize("size", [1e-42, 1e-41, 1e38])
def test_scales_that_float32_cannot_hold(size):
    rows = scipy.sparse.csr_array(size * np.eye(3))
    encoder, table = SparseEncoder.learn(rows, "from_dtype", np.dtype("f4"), drops_empty=False)
    encoder, table = encoder.scaled_to(table, None)
    assert table.dtype == np.float32
    assert_allclose(table.toarray(), np.eye(3), rtol=1e-6)
    assert_array_equal(encoder.encode(rows).toarray(), table.toarray())
