// Piecewise-linear embedding of single numbers (Gorishniy et al. 2022, arXiv:2203.05556). Bin edges divide the range of
// each feature. In each bin a number has the coordinate step(x) = clip((x - edge) / (next edge - edge), 0, 1); the
// embedding is kPiecewiseFeatures learnt sums of them, e_k = sum over s of w[k, s] step_s(x), which are linear between
// edges and constant outside.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** Outputs of the embedding for one number. */
inline constexpr Index kPiecewiseFeatures = 4;

/** The bins, one step each: a column per feature, a row per step; columns padded with zeros. */
template <class T>
struct Steps {
  Matrix<const T> start;
  Matrix<const T> slope;  // 1 / (end - start); 0 for an empty bin
};

/** out(i, k * n + j) <- e_k of in(i, j) for the n = steps' columns features j; other columns are left unchanged.
 * weights: a row for each step of k = 0, of k = 1, ... */
template <class T>
void piecewise(const Steps<T>& steps, Matrix<const T> weights, Matrix<const T> in, Matrix<T> out);

/** gradient <- (gradient +) the sum over the rows, for features [first, first + gradient's columns) of all n. delta is
 * the derivative by what piecewise() wrote. */
template <class T>
void piecewise_gradient(const Steps<T>& steps, Matrix<const T> in, Matrix<const T> delta, Index first,
                        Matrix<T> gradient, bool add);

/** norms[i] += the squared norm of row i's part of that gradient, of all features. */
template <class T>
void add_piecewise_norms(const Steps<T>& steps, Matrix<const T> in, Matrix<const T> delta, double* norms);

}  // namespace fastmlp
