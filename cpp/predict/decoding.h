// From the outputs of networks to predictions of a row: the same bits as fastmlp's decoders, which NumPy computes. So
// every operation is rounded (no multiply-adds), and denormals are kept.
#pragma once

#include <vector>

#include "core/types.h"

namespace fastmlp {

/** out <- the weighted mean of n numbers of each network, which lie one network after the other. */
template <class T>
void weighted_mean(const T* of_networks, Index n, const std::vector<T>& weights, T* out);

/** Adds to the mean of Gaussians' variances that of their means: what follows is the variance of their mixture. Each
 * row of `of_networks` and of `mixture`, their weighted mean, has n means, then n variances. */
template <class T>
void add_variance_of_means(const T* of_networks, Index rows, Index n, const std::vector<T>& weights, T* mixture);

/** Outputs as numbers in the unit of the target. */
struct NumberDecoding {
  std::vector<double> unit, shift;      // of each output, or one for all
  std::vector<double> lowest, highest;  // the same; empty: there are no limits
  bool sorts = false;                   // quantiles, which must not cross

  /** Whether these are numbers for n outputs. */
  bool fits(Index n) const;
  template <class T>
  void decode(const T* outputs, Index n, double* to) const;
};

/** Outputs as probabilities of classes that exclude each other, two of a single output. */
template <class T>
void class_probabilities(const T* outputs, Index n, double* to);

/** The most probable class; -1 where two are so close that the last bits of their calibrated probabilities decide, or
 * where there is none: NaN. */
template <class T>
Index most_probable(const T* outputs, Index n);

/** Whether a label of several is more probable than not; -1 where the last bits decide. */
template <class T>
int is_probable(T output);

}  // namespace fastmlp
