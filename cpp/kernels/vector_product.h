// Products with a single row or column, for which the tiles of kernels/product.h would be mostly empty. Every element
// is the sum of one or a few chains of multiply-adds, as many as the shape asks for.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** c (rows x outputs) <- a w^T + bias for few outputs: w is outputs x depth, row-major, both padded with zeros. */
template <class T>
void dot_bias(Matrix<const T> a, Matrix<const T> w, const T* bias, Matrix<T> c);

/** c[j] <- (c[j] +) the sum over k of a[k * a_stride] b(k, j), for whole lines of columns. */
template <class T>
void vector_product(const T* a, Index a_stride, Matrix<const T> b, T* c, bool add);

/** Back through a single output with the weights w, of rows of inputs `in`: d_in(i, j) <- delta(i) w[j], with `gated`
 * only where in(i, j) is above zero, and gradient[j] <- (gradient[j] +) the sum over i of delta(i) in(i, j). One pass
 * over the rows, for whole lines of columns; w and `in` are padded with zeros. */
template <class T>
void backward_of_one(Matrix<const T> delta, const T* w, Matrix<const T> in, bool gated, Matrix<T> d_in, T* gradient,
                     bool add);

/** sums[j] <- (sums[j] +) the sum over the rows of a(:, j), for whole lines of columns. */
template <class T>
void column_sums(Matrix<const T> a, T* sums, bool add);

}  // namespace fastmlp
