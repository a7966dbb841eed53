#include "kernels/sparse_product.h"

#include <algorithm>

#include "kernels/packet.h"
#include "kernels/panels.h"
#include "kernels/small_packet.h"

namespace fastmlp {

using namespace simd;

namespace {

/** w(k, column) is the packet of row k from that column on. */
template <class T>
void product_bias(const SparseRows<T>& a, Index w_rows, auto&& w, const T* bias, Matrix<T> c) {
  constexpr int n = kWidth<T>;
  const SparseTable<T>& table = *a.table;
  const auto columns = static_cast<std::uint32_t>(w_rows);
  const auto column_of = [&](Index entry) {
    const auto column = static_cast<std::uint32_t>(read_once(table.columns + entry));
    if (column >= columns) sparse_table_changed();
    return static_cast<Index>(column);
  };
  for (Index i = 0; i < a.count; ++i) {
    const auto [begin, end] = a.entries(i);
    T* out = c.row(i);
    for_each_panel(padded<T>(c.cols) / n, [&]<int packets>(Index first) {
      const Index column = first * n;
      Packet<T> sums[packets];
      for (int v = 0; v < packets; ++v) sums[v] = load(bias + column + v * n);
      for (Index e = begin; e < end; ++e) {
        const Packet<T> x = set<T>(table.values[e]);
        const Index k = column_of(e);
        for (int v = 0; v < packets; ++v) sums[v] = pmadd(x, w(k, column + v * n), sums[v]);
      }
      for (int v = 0; v < packets; ++v) store(out + column + v * n, sums[v]);
    });
  }
}

}  // namespace

template <class T>
void sparse_product_bias(const SparseRows<T>& a, Matrix<const T> w, const T* bias, Matrix<T> c) {
  product_bias<T>(a, w.rows, [&](Index k, Index column) { return load(w.row(k) + column); }, bias, c);
}

template <class T>
void sparse_product_bias(const SparseRows<T>& a, const SmallMatrix& w, const T* bias, Matrix<T> c) {
  visit<T>(w, [&](const auto& rows) {
    product_bias<T>(a, w.rows, [&](Index k, Index column) { return rows.packet(k, column); }, bias, c);
  });
}

template <class T>
void sparse_transposed_product(const SparseRows<T>& a, Index first, Matrix<const T> b, Matrix<T> c, bool add) {
  constexpr int n = kWidth<T>;
  const SparseTable<T>& table = *a.table;
  const Index width = padded<T>(c.cols);
  if (!add)
    for (Index i = 0; i < c.rows; ++i) std::fill_n(c.row(i), width, T(0));
  const auto begins = static_cast<std::int32_t>(first);
  for (Index i = 0; i < a.count; ++i) {
    const auto [begin, end] = a.entries(i);
    const std::int32_t* const past = table.columns + end;
    const T* from = b.row(i);
    for (const auto* entry = std::lower_bound(table.columns + begin, past, begins); entry != past; ++entry) {
      // Past these columns; or, if another thread has written to it since lower_bound() read it, before them.
      const auto column = static_cast<std::uint32_t>(read_once(entry)) - static_cast<std::uint32_t>(begins);
      if (column >= static_cast<std::uint32_t>(c.rows)) break;
      const Packet<T> x = set<T>(table.values[entry - table.columns]);
      T* to = c.row(static_cast<Index>(column));
      for (Index j = 0; j < width; j += n) store(to + j, pmadd(x, load(from + j), load(to + j)));
    }
  }
}

#define FASTMLP_INSTANTIATE(T)                                                                      \
  template void sparse_product_bias(const SparseRows<T>&, Matrix<const T>, const T*, Matrix<T>);    \
  template void sparse_product_bias(const SparseRows<T>&, const SmallMatrix&, const T*, Matrix<T>); \
  template void sparse_transposed_product(const SparseRows<T>&, Index, Matrix<const T>, Matrix<T>, bool);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
