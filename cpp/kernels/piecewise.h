// Piecewise-linear embedding of single numbers (Gorishniy et al. 2022). Knots cut the line of each feature's values; a
// number becomes one step from each knot to the next, clip((x - knot) / (next - knot), 0, 1), and of these kPieces
// learnt sums: e_k = sum over s of w[k, s] step_s(x), functions that are straight between knots and level outside.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** Numbers that one number becomes, beside itself. */
inline constexpr Index kPieces = 4;

/** Where the steps lie: a column per feature, a row per step; columns padded with zeros. */
template <class T>
struct Steps {
  Matrix<const T> start;
  Matrix<const T> slope;  // 1 / (end - start); 0 where a step is empty: it is none then
};

/** out(i, k * n + j) <- e_k of in(i, j) for the n = steps' columns features j; other columns are left alone.
 * weights: a row for each step of k = 0, of k = 1, ... */
template <class T>
void piecewise(const Steps<T>& steps, Matrix<const T> weights, Matrix<const T> in, Matrix<T> out);

/** gradient <- (gradient +) the sum over the rows, for features [first, first + gradient's columns) of all n. delta is
 * the derivative by what piecewise() wrote. */
template <class T>
void piecewise_gradient(const Steps<T>& steps, Matrix<const T> in, Matrix<const T> delta, Index first,
                        Matrix<T> gradient, bool add);

}  // namespace fastmlp
