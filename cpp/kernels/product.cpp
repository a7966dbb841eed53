#include "kernels/product.h"

#include <algorithm>

#include "kernels/packet.h"

namespace fastmlp {
namespace {

using namespace simd;

// 14 x 2 packets fill 28 of 32 registers, 6 x 2 fill 12 of 16; the rest hold two packets of b and a broadcast of a.
constexpr int kTileRows = kRegisters >= 32 ? 14 : 6;
constexpr int kTilePackets = 2;

template <class T>
constexpr Index kPanel = kTilePackets * kWidth<T>;

/** rows x packets of c: rows of a from `a` on, one panel of b. Finish takes the row, the packet's number and the sum.
 */
template <class T, int rows, int packets, bool row_contiguous, class Finish>
inline void tile(Index depth, const T* a, Index a_stride, const T* b, Index b_stride, Finish&& finish) {
  Packet<T> sums[rows][packets];
  for (int i = 0; i < rows; ++i)
    for (int v = 0; v < packets; ++v) sums[i][v] = set<T>(0);
  const Index a_row = row_contiguous ? 1 : a_stride;
  const Index a_depth = row_contiguous ? a_stride : 1;
  for (Index k = 0; k < depth; ++k) {
    Packet<T> b_packets[packets];
    for (int v = 0; v < packets; ++v) b_packets[v] = load(b + v * kWidth<T>);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const Packet<T> x = set<T>(a[i * a_row]);
      for (int v = 0; v < packets; ++v) sums[i][v] = pmadd(x, b_packets[v], sums[i][v]);
    }
    a += a_depth;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
    for (int v = 0; v < packets; ++v) finish(i, v, sums[i][v]);
}

/** One panel of c, all rows: full tiles, then ever smaller ones. */
template <class T, int rows, int packets, bool row_contiguous, class Finish>
inline void panel(Index first, Index last, Index depth, Strided<T> a, const T* b, Index b_stride, Finish&& finish) {
  const Index a_stride = row_contiguous ? a.depth : a.row;
  Index i = first;
  for (; i + rows <= last; i += rows)
    tile<T, rows, packets, row_contiguous>(depth, a.data + i * a.row, a_stride, b, b_stride,
                                           [&](int r, int v, const Packet<T>& sum) { finish(i + r, v, sum); });
  if constexpr (rows > 1) {
    constexpr int next = rows > 8 ? 8 : rows > 4 ? 4 : rows / 2;
    if (i < last) panel<T, next, packets, row_contiguous>(i, last, depth, a, b, b_stride, finish);
  }
}

/** Finish takes the row, the column and the packet of sums. */
template <class T, class Finish>
inline void for_each_sum(Index rows, Index columns, Index depth, Strided<T> a, Panels<T> b, Finish&& finish) {
  const Index width = padded<T>(columns);
  const auto run = [&]<int packets>(Index column) {
    const T* from = b.data + column / kPanel<T> * b.panel;
    const Index stride = b.stride ? b.stride : packets * kWidth<T>;
    const auto at_column = [&](Index row, int v, const Packet<T>& sum) { finish(row, column + v * kWidth<T>, sum); };
    if (a.row == 1)
      panel<T, kTileRows, packets, true>(0, rows, depth, a, from, stride, at_column);
    else
      panel<T, kTileRows, packets, false>(0, rows, depth, a, from, stride, at_column);
  };
  Index column = 0;
  for (; column + kPanel<T> <= width; column += kPanel<T>) run.template operator()<kTilePackets>(column);
  for (; column < width; column += kWidth<T>) run.template operator()<1>(column);
}

}  // namespace

template <class T>
Panels<T> Panels<T>::row_major(Matrix<const T> m) {
  return {m.data, kPanel<T>, m.stride};
}

template <class T>
Panels<T> packed_panels(const T* packed, Index depth) {
  return {packed, kPanel<T> * depth, 0};
}

template <class T>
void pack(Matrix<const T> w, Index first, Index last, Index column, Index end, T* packed) {
  for (Index start = column / kPanel<T> * kPanel<T>; start < end; start += kPanel<T>) {
    const Index width = std::min(kPanel<T>, padded<T>(w.cols) - start);
    const Index from = std::max(column, start) - start;
    const Index to = std::min(padded<T>(end) - start, width);
    T* panel = packed + start * w.rows;
    for (Index k = first; k < last; ++k)
      for (Index j = from; j < to; j += kWidth<T>) store(panel + k * width + j, load(w.row(k) + start + j));
  }
}

template <class T>
void pack_transposed(Matrix<const T> w, Index first, Index last, Index column, Index end, T* packed) {
  constexpr Index n = kWidth<T>;
  const Index depth = w.cols;
  // Row k of w is a column of the transpose, in panel k / kPanel.
  const auto place = [&](Index k, Index& width) {
    const Index start = k / kPanel<T> * kPanel<T>;
    width = std::min(kPanel<T>, padded<T>(w.rows) - start);
    return packed + start * depth + (k - start);
  };
  Index width;
  Index k = first;
  for (; k + n <= last; k += n) {
    T* to = place(k, width);
    Index j = column;
    for (; j + n <= end; j += n) {
      Eigen::internal::PacketBlock<Packet<T>, n> block;
      for (Index i = 0; i < n; ++i) block.packet[i] = load(w.row(k + i) + j);
      Eigen::internal::ptranspose(block);
      for (Index i = 0; i < n; ++i) store(to + (j + i) * width, block.packet[i]);
    }
    for (; j < end; ++j)
      for (Index i = 0; i < n; ++i) to[j * width + i] = w.row(k + i)[j];
  }
  for (; k < last; ++k) {
    T* to = place(k, width);
    for (Index j = column; j < end; ++j) to[j * width] = w.row(k)[j];
  }
}

template <class T>
void product_bias(Index depth, Strided<T> a, Panels<T> b, const T* bias, Matrix<T> c) {
  for_each_sum<T>(c.rows, c.cols, depth, a, b,
                  [&](Index i, Index j, const Packet<T>& sum) { store(c.row(i) + j, padd(sum, load(bias + j))); });
}

template <class T>
void product(Index depth, Strided<T> a, Panels<T> b, Matrix<T> c, bool accumulate) {
  if (accumulate)
    for_each_sum<T>(c.rows, c.cols, depth, a, b, [&](Index i, Index j, const Packet<T>& sum) {
      store(c.row(i) + j, padd(load(c.row(i) + j), sum));
    });
  else
    for_each_sum<T>(c.rows, c.cols, depth, a, b,
                    [&](Index i, Index j, const Packet<T>& sum) { store(c.row(i) + j, sum); });
}

namespace {

/** Rows of both factors that a weight gradient takes at once: two copied blocks fit L2 beside the weights. */
constexpr Index kGradientRows = 512;

/** Rows this far apart are not prefetched, and each needs its own entry in the translation cache. */
template <class T>
constexpr Index kFarApart = 2048 / static_cast<Index>(sizeof(T));

/** Copies a's columns in groups of `group` to `to`, one group behind the other, each with its rows in order. Rows of
 * `to` may be written beyond their end, before the next one is. */
template <class T, Index group>
void copy_groups(Matrix<const T> a, T* to) {
  constexpr Index whole = ceil_div(group, kWidth<T>) * kWidth<T>;
  for (Index j = 0; j < a.cols; j += group) {
    const Index count = std::min(group, a.cols - j);
    for (Index i = 0; i < a.rows; ++i, to += group) {
      const T* from = a.row(i) + j;
      // Inside a there is always something behind a row but the last.
      if (count == group && i + 1 < a.rows)
        for (Index v = 0; v < whole; v += kWidth<T>) storeu(to + v, loadu(from + v));
      else
        std::copy_n(from, count, to);
    }
  }
}

}  // namespace

template <class T>
Index gradient_scratch_size(Index rows, Index columns) {
  return kGradientRows * (ceil_div(rows, kTileRows) * kTileRows + ceil_div(columns, kPanel<T>) * kPanel<T>);
}

template <class T>
void transposed_product(Matrix<const T> left, Matrix<const T> right, Matrix<T> c, bool accumulate, T* scratch) {
  // A copy of left is read once per panel of right, a copy of right once per tile of left.
  const bool copies =
      left.stride >= kFarApart<T> && right.stride >= kFarApart<T> / 2 && c.rows > 2 * kTileRows && c.cols > kPanel<T>;
  for (Index first = 0; first < left.rows; first += kGradientRows) {
    const Index rows = std::min(kGradientRows, left.rows - first);
    const Matrix<const T> l = left.slice(first, rows), r = right.slice(first, rows);
    if (!copies) {
      product<T>(rows, Strided<T>::transposed(l), Panels<T>::row_major(r), c, accumulate || first > 0);
      continue;
    }
    T* right_copy = scratch + kGradientRows * ceil_div(c.rows, kTileRows) * kTileRows;
    copy_groups<T, kTileRows>(l, scratch);
    copy_groups<T, kPanel<T>>({r.data, rows, padded<T>(c.cols), r.stride}, right_copy);
    for (Index i = 0; i < c.rows; i += kTileRows)
      product<T>(rows, {scratch + i * rows, 1, kTileRows}, {right_copy, rows * kPanel<T>, kPanel<T>},
                 c.slice(i, std::min<Index>(kTileRows, c.rows - i)), accumulate || first > 0);
  }
}

template <class T>
void dot_bias(Matrix<const T> a, Matrix<const T> w, const T* bias, Matrix<T> c) {
  const Index depth = padded<T>(a.cols);
  const auto rows = [&]<int count>(Index i) {
    // In prediction the line still holds what another layer left there.
    for (int r = 0; r < count; ++r)
      for (Index j = 0; j < padded<T>(c.cols); j += kWidth<T>) store(c.row(i + r) + j, set<T>(0));
    for (Index n = 0; n < c.cols; ++n) {
      Packet<T> sums[count];
      for (int r = 0; r < count; ++r) sums[r] = set<T>(0);
      for (Index k = 0; k < depth; k += kWidth<T>) {
        const Packet<T> weights = load(w.row(n) + k);
        for (int r = 0; r < count; ++r) sums[r] = pmadd(load(a.row(i + r) + k), weights, sums[r]);
      }
      for (int r = 0; r < count; ++r) c.row(i + r)[n] = sum<T>(sums[r]) + bias[n];
    }
  };
  Index i = 0;
  for (; i + 8 <= a.rows; i += 8) rows.template operator()<8>(i);
  for (; i < a.rows; ++i) rows.template operator()<1>(i);
}

template <class T>
void column_sums(Matrix<const T> a, T* sums, bool accumulate) {
  const Index width = padded<T>(a.cols);
  for (Index j = 0; j < width; j += kWidth<T>) {
    Packet<T> total = accumulate ? load(sums + j) : set<T>(0);
    for (Index i = 0; i < a.rows; ++i) total = padd(total, load(a.row(i) + j));
    store(sums + j, total);
  }
}

#define FASTMLP_INSTANTIATE(T)                                                             \
  template struct Panels<T>;                                                               \
  template Panels<T> packed_panels(const T*, Index);                                       \
  template void pack(Matrix<const T>, Index, Index, Index, Index, T*);                     \
  template void pack_transposed(Matrix<const T>, Index, Index, Index, Index, T*);          \
  template void product_bias(Index, Strided<T>, Panels<T>, const T*, Matrix<T>);           \
  template void product(Index, Strided<T>, Panels<T>, Matrix<T>, bool);                    \
  template Index gradient_scratch_size<T>(Index, Index);                                   \
  template void transposed_product(Matrix<const T>, Matrix<const T>, Matrix<T>, bool, T*); \
  template void dot_bias(Matrix<const T>, Matrix<const T>, const T*, Matrix<T>);           \
  template void column_sums(Matrix<const T>, T*, bool);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
