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

/** The same for several classes, p = softmax(z)_label, over a block of rows. */
template <class T>
void categorical_focal(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                       const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const Index classes = output.cols;
  for (Index i = 0; i < output.rows; ++i) {
    const T* z = output.row(i);
    const Index label = targets.labels[rows[i]];
    T* d = delta.data ? delta.row(i) : nullptr;
    const double weight = weights ? static_cast<double>(weights[rows[i]]) : 1.0;
    const Exponentials<T> sums = exponentials(z, classes, d);
    const double log_p = static_cast<double>(z[label] - sums.largest) - std::log(static_cast<double>(sums.normaliser));
    const double others = -std::expm1(log_p);  // 1 - p
    const double modulation = std::pow(others, loss.focal_gamma);
    losses[i] = -weight * modulation * log_p;
    if (!d) continue;
    // By log p; log p / (1 - p) tends to -1 where p does to 1.
    const double ratio = others > 0 ? log_p / others : -1.0;
    const double by_log_p = modulation * (loss.focal_gamma * std::exp(log_p) * ratio - 1);
    const T factor = static_cast<T>(weight * scale * by_log_p);
    for (Index k = 0; k < classes; ++k) d[k] *= -factor / sums.normaliser;
    d[label] += factor;
  }
}

}  // namespace fastmlp::losses
