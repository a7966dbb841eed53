// Products of rows of a sparse matrix: the first layer's forward and weight gradient.
#pragma once

#include <cstdint>

#include "core/error.h"
#include "core/matrix.h"
#include "kernels/small_matrix.h"

namespace fastmlp {

/** A view of a sparse matrix by rows (CSR) in the caller's memory: row i has the entries [starts[i], starts[i + 1]),
 * with columns in ascending order. Another thread may change it, so what is used as an index is checked when it is
 * read. */
template <class T>
struct SparseTable {
  const T* values = nullptr;
  const std::int32_t* columns = nullptr;
  const std::int64_t* starts = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index n_entries = 0;  // of values and columns
};

[[noreturn]] inline void sparse_table_changed() { invalid("X", "must not be changed while it is read"); }

/** Reads memory that others may write to, exactly once: what was checked is what is used. */
template <class Number>
inline Number read_once(const Number* from) {
  return *static_cast<const volatile Number*>(from);
}

/** `count` of its rows: rows[i], or first + i where rows is null. */
template <class T>
struct SparseRows {
  const SparseTable<T>* table = nullptr;
  const std::uint32_t* rows = nullptr;
  Index first = 0;
  Index count = 0;

  Index row(Index i) const { return rows ? static_cast<Index>(rows[i]) : first + i; }

  struct Entries {
    Index begin, end;
  };
  Entries entries(Index i) const {
    const std::int64_t begin = read_once(table->starts + row(i)), end = read_once(table->starts + row(i) + 1);
    if (begin < 0 || begin > end || end > table->n_entries) sparse_table_changed();
    return {begin, end};
  }
};

/** c <- a w + bias; whole lines of c are written. w and the row of biases are padded as c is. */
template <class T>
void sparse_product_bias(const SparseRows<T>& a, Matrix<const T> w, const T* bias, Matrix<T> c);
template <class T>
void sparse_product_bias(const SparseRows<T>& a, const SmallMatrix& w, const T* bias, Matrix<T> c);

/** c <- (c +) rows [first, first + c.rows) of a^T b: the sums go along the rows of a in their order. */
template <class T>
void sparse_transposed_product(const SparseRows<T>& a, Index first, Matrix<const T> b, Matrix<T> c, bool add);

}  // namespace fastmlp
