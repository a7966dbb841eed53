// The Poisson loss: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** Half the Poisson deviance with z the logarithm of the mean: exp(z) - y z + y log y - y. */
template <class T>
struct Poisson {
  using P = Packet<T>;
  explicit Poisson(const LossOptions&) {}
  P value(const P& z, const P& y) const {
    const P zero = set<T>(0);
    const P saturated = pmul(y, psub(plog(y), set<T>(1)));
    return padd(psub(pexp(z), pmul(y, z)), pselect(pcmp_lt(zero, y), saturated, zero));
  }
  P derivative(const P& z, const P& y) const { return psub(pexp(z), y); }
};

}  // namespace fastmlp::losses
