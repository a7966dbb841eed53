// Periodic embedding of single numbers (Gorishniy et al. 2022, arXiv:2203.05556; with few outputs and a bias, "PBL":
// Holzmueller et al. 2024): e_k = sum over f of w2[f, k] cos(2 pi w1[f] x + b1[f]) + b2[k], for every feature on its
// own.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

inline constexpr Index kFrequencies = 16;
/** Outputs of the embedding for one number. */
inline constexpr Index kPeriodicFeatures = 3;

/** Parameters of all features, or the derivatives by them: a column per feature, rows padded with zeros. */
template <class T>
struct PeriodicParameters {
  Matrix<T> weights;  // rows: w1 (kFrequencies), then w2 (kFrequencies for k = 0, for k = 1, ...)
  Matrix<T> bias;     // rows: b1 (kFrequencies), b2 (kPeriodicFeatures)

  static constexpr Index weight_rows = kFrequencies * (1 + kPeriodicFeatures),
                         bias_rows = kFrequencies + kPeriodicFeatures;
};

/** out(i, k * n + j) <- e_k of in(i, j) for the n = parameters' columns features j; other columns are left unchanged.
 */
template <class T>
void periodic(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<T> out);

/** gradient <- (gradient +) the sum over the rows, for features [first, first + gradient's columns) of all n. delta is
 * the derivative by what periodic() wrote. */
template <class T>
void periodic_gradient(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<const T> delta,
                       Index first, Index n, const PeriodicParameters<T>& gradient, bool add);

/** norms[i] += the squared norm of row i's part of that gradient, of all features. */
template <class T>
void add_periodic_norms(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<const T> delta,
                        double* norms);

}  // namespace fastmlp
