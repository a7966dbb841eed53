#include "kernels/update.h"

#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

using namespace simd;

/** f(place of a packet, rows of values, of gradients, of first and of second moments). The rows' addresses are locals
 * of the loop, since whatever f stores might otherwise lie over the block's own fields. */
template <class T, class F>
inline void for_each_packet(const ParameterBlock<T>& block, F&& f) {
  const Index width = padded<T>(block.value.cols);
  for (Index i = 0; i < block.value.rows; ++i) {
    T* const value = block.value.row(i);
    const T* const gradient = block.gradient.row(i);
    T* const first = block.first.row(i);
    T* const second = block.second.row(i);
    for (Index j = 0; j < width; j += kWidth<T>) f(j, value, gradient, first, second);
  }
}

}  // namespace

template <class T>
void SgdStep<T>::operator()(const ParameterBlock<T>& block) const {
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

template <class T>
void AdamStep<T>::operator()(const ParameterBlock<T>& block) const {
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

template <class T>
void RmsPropStep<T>::operator()(const ParameterBlock<T>& block) const {
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

template <class T>
void move_towards(Matrix<const T> weights, Matrix<T> mean, T share) {
  const auto p_share = set<T>(share);
  for (Index i = 0; i < mean.rows; ++i)
    for (Index j = 0; j < padded<T>(mean.cols); j += kWidth<T>) {
      const auto m = load(mean.row(i) + j);
      store(mean.row(i) + j, pmadd(p_share, psub(load(weights.row(i) + j), m), m));
    }
}

template <class T>
double add_penalty(Matrix<const T> weights, Matrix<T> gradient, T l1, T l2) {
  double penalty = 0;
  const auto p_l1 = set<T>(l1), p_l2 = set<T>(l2), zero = set<T>(0);
  for (Index i = 0; i < weights.rows; ++i) {
    // One row at a time in T, the rows in double.
    auto squares = zero, magnitudes = zero;
    for (Index j = 0; j < padded<T>(weights.cols); j += kWidth<T>) {
      const auto w = load(weights.row(i) + j);
      const auto sign = psub(pselect(pcmp_lt(zero, w), p_l1, zero), pselect(pcmp_lt(w, zero), p_l1, zero));
      store(gradient.row(i) + j, padd(load(gradient.row(i) + j), pmadd(p_l2, w, sign)));
      squares = pmadd(w, w, squares);
      magnitudes = padd(magnitudes, pmax(w, psub(zero, w)));
    }
    penalty += 0.5 * double(l2) * double(sum<T>(squares)) + double(l1) * double(sum<T>(magnitudes));
  }
  return penalty;
}

template <class T>
void add_to(T* to, const T* from, Index n) {
  for (Index i = 0; i < n; i += kWidth<T>) store(to + i, padd(load(to + i), load(from + i)));
}

template <class T>
void add_as_tree(std::span<const Matrix<const T>> parts, Matrix<T> to, bool add) {
  const auto sum_of = [&](auto&& self, std::size_t first, std::size_t count, Index i, Index j) -> Packet<T> {
    if (count == 1) return load(parts[first].row(i) + j);
    return padd(self(self, first, count / 2, i, j), self(self, first + count / 2, count / 2, i, j));
  };
  for (Index i = 0; i < to.rows; ++i)
    for (Index j = 0; j < padded<T>(to.cols); j += kWidth<T>) {
      const Packet<T> sum = parts.size() == 2 ? padd(load(parts[0].row(i) + j), load(parts[1].row(i) + j))
                                              : sum_of(sum_of, 0, parts.size(), i, j);
      store(to.row(i) + j, add ? padd(load(to.row(i) + j), sum) : sum);
    }
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

#define FASTMLP_INSTANTIATE(T)                                                  \
  template struct SgdStep<T>;                                                   \
  template struct AdamStep<T>;                                                  \
  template struct RmsPropStep<T>;                                               \
  template void move_towards(Matrix<const T>, Matrix<T>, T);                    \
  template double add_penalty(Matrix<const T>, Matrix<T>, T, T);                \
  template void add_to(T*, const T*, Index);                                    \
  template void add_as_tree(std::span<const Matrix<const T>>, Matrix<T>, bool); \
  template double squared_norm(const Matrix<T>&);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
