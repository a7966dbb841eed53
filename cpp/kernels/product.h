// Matrix products by one register-tiled micro-kernel. What differs between forward (X W), backward (dZ W^T) and weight
// gradient (X^T dZ) is strides, what the sums start from and what happens to the finished tile.
//
// Every element of a matrix product is one chain of fused multiply-adds in the order of the depth, whatever the tile it
// falls in and however the depth is blocked: splitting rows or columns over threads cannot change a bit.
#pragma once

#include "core/matrix.h"
#include "kernels/small_matrix.h"

namespace fastmlp {

/** The right factor, depth x columns, in panels of a few packets' columns. Element (k, j) of the panel that starts at
 * column p is at data[p * column + k * stride + j - p]; columns are whole cache lines. */
template <class T>
struct Panels {
  const T* data;
  Index column;
  Index stride;  // 0: packed, each panel as wide as it is

  /** A row-major matrix as stored. */
  static Panels row_major(Matrix<const T> m) { return {m.data, 1, m.stride}; }
  /** A copy by pack() of a matrix of this depth. */
  static Panels packed(const T* packed, Index depth) { return {packed, depth, 0}; }
};

/** Memory for a packed depth x columns matrix. */
template <class T>
Index packed_size(Index depth, Index columns) {
  return depth * padded<T>(columns);
}

/** Copies the part rows [first, last) x columns [column, end) of w (depth x columns) to its place in `packed`. The part
 * starts and ends at whole lines or at the end of w. */
template <class T>
void pack(Matrix<const T> w, Index first, Index last, Index column, Index end, T* packed);

/** Copies the same part of w to its place in `packed`, which holds the packed transpose (columns x depth). */
template <class T>
void pack_transposed(Matrix<const T> w, Index first, Index last, Index column, Index end, T* packed);

/** c <- a b for a depth of at least 1; as in all that follows, whole lines of c are written. */
template <class T>
void product(Matrix<const T> a, Panels<T> b, Matrix<T> c);

/** c <- (c +) a^T b, a weight gradient, and where `column_sums` is not null, the bias's: column_sums[j] <-
 * (column_sums[j] +) the sum over the rows of b(:, j), for whole lines of columns. All three
 * have at least one row; those of a and b start on a line and may be read to the end of one, b's padded with zeros. */
template <class T>
void transposed_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T* column_sums, bool add);

/** c <- a b + bias; with `relu`, negative elements then become zero. The row of biases is padded as c's rows are. */
template <class T>
void product_bias(Matrix<const T> a, Panels<T> b, const T* bias, bool relu, Matrix<T> c);
template <class T>
void product_bias(Matrix<const T> a, const SmallMatrix& b, const T* bias, bool relu, Matrix<T> c);

/** c <- a b where `gate`, of c's shape, is above zero, and 0 elsewhere: ReLU's derivative, from its outputs. */
template <class T>
void product_gated(Matrix<const T> a, Panels<T> b, Matrix<const T> gate, Matrix<T> c);

}  // namespace fastmlp
