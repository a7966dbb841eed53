// Products of rows of a sparse matrix: the first layer's forward and weight gradient.
#pragma once

#include <cstdint>

#include "core/matrix.h"

namespace fastmlp {

/** A view of a sparse matrix by rows (CSR) in the caller's memory: row i has the entries [starts[i], starts[i + 1]),
 * with columns in ascending order. */
template <class T>
struct SparseTable {
  const T* values = nullptr;
  const std::int32_t* columns = nullptr;
  const std::int64_t* starts = nullptr;
  Index rows = 0;
  Index cols = 0;
};

/** `count` of its rows: rows[i], or first + i where rows is null. */
template <class T>
struct SparseRows {
  const SparseTable<T>* table = nullptr;
  const std::uint32_t* rows = nullptr;
  Index first = 0;
  Index count = 0;

  Index row(Index i) const { return rows ? static_cast<Index>(rows[i]) : first + i; }
};

/** c <- a w + bias; whole lines of c are written. w and the row of biases are padded as c is. */
template <class T>
void sparse_product_bias(const SparseRows<T>& a, Matrix<const T> w, const T* bias, Matrix<T> c);

/** c <- (c +) rows [first, first + c.rows) of a^T b: the sums go along the rows of a in their order. */
template <class T>
void sparse_transposed_product(const SparseRows<T>& a, Index first, Matrix<const T> b, Matrix<T> c, bool add);

}  // namespace fastmlp
