// The quantile loss: value(z, y) for outputs z and true values y, and its derivative by z.
#pragma once

#include "kernels/packet.h"
#include "nn/loss.h"
#include "nn/losses/sides.h"

namespace fastmlp::losses {

using namespace simd;

/** q (y - z) above the prediction, (1 - q) (z - y) below: the pinball loss (Koenker & Bassett 1978,
 * doi:10.2307/1913643). */
template <class T>
struct Quantile {
  using P = Packet<T>;
  explicit Quantile(const LossOptions& options) : Quantile(options.quantiles[0]) {}
  explicit Quantile(double quantile) : q(static_cast<T>(quantile)) {}
  P value(const P& z, const P& y) const {
    const P d = psub(z, y);
    return pmax(pmul(set<T>(-q), d), pmul(set<T>(1 - q), d));
  }
  P derivative(const P& z, const P& y) const { return by_side<T>(z, y, 1 - q, -q); }
  T q;
};

}  // namespace fastmlp::losses
