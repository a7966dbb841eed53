// The Tweedie loss: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** Half the Tweedie deviance of power 1 < p < 2 with z the logarithm of the mean, for y >= 0:
 * y exp((1 - p) z) / (p - 1) + exp((2 - p) z) / (2 - p) - y^(2 - p) / ((p - 1) (2 - p)) (Jorgensen 1987,
 * doi:10.1111/j.2517-6161.1987.tb01685.x). */
template <class T>
struct Tweedie {
  using P = Packet<T>;
  explicit Tweedie(const LossOptions& options)
      : below(static_cast<T>(options.power - 1)), above(static_cast<T>(2 - options.power)) {}
  P value(const P& z, const P& y) const {
    const P zero = set<T>(0);
    const P power = pselect(pcmp_lt(zero, y), pexp(pmul(set<T>(above), plog(y))), zero);
    const P saturated = pdiv(power, set<T>(below * above));
    return psub(padd(pdiv(of_true_value(z, y), set<T>(below)), pdiv(of_mean(z), set<T>(above))), saturated);
  }
  P derivative(const P& z, const P& y) const { return psub(of_mean(z), of_true_value(z, y)); }
  P of_mean(const P& z) const { return pexp(pmul(set<T>(above), z)); }
  /** 0 where y is, however large the exponential. */
  P of_true_value(const P& z, const P& y) const {
    const P zero = set<T>(0);
    return pselect(pcmp_eq(y, zero), zero, pmul(y, pexp(pmul(set<T>(-below), z))));
  }
  T below, above;  // p - 1 and 2 - p
};

}  // namespace fastmlp::losses
