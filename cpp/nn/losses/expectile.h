// The expectile loss: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/packet.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** a (z - y)^2 below the true value, (1 - a) (z - y)^2 above (Newey & Powell 1987, doi:10.2307/1911031). */
template <class T>
struct Expectile {
  using P = Packet<T>;
  explicit Expectile(const LossOptions& options) : a(static_cast<T>(options.expectile)) {}
  P factor(const P& d) const { return pselect(pcmp_lt(d, set<T>(0)), set<T>(a), set<T>(1 - a)); }
  P value(const P& z, const P& y) const {
    const P d = psub(z, y);
    return pmul(factor(d), pmul(d, d));
  }
  P derivative(const P& z, const P& y) const {
    const P d = psub(z, y);
    return pmul(factor(d), pmul(set<T>(2), d));
  }
  T a;
};

}  // namespace fastmlp::losses
