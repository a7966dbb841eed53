#include "kernels/sums.h"

#include "kernels/packet.h"

namespace fastmlp {

using namespace simd;

template <class T>
void add_to(T* to, const T* from, Index n) {
  for (Index i = 0; i < n; i += kWidth<T>) store(to + i, padd(load(to + i), load(from + i)));
}

template <class T>
void add_difference(const T* plus, const T* minus, Index n, T* to) {
  for (Index i = 0; i < n; ++i) to[i] += plus[i] - minus[i];
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

template <class T>
double squared_norm(const T* values, Index n) {
  constexpr Index kSums = 8;  // as many as fill the vectors
  double sums[kSums] = {};
  const auto square = [&](Index j) { return static_cast<double>(values[j]) * static_cast<double>(values[j]); };
  Index j = 0;
  for (; j + kSums <= n; j += kSums)
    for (Index k = 0; k < kSums; ++k) sums[k] += square(j + k);
  for (; j < n; ++j) sums[j % kSums] += square(j);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
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

#define FASTMLP_INSTANTIATE(T)                                                  \
  template void add_to(T*, const T*, Index);                                    \
  template void add_difference(const T*, const T*, Index, T*);                  \
  template void add_as_tree(std::span<const Matrix<const T>>, Matrix<T>, bool); \
  template double squared_norm(const Matrix<T>&);                               \
  template double squared_norm(const T*, Index);                                \
  template void move_towards(Matrix<const T>, Matrix<T>, T);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
