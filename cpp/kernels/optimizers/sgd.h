// Stochastic gradient descent with momentum: one step on a block of parameters. Include from .cpp files only: see
// kernels/packet.h.
#pragma once

#include "kernels/optimizers/for_each_packet.h"

namespace fastmlp {

/** velocity <- momentum * velocity - rate * g; w <- (1 - decay) * w + velocity, or Nesterov's look-ahead. */
template <class T>
struct SgdStep {
  T rate, momentum, decay, gradient_scale;
  bool nesterov;
  void operator()(const ParameterBlock<T>& block) const;
};

template <class T>
void SgdStep<T>::operator()(const ParameterBlock<T>& block) const {
  using namespace simd;
  const auto p_rate = set<T>(-rate * gradient_scale), p_momentum = set<T>(momentum), keep = set<T>(1 - decay);
  const bool looks_ahead = nesterov;
  for_each_packet(block, [&](Index j, T* w, const T* gradient, T* first, T*) {
    const auto change = pmul(p_rate, load(gradient + j));
    const auto velocity = pmadd(p_momentum, load(first + j), change);
    store(first + j, velocity);
    const auto move = looks_ahead ? pmadd(p_momentum, velocity, change) : velocity;
    store(w + j, pmadd(keep, load(w + j), move));
  });
}

}  // namespace fastmlp
