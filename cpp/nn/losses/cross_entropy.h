// The cross-entropy of any number of classes, ours and scikit-learn's, over a block of rows.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/softmax.h"
#include "kernels/vector_math.h"
#include "nn/loss.h"
#include "nn/losses/clipping.h"

namespace fastmlp::losses {

using namespace simd;

/** Whose logarithms are taken together, a packet at a time. */
inline constexpr Index kRowsAtOnce = 256;

/** -sum_k y_k log softmax(z)_k, y the smoothed one-hot label; with `clips` the probability is clipped before. */
template <bool clips, class T>
void categorical(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                 const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const Index classes = output.cols;
  const T spread = static_cast<T>(loss.label_smoothing / static_cast<double>(classes));
  const T hit = static_cast<T>(1 - loss.label_smoothing) + spread;
  alignas(kAlignment) T logarithms[kRowsAtOnce], shifted[kRowsAtOnce];
  for (Index first = 0; first < output.rows; first += kRowsAtOnce) {
    const Index count = std::min(kRowsAtOnce, output.rows - first);
    std::fill_n(logarithms, kRowsAtOnce, T(1));
    std::fill_n(shifted, kRowsAtOnce, T(0));
    for (Index i = 0; i < count; ++i) {
      const T* z = output.row(first + i);
      const std::uint32_t row = rows[first + i];
      const double weight = weights ? static_cast<double>(weights[row]) : 1.0;
      const Index label = targets.labels[row];
      T* d = delta.data ? delta.row(first + i) : nullptr;
      const Exponentials<T> sums = exponentials(z, classes, d);
      logarithms[i] = sums.normaliser;
      shifted[i] = z[label] - sums.largest;
      // sum_k y_k (log sum exp(z) - z_k), every term relative to the largest; without the first logarithm
      losses[first + i] =
          clips ? 0.0 : -weight * static_cast<double>(spread * sums.shifted + (hit - spread) * shifted[i]);
      if (!d) continue;
      const T factor = static_cast<T>(weight * scale);
      for (Index k = 0; k < classes; ++k) d[k] = factor * (d[k] / sums.normaliser - spread);
      d[label] -= factor * (hit - spread);
    }
    for (Index i = 0; i < count; i += kWidth<T>) {
      const Packet<T> x = load(logarithms + i);
      if constexpr (clips)
        store(logarithms + i, psub(set<T>(0), plog(clipped<T>(pdiv(pexp(load(shifted + i)), x)))));
      else
        store(logarithms + i, plog(x));
    }
    for (Index i = 0; i < count; ++i)
      losses[first + i] +=
          (weights ? static_cast<double>(weights[rows[first + i]]) : 1.0) * static_cast<double>(logarithms[i]);
  }
}

/** The same of one row, for several heads; see of_heads(). */
template <class T>
struct CrossEntropyOfRow {
  explicit CrossEntropyOfRow(const LossOptions& options) : smoothing(options.label_smoothing) {}
  double operator()(const Exponentials<T>& sums, const T* z, Index classes, Index label, double scale, T* d) const {
    const T spread = static_cast<T>(smoothing / static_cast<double>(classes));
    const T hit = static_cast<T>(1 - smoothing);
    if (d) {
      const T factor = static_cast<T>(scale);
      for (Index k = 0; k < classes; ++k) d[k] = factor * (d[k] / sums.normaliser - spread);
      d[label] -= factor * hit;
    }
    const T expected = spread * sums.shifted + hit * (z[label] - sums.largest);
    return static_cast<double>(std::log(sums.normaliser) - expected);
  }
  double smoothing;
};

/** -sum_k y_k log softmax(z)_k for given probabilities y, which add up to 1; they are smoothed too. */
template <class T>
void categorical_of_probabilities(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets,
                                  const T* weights, const std::uint32_t* rows, double scale, double* losses,
                                  Matrix<T> delta) {
  const Index classes = output.cols;
  const T kept = static_cast<T>(1 - loss.label_smoothing);
  const T spread = static_cast<T>(loss.label_smoothing / static_cast<double>(classes));
  for (Index i = 0; i < output.rows; ++i) {
    const Index row = rows[i];
    const T *z = output.row(i), *given = targets.values + row * targets.stride;
    T* d = delta.data ? delta.row(i) : nullptr;
    const double weight = weights ? static_cast<double>(weights[row]) : 1.0;
    const Exponentials<T> sums = exponentials(z, classes, d);
    const T factor = static_cast<T>(weight * scale);
    T expected = 0;  // of z_k relative to the largest
    for (Index k = 0; k < classes; ++k) {
      const T y = kept * given[k] + spread;
      expected += y * (z[k] - sums.largest);
      if (d) d[k] = factor * (d[k] / sums.normaliser - y);
    }
    losses[i] = weight * (std::log(static_cast<double>(sums.normaliser)) - static_cast<double>(expected));
  }
}

}  // namespace fastmlp::losses
