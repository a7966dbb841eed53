// Adam: one step on a block of parameters. Include from .cpp files only: see kernels/packet.h.
#pragma once

#include "kernels/optimizers/for_each_packet.h"
#include "kernels/vector_math.h"

namespace fastmlp {

/** Kingma & Ba 2015, arXiv:1412.6980 with decoupled decay (Loshchilov & Hutter 2019, arXiv:1711.05101): m and v are
 * running means of g and g^2, w <- (1 - decay) * w - rate * m / (sqrt(v) + epsilon), the bias correction folded into
 * rate as scikit-learn does. */
template <class T>
struct AdamStep {
  double beta_1, beta_2;  // double, since in float 1 - beta may have no digits
  T rate, epsilon, decay, gradient_scale;
  void operator()(const ParameterBlock<T>& block) const;
};

template <class T>
void AdamStep<T>::operator()(const ParameterBlock<T>& block) const {
  using namespace simd;
  const auto b1 = set<T>(T(beta_1)), b2 = set<T>(T(beta_2)), c1 = set<T>(T(1 - beta_1)), c2 = set<T>(T(1 - beta_2));
  const auto p_rate = set<T>(-rate), p_epsilon = set<T>(epsilon), scale = set<T>(gradient_scale),
             keep = set<T>(1 - decay);
  for_each_packet(block, [&](Index j, T* w, const T* gradient, T* first, T* second) {
    const auto g = pmul(scale, load(gradient + j));
    const auto m = pmadd(b1, load(first + j), pmul(c1, g));
    const auto v = pmadd(b2, load(second + j), pmul(c2, pmul(g, g)));
    store(first + j, m);
    store(second + j, v);
    const auto move = pdiv(pmul(p_rate, m), padd(square_root<T>(v), p_epsilon));
    store(w + j, pmadd(keep, load(w + j), move));
  });
}

}  // namespace fastmlp
