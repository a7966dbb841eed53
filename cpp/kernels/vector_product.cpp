#include "kernels/vector_product.h"

#include <algorithm>

#include "kernels/packet.h"
#include "kernels/panels.h"

namespace fastmlp {

using namespace simd;

template <class T>
void dot_bias(Matrix<const T> a, Matrix<const T> w, const T* bias, Matrix<T> c) {
  constexpr int n = kWidth<T>;
  const Index depth = padded<T>(a.cols);
  // One packet of rows at a time, whose sums over the depth then share the work of adding up lanes.
  for (Index i = 0; i < a.rows; i += n) {
    const int rows = static_cast<int>(std::min<Index>(n, a.rows - i));
    // Few outputs fill one line at most; in prediction it still holds what another layer left there.
    for (int r = 0; r < rows; ++r)
      for (Index j = 0; j < kLine<T>; j += n) store(c.row(i + r) + j, set<T>(0));
    for (Index out = 0; out < c.cols; ++out) {
      Packet<T> sums[n];
      for (int r = 0; r < n; ++r) sums[r] = set<T>(0);
      const T* weights = w.row(out);
      const auto dots = [&]<int count>(int first) {
        Packet<T> own[count];
        for (int r = 0; r < count; ++r) own[r] = set<T>(0);
        for (Index k = 0; k < depth; k += n) {
          const Packet<T> x = load(weights + k);
          FASTMLP_UNROLL
          for (int r = 0; r < count; ++r) own[r] = pmadd(load(a.row(i + first + r) + k), x, own[r]);
        }
        for (int r = 0; r < count; ++r) sums[first + r] = own[r];
      };
      // Several chains of sums at once, or each multiply-add would wait for the one before; eight are enough.
      constexpr int kMany = std::min(n, 8), kFew = std::min(n, 4);
      int r = 0;
      for (; r + kMany <= rows; r += kMany) dots.template operator()<kMany>(r);
      for (; r + kFew <= rows; r += kFew) dots.template operator()<kFew>(r);
      for (; r < rows; ++r) dots.template operator()<1>(r);
      alignas(kAlignment) T lanes[n];
      store(lanes, padd(sums_of_lanes<T>(sums), set<T>(bias[out])));
      for (int s = 0; s < rows; ++s) c.row(i + s)[out] = lanes[s];
    }
  }
}

template <class T>
void vector_product(const T* a, Index a_stride, Matrix<const T> b, T* c, bool add) {
  constexpr int n = kWidth<T>;
  for_each_panel(padded<T>(b.cols) / n, [&]<int packets>(Index first) {
    const Index column = first * n;
    // Several sums of each column where there are few, or each multiply-add would wait for the one before.
    constexpr int chains = packets > 4 ? 1 : packets > 2 ? 2 : 4;
    Packet<T> sums[chains][packets];
    for (int s = 0; s < chains; ++s)
      for (int v = 0; v < packets; ++v) sums[s][v] = s == 0 && add ? load(c + column + v * n) : set<T>(0);
    const T* row = b.data + column;
    const auto accumulate = [&](Packet<T>(&own)[packets], Index k) {
      const Packet<T> x = set<T>(a[k * a_stride]);
      for (int v = 0; v < packets; ++v) own[v] = pmadd(x, load(row + v * n), own[v]);
      row += b.stride;
    };
    Index k = 0;
    for (; k + chains <= b.rows; k += chains) {
      FASTMLP_UNROLL
      for (int s = 0; s < chains; ++s) accumulate(sums[s], k + s);
    }
    for (; k < b.rows; ++k) accumulate(sums[0], k);
    for (int half = chains / 2; half > 0; half /= 2)
      for (int s = 0; s < half; ++s)
        for (int v = 0; v < packets; ++v) sums[s][v] = padd(sums[s][v], sums[s + half][v]);
    for (int v = 0; v < packets; ++v) store(c + column + v * n, sums[0][v]);
  });
}

template <class T>
void backward_of_one(Matrix<const T> delta, const T* w, Matrix<const T> in, bool gated, Matrix<T> d_in, T* gradient,
                     bool add) {
  constexpr int n = kWidth<T>;
  for_each_panel(padded<T>(in.cols) / n, [&]<int packets>(Index first) {
    const Index column = first * n;
    Packet<T> weights[packets], sums[packets];
    for (int v = 0; v < packets; ++v) {
      weights[v] = load(w + column + v * n);
      sums[v] = add ? load(gradient + column + v * n) : set<T>(0);
    }
    const auto rows = [&]<bool gates>() {
      for (Index i = 0; i < in.rows; ++i) {
        const Packet<T> x = set<T>(*delta.row(i));
        const T* from = in.row(i) + column;
        T* to = d_in.row(i) + column;
        for (int v = 0; v < packets; ++v) {
          const Packet<T> value = load(from + v * n), back = pmul(x, weights[v]);
          store(to + v * n, gates ? where_positive<T>(value, back) : back);
          sums[v] = pmadd(x, value, sums[v]);
        }
      }
    };
    gated ? rows.template operator()<true>() : rows.template operator()<false>();
    for (int v = 0; v < packets; ++v) store(gradient + column + v * n, sums[v]);
  });
}

template <class T>
void column_sums(Matrix<const T> a, T* sums, bool add) {
  const T one = 1;
  vector_product(&one, 0, a, sums, add);
}

#define FASTMLP_INSTANTIATE(T)                                                                          \
  template void dot_bias(Matrix<const T>, Matrix<const T>, const T*, Matrix<T>);                        \
  template void vector_product(const T*, Index, Matrix<const T>, T*, bool);                             \
  template void backward_of_one(Matrix<const T>, const T*, Matrix<const T>, bool, Matrix<T>, T*, bool); \
  template void column_sums(Matrix<const T>, T*, bool);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
