// Probabilities within the bounds that scikit-learn sets them.
#pragma once

#include <limits>

#include "kernels/packet.h"

namespace fastmlp::losses {

using namespace simd;

/** A probability as scikit-learn clips it before it takes the logarithm. */
template <class T>
Packet<T> clipped(const Packet<T>& p) {
  constexpr T epsilon = std::numeric_limits<T>::epsilon();
  return pmin(pmax(p, set<T>(epsilon)), set<T>(1 - epsilon));
}

}  // namespace fastmlp::losses
