// Reading and writing a few neighbouring features of many rows, for kernels whose lanes are features. The columns after
// the last of them belong to other features: they are neither read nor written.
#pragma once

#include <algorithm>

#include "core/matrix.h"
#include "kernels/packet.h"

namespace fastmlp::simd {

/** Rows that such kernels load at a time. */
inline constexpr Index kFeatureRows = 32;

/** A packet of features of up to kFeatureRows rows. */
template <class T>
struct FeatureRows {
  alignas(kAlignment) T lanes[kFeatureRows][kWidth<T>];

  /** Takes `count` features from `column` on of rows [row, row + rows); the other lanes are zero. */
  void take(Matrix<const T> from, Index row, Index rows, Index column, Index count) {
    for (Index i = 0; i < rows; ++i) {
      std::copy_n(from.row(row + i) + column, count, lanes[i]);
      std::fill(lanes[i] + count, lanes[i] + kWidth<T>, T(0));
    }
  }
  Packet<T> operator[](Index i) const { return load(lanes[i]); }
};

/** Writes the first `count` lanes. */
template <class T>
inline void store_features(T* to, const Packet<T>& p, Index count) {
  alignas(kAlignment) T lanes[kWidth<T>];
  store(lanes, p);
  std::copy_n(lanes, std::min<Index>(kWidth<T>, count), to);
}

/** to <- (to +) p */
template <class T>
inline void store_sum(T* to, const Packet<T>& p, bool add) {
  store(to, add ? padd(load(to), p) : p);
}

}  // namespace fastmlp::simd
