#include "kernels/update.h"

#include "kernels/packet.h"

namespace fastmlp {
namespace {

using namespace simd;

/** f(i, j) at the first element of every packet of a block. */
template <class T, class F>
inline void for_each_packet(const Matrix<T>& shape, F&& f) {
  const Index width = padded<T>(shape.cols);
  for (Index i = 0; i < shape.rows; ++i)
    for (Index j = 0; j < width; j += kWidth<T>) f(i, j);
}

}  // namespace

template <class T>
void SgdStep<T>::operator()(const ParameterBlock<T>& block) const {
  const auto p_rate = set<T>(-rate * gradient_scale), p_momentum = set<T>(momentum), keep = set<T>(1 - decay);
  for_each_packet(block.value, [&](Index i, Index j) {
    const auto change = pmul(p_rate, load(block.gradient.row(i) + j));
    const auto velocity = pmadd(p_momentum, load(block.first.row(i) + j), change);
    store(block.first.row(i) + j, velocity);
    const auto move = nesterov ? pmadd(p_momentum, velocity, change) : velocity;
    store(block.value.row(i) + j, pmadd(keep, load(block.value.row(i) + j), move));
  });
}

template <class T>
void AdamStep<T>::operator()(const ParameterBlock<T>& block) const {
  const auto b1 = set<T>(T(beta_1)), b2 = set<T>(T(beta_2)), c1 = set<T>(T(1 - beta_1)), c2 = set<T>(T(1 - beta_2));
  const auto p_rate = set<T>(-rate), p_epsilon = set<T>(epsilon), scale = set<T>(gradient_scale),
             keep = set<T>(1 - decay);
  for_each_packet(block.value, [&](Index i, Index j) {
    const auto g = pmul(scale, load(block.gradient.row(i) + j));
    const auto m = pmadd(b1, load(block.first.row(i) + j), pmul(c1, g));
    const auto v = pmadd(b2, load(block.second.row(i) + j), pmul(c2, pmul(g, g)));
    store(block.first.row(i) + j, m);
    store(block.second.row(i) + j, v);
    const auto move = pdiv(pmul(p_rate, m), padd(psqrt(v), p_epsilon));
    store(block.value.row(i) + j, pmadd(keep, load(block.value.row(i) + j), move));
  });
}

template <class T>
void RmsPropStep<T>::operator()(const ParameterBlock<T>& block) const {
  const auto b2 = set<T>(T(beta_2)), c2 = set<T>(T(1 - beta_2));
  const auto p_rate = set<T>(-rate), p_epsilon = set<T>(epsilon), scale = set<T>(gradient_scale),
             keep = set<T>(1 - decay);
  for_each_packet(block.value, [&](Index i, Index j) {
    const auto g = pmul(scale, load(block.gradient.row(i) + j));
    const auto v = pmadd(b2, load(block.second.row(i) + j), pmul(c2, pmul(g, g)));
    store(block.second.row(i) + j, v);
    const auto move = pdiv(pmul(p_rate, g), padd(psqrt(v), p_epsilon));
    store(block.value.row(i) + j, pmadd(keep, load(block.value.row(i) + j), move));
  });
}

template <class T>
double add_penalty(const ParameterBlock<T>& block, T l1, T l2) {
  double penalty = 0;
  const auto p_l1 = set<T>(l1), p_l2 = set<T>(l2), zero = set<T>(0);
  for (Index i = 0; i < block.value.rows; ++i) {
    // One row at a time in T, the rows in double.
    auto squares = zero, magnitudes = zero;
    for (Index j = 0; j < padded<T>(block.value.cols); j += kWidth<T>) {
      const auto w = load(block.value.row(i) + j);
      const auto sign = psub(pselect(pcmp_lt(zero, w), p_l1, zero), pselect(pcmp_lt(w, zero), p_l1, zero));
      store(block.gradient.row(i) + j, padd(load(block.gradient.row(i) + j), pmadd(p_l2, w, sign)));
      squares = pmadd(w, w, squares);
      magnitudes = padd(magnitudes, pmax(w, psub(zero, w)));
    }
    penalty += 0.5 * double(l2) * double(sum<T>(squares)) + double(l1) * double(sum<T>(magnitudes));
  }
  return penalty;
}

template <class T>
double squared_norm(const Matrix<T>& gradient) {
  double total = 0;
  for (Index i = 0; i < gradient.rows; ++i) {
    auto squares = set<T>(0);
    for (Index j = 0; j < padded<T>(gradient.cols); j += kWidth<T>) {
      const auto g = load(gradient.row(i) + j);
      squares = pmadd(g, g, squares);
    }
    total += double(sum<T>(squares));
  }
  return total;
}

#define FASTMLP_INSTANTIATE(T)                                 \
  template struct SgdStep<T>;                                  \
  template struct AdamStep<T>;                                 \
  template struct RmsPropStep<T>;                              \
  template double add_penalty(const ParameterBlock<T>&, T, T); \
  template double squared_norm(const Matrix<T>&);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
