"""Sparse tables."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network as theirs
from theirs_and_ours import both, classifier, close, few_epochs, regressor

import fastmlp.neural_network as ours

pytestmark = few_epochs


def sparse_table(rows=200, columns=60, seed=0):
    rng = np.random.RandomState(seed)
    dense = rng.normal(size=(rows, columns)) * (rng.uniform(size=(rows, columns)) < 0.1)
    return scipy.sparse.csr_array(dense)


def variants():
    table = sparse_table()
    unsorted = table.copy()
    for i in range(table.shape[0]):
        part = slice(table.indptr[i], table.indptr[i + 1])
        unsorted.indices[part] = table.indices[part][::-1]
        unsorted.data[part] = table.data[part][::-1]
    unsorted.has_sorted_indices = False
    twice = scipy.sparse.csr_array(
        (np.repeat(table.data / 2, 2), np.repeat(table.indices, 2), table.indptr * 2),
        shape=table.shape,
    )
    wide = table.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    with_zeros = table.copy()
    with_zeros.data[::7] = 0
    return {
        "csc": table.tocsc(),
        "csr_matrix": scipy.sparse.csr_matrix(table),
        "unsorted": unsorted,
        "duplicates": twice,
        "int64 indices": wide,
        "explicit zeros": with_zeros,
        "int values": (table * 10).astype(np.int64),
        "empty rows": scipy.sparse.csr_array(table.multiply(np.arange(200)[:, None] % 2)),
        "nothing": scipy.sparse.csr_array((200, 60)),
    }


@pytest.mark.parametrize("name", variants())
def test_sparse_tables(name):
    table = variants()[name]
    before = table.copy()
    y = np.sin(np.arange(200.0))
    dense = table.toarray()
    a = regressor(theirs, batch_size=32).fit(dense, y)
    b = regressor(batch_size=32).fit(table, y)
    close(a.loss_curve_, b.loss_curve_)
    close(a.predict(dense), b.predict(table))
    close(b.predict(dense), b.predict(table))
    close(a.predict(dense[:3]), b.predict(table[:3]))
    assert (before != table).nnz == 0


def test_sparse_partial_fit_and_early_stopping():
    table, y = sparse_table(), np.arange(200) % 3
    models = [classifier(module, early_stopping=True).fit(table, y) for module in (theirs, ours)]
    assert models[0].validation_scores_ == models[1].validation_scores_
    models = [classifier(module) for module in (theirs, ours)]
    for _ in range(4):
        for model in models:
            model.partial_fit(table, y, classes=[0, 1, 2])
    close(models[0].loss_curve_, models[1].loss_curve_)


def test_sparse_tables_are_not_densified():
    """As a dense float64 array this one would take 48 GB."""
    n_rows, n_columns = 60_000, 100_000
    rng = np.random.RandomState(0)
    columns = rng.randint(n_columns, size=2 * n_rows)
    table = scipy.sparse.csr_array(
        (np.ones(2 * n_rows), columns, np.arange(0, 2 * n_rows + 1, 2)), shape=(n_rows, n_columns)
    )
    model = regressor(hidden_layer_sizes=4, max_iter=1, batch_size=6000).fit(table, columns[::2])
    assert np.isfinite(model.predict(table)).all()


@both
def test_sparse_table_with_a_missing_value(module):
    table = sparse_table()
    table.data[3] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        regressor(module).fit(table, np.arange(200.0))


def test_sorted_flag_that_is_out_of_date():
    rng = np.random.RandomState(0)
    table = scipy.sparse.random(400, 2000, density=0.01, format="csr", random_state=rng)
    assert table.has_sorted_indices  # which SciPy remembers
    table.indices[:] = table.indices[::-1].copy()
    y = rng.normal(size=400)
    close(regressor(theirs).fit(table.copy(), y).loss_curve_, regressor().fit(table, y).loss_curve_)
