// The log-cosh loss: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include <numbers>

#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** log cosh(z - y), as |d| + log((1 + exp(-2 |d|)) / 2): safe for any d = z - y. */
template <class T>
struct LogCosh {
  using P = Packet<T>;
  explicit LogCosh(const LossOptions&) {}
  P value(const P& z, const P& y) const {
    const P d = absolute<T>(psub(z, y));
    const P log_of_sum = log1p<T>(pexp(pmul(set<T>(-2), d)));
    return padd(d, psub(log_of_sum, set<T>(std::numbers::ln2_v<T>)));
  }
  P derivative(const P& z, const P& y) const { return simd::tanh<T>(psub(z, y)); }
};

}  // namespace fastmlp::losses
