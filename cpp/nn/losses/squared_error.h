// The squared error, and half of it: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/packet.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** (z - y)^2 */
template <class T>
struct SquaredError {
  using P = Packet<T>;
  explicit SquaredError(const LossOptions&) {}
  P value(const P& z, const P& y) const { return pmul(psub(z, y), psub(z, y)); }
  P derivative(const P& z, const P& y) const { return pmul(set<T>(2), psub(z, y)); }
};

/** (z - y)^2 / 2 */
template <class T>
struct HalfSquaredError {
  using P = Packet<T>;
  explicit HalfSquaredError(const LossOptions&) {}
  P value(const P& z, const P& y) const { return pmul(set<T>(T(0.5)), pmul(psub(z, y), psub(z, y))); }
  P derivative(const P& z, const P& y) const { return psub(z, y); }
};

}  // namespace fastmlp::losses
