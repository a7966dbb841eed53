// The focal loss of two classes and of more: losses of outputs z and labels y, and their derivatives by z.
#pragma once

#include <cmath>

#include "kernels/softmax.h"
#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** -(1 - p)^gamma log p, p the probability of what is true (Lin et al. 2017, https://arxiv.org/abs/1708.02002): y is 0
 * or 1, and m = z or -z the logit of p. */
template <class T>
struct BinaryFocal {
  using P = Packet<T>;
  explicit BinaryFocal(const LossOptions& options) : gamma(static_cast<T>(options.focal_gamma)) {}
  P sign(const P& y) const { return psub(pmul(set<T>(2), y), set<T>(1)); }
  /** (1 - p)^gamma */
  P modulation(const P& m) const { return pexp(pmul(set<T>(-gamma), softplus<T>(m))); }
  P value(const P& z, const P& y) const {
    const P m = pmul(sign(y), z);
    return pmul(modulation(m), softplus<T>(psub(set<T>(0), m)));
  }
  P derivative(const P& z, const P& y) const {
    const P m = pmul(sign(y), z), opposite = psub(set<T>(0), m);
    const P of_modulation = pmul(set<T>(gamma), pmul(logistic<T>(m), softplus<T>(opposite)));
    const P by_m = pmul(modulation(m), psub(set<T>(0), padd(of_modulation, logistic<T>(opposite))));
    return pmul(sign(y), by_m);
  }
  T gamma;
};

/** The same for several classes, p = softmax(z)_label; see of_heads(). */
template <class T>
struct FocalOfRow {
  explicit FocalOfRow(const LossOptions& options) : gamma(options.focal_gamma) {}
  double operator()(const Exponentials<T>& sums, const T* z, Index classes, Index label, double scale, T* d) const {
    const double log_p = static_cast<double>(z[label] - sums.largest) - std::log(static_cast<double>(sums.normaliser));
    const double others = -std::expm1(log_p);  // 1 - p
    const double modulation = std::pow(others, gamma);
    if (d) {
      // By log p; log p / (1 - p) tends to -1 where p does to 1.
      const double ratio = others > 0 ? log_p / others : -1.0;
      const double by_log_p = modulation * (gamma * std::exp(log_p) * ratio - 1);
      const T factor = static_cast<T>(scale * by_log_p);
      for (Index k = 0; k < classes; ++k) d[k] *= -factor / sums.normaliser;
      d[label] += factor;
    }
    return -modulation * log_p;
  }
  double gamma;
};

}  // namespace fastmlp::losses
