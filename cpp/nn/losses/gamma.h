// The gamma loss: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** Half the gamma deviance with z the logarithm of the mean: r - log r - 1 with r = y exp(-z), for y > 0. */
template <class T>
struct Gamma {
  using P = Packet<T>;
  explicit Gamma(const LossOptions&) {}
  P value(const P& z, const P& y) const {
    const P log_of_ratio = psub(plog(y), z);
    return psub(psub(pexp(log_of_ratio), log_of_ratio), set<T>(1));
  }
  P derivative(const P& z, const P& y) const { return psub(set<T>(1), pmul(y, pexp(psub(set<T>(0), z)))); }
};

}  // namespace fastmlp::losses
