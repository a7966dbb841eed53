// The cross-entropy of two classes, ours and scikit-learn's: value(z, y) for outputs z and labels y, and its derivative
// by z.
#pragma once

#include "kernels/vector_math.h"
#include "nn/loss.h"
#include "nn/losses/clipping.h"

namespace fastmlp::losses {

using namespace simd;

/** -y log p - (1 - y) log(1 - p) with p = logistic(z): softplus(z) - y z, safe for any z. */
template <class T>
struct BinaryCrossEntropy {
  using P = Packet<T>;
  explicit BinaryCrossEntropy(const LossOptions& options) : smoothing(static_cast<T>(options.label_smoothing)) {}
  P smoothed(const P& y) const { return pmadd(y, set<T>(1 - smoothing), set<T>(smoothing / 2)); }
  P value(const P& z, const P& y) const { return psub(softplus<T>(z), pmul(smoothed(y), z)); }
  P derivative(const P& z, const P& y) const { return psub(logistic<T>(z), smoothed(y)); }
  T smoothing;
};

/** -y log p - (1 - y) log(1 - p), y 0 or 1, with p = logistic(z) rounded and clipped as scikit-learn does. */
template <class T>
struct BinaryLogLoss {
  using P = Packet<T>;
  explicit BinaryLogLoss(const LossOptions&) {}
  P value(const P& z, const P& y) const {
    const P one = set<T>(1), p = clipped<T>(logistic<T>(z));
    return psub(set<T>(0), plog(pselect(pcmp_lt(set<T>(0), y), p, psub(one, p))));
  }
  P derivative(const P& z, const P& y) const { return psub(logistic<T>(z), y); }
};

}  // namespace fastmlp::losses
