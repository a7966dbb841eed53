// The absolute error: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/vector_math.h"
#include "nn/loss.h"
#include "nn/losses/sides.h"

namespace fastmlp::losses {

using namespace simd;

/** |z - y| */
template <class T>
struct AbsoluteError {
  using P = Packet<T>;
  explicit AbsoluteError(const LossOptions&) {}
  P value(const P& z, const P& y) const { return absolute<T>(psub(z, y)); }
  P derivative(const P& z, const P& y) const { return by_side<T>(z, y, 1, -1); }
};

}  // namespace fastmlp::losses
