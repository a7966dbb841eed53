// The derivative of losses that have one slope above the true value and another below.
#pragma once

#include "kernels/packet.h"

namespace fastmlp::losses {

using namespace simd;

/** above where z > y, below where z < y, zero where they are equal. */
template <class T>
Packet<T> by_side(const Packet<T>& z, const Packet<T>& y, T above, T below) {
  const Packet<T> zero = set<T>(0);
  return pselect(pcmp_lt(y, z), set<T>(above), pselect(pcmp_lt(z, y), set<T>(below), zero));
}

}  // namespace fastmlp::losses
