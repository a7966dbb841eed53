#include "kernels/small_matrix.h"

#include <algorithm>
#include <cstring>

#include "kernels/panels.h"
#include "kernels/small_packet.h"

namespace fastmlp {

using namespace simd;

SmallWeights::SmallWeights(const SmallMatrix& from)
    : type_(from.type),
      rows_(from.rows),
      cols_(from.cols),
      data_(checked_product(checked_product(from.rows, stride(), "weights"), bytes_of(from.type), "weights")),
      scale_(from.scale ? stride() : 0) {
  const Index size = bytes_of(type_);
  for (Index k = 0; k < rows_; ++k)
    std::memcpy(data_.data() + k * stride() * size, from.data + k * from.stride * size,
                static_cast<std::size_t>(cols_ * size));
  if (from.scale) std::copy_n(from.scale, cols_, scale_.data());
}

template <class T>
void widen(const SmallMatrix& m, Index first, Index column, Matrix<T> to) {
  visit<T>(m, [&](const auto& rows) {
    for (Index k = 0; k < to.rows; ++k)
      for (Index j = 0; j < padded<T>(to.cols); j += kWidth<T>)
        store(to.row(k) + j, rows.packet(first + k, column + j));
  });
}

template <class T>
void row_product_bias(const T* a, const SmallMatrix& b, const T* bias, bool relu, T* c) {
  constexpr int n = kWidth<T>;
  visit<T>(b, [&](const auto& rows) {
    for_each_panel(padded<T>(b.cols) / n, [&]<int packets>(Index first) {
      const Index column = first * n;
      Packet<T> sums[packets];
      for (int v = 0; v < packets; ++v) sums[v] = load(bias + column + v * n);
      for (Index k = 0; k < b.rows; ++k) {
        const Packet<T> x = set<T>(a[k]);
        for (int v = 0; v < packets; ++v) sums[v] = pmadd(x, rows.packet(k, column + v * n), sums[v]);
      }
      for (int v = 0; v < packets; ++v) store(c + column + v * n, relu ? pmax(sums[v], set<T>(0)) : sums[v]);
    });
  });
}

#define FASTMLP_INSTANTIATE(T)                                      \
  template void widen(const SmallMatrix&, Index, Index, Matrix<T>); \
  template void row_product_bias(const T*, const SmallMatrix&, const T*, bool, T*);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
