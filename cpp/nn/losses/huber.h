// The Huber loss: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** (z - y)^2 / 2 within delta of y, delta (|z - y| - delta / 2) beyond (Huber 1964, doi:10.1214/aoms/1177703732). */
template <class T>
struct Huber {
  using P = Packet<T>;
  explicit Huber(const LossOptions& options) : delta(static_cast<T>(options.delta)) {}
  P value(const P& z, const P& y) const {
    const P d = absolute<T>(psub(z, y));
    const P beyond = pmul(set<T>(delta), psub(d, set<T>(delta / 2)));
    return pselect(pcmp_le(d, set<T>(delta)), pmul(set<T>(T(0.5)), pmul(d, d)), beyond);
  }
  P derivative(const P& z, const P& y) const { return pmax(pmin(psub(z, y), set<T>(delta)), set<T>(-delta)); }
  T delta;
};

}  // namespace fastmlp::losses
