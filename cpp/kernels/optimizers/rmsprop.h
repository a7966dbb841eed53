// RMSprop: one step on a block of parameters. Include from .cpp files only: see kernels/packet.h.
#pragma once

#include "kernels/optimizers/for_each_packet.h"
#include "kernels/vector_math.h"

namespace fastmlp {

/** v is the running mean of g^2; w <- (1 - decay) * w - rate * g / (sqrt(v) + epsilon). */
template <class T>
struct RmsPropStep {
  double beta_2;
  T rate, epsilon, decay, gradient_scale;
  void operator()(const ParameterBlock<T>& block) const;
};

template <class T>
void RmsPropStep<T>::operator()(const ParameterBlock<T>& block) const {
  using namespace simd;
  const auto b2 = set<T>(T(beta_2)), c2 = set<T>(T(1 - beta_2));
  const auto p_rate = set<T>(-rate), p_epsilon = set<T>(epsilon), scale = set<T>(gradient_scale),
             keep = set<T>(1 - decay);
  for_each_packet(block, [&](Index j, T* w, const T* gradient, T*, T* second) {
    const auto g = pmul(scale, load(gradient + j));
    const auto v = pmadd(b2, load(second + j), pmul(c2, pmul(g, g)));
    store(second + j, v);
    const auto move = pdiv(pmul(p_rate, g), padd(square_root<T>(v), p_epsilon));
    store(w + j, pmadd(keep, load(w + j), move));
  });
}

}  // namespace fastmlp
