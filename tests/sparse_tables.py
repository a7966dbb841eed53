"""Sparse tables in every form, and a text-like one whose classes differ in words."""

import numpy as np
import scipy.sparse

ROWS, COLUMNS = 120, 30


def sparse_table(rows=ROWS, columns=COLUMNS, seed=0):
    """A few numbers in each row."""
    rng = np.random.RandomState(seed)
    dense = rng.uniform(0.2, 1, size=(rows, columns)) * (rng.uniform(size=(rows, columns)) < 0.2)
    return scipy.sparse.csr_array(dense)


def unsorted(table):
    """The same numbers with the entries of each row in falling order."""
    other = table.copy()
    for begin, end in zip(table.indptr[:-1], table.indptr[1:], strict=True):
        other.indices[begin:end] = table.indices[begin:end][::-1]
        other.data[begin:end] = table.data[begin:end][::-1]
    other.has_sorted_indices = False
    return other


def duplicated(table):
    """The same numbers, each as the sum of two entries."""
    return scipy.sparse.csr_array(
        (np.repeat(table.data / 2, 2), np.repeat(table.indices, 2), table.indptr * 2),
        shape=table.shape,
    )


def with_long_indices(table):
    """The same numbers with indices of 64 bits."""
    other = table.copy()
    other.indices, other.indptr = other.indices.astype(np.int64), other.indptr.astype(np.int64)
    return other


FORMS = {
    "csc": scipy.sparse.csc_array,
    "coo": scipy.sparse.coo_array,
    "csr_matrix": scipy.sparse.csr_matrix,
    "lil_matrix": scipy.sparse.lil_matrix,
    "unsorted": unsorted,
    "duplicates": duplicated,
    "int64 indices": with_long_indices,
}


def documents(n_rows=240, n_words=80, seed=0):
    """Word weights of documents of two classes, each with ten words of its own, and the classes."""
    rng = np.random.RandomState(seed)
    y = rng.randint(2, size=n_rows)
    counts = rng.poisson(0.1, size=(n_rows, n_words)).astype(float)
    for label in (0, 1):
        own = slice(10 * label, 10 * label + 10)
        counts[y == label, own] += rng.poisson(0.4, size=(np.sum(y == label), 10))
    norms = np.linalg.norm(counts, axis=1, keepdims=True)
    return scipy.sparse.csr_array(counts / np.maximum(norms, 1)), y
