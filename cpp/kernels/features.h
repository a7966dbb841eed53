// Kernels that compute something of every number of a table: lanes are either neighbouring features of one row, or one
// feature's numbers in as many rows. The columns after the last feature belong to others: they are never written.
#pragma once

#include <algorithm>

#include "core/matrix.h"
#include "kernels/packet.h"

namespace fastmlp::simd {

/** Writes rows [row, row + rows) of columns [column, column + cols) by columns: the lanes of the packet at
 * to + c * stride are column c of kWidth<T> rows, zero beyond the last row. */
template <class T>
inline void read_turned(Matrix<const T> from, Index row, Index rows, Index column, Index cols, T* to, Index stride) {
  constexpr int n = kWidth<T>;
  for (Index i = 0; i < rows; i += n)
    for (Index c = 0; c < cols; c += n) {
      const Index count = std::min<Index>(n, cols - c);
      const T* first = from.row(row + i) + column + c;
      Eigen::internal::PacketBlock<Packet<T>, n> tile;
      for (Index r = 0; r < n; ++r)
        tile.packet[r] = i + r < rows ? load_first<T>(first + r * from.stride, count) : set<T>(0);
      Eigen::internal::ptranspose(tile);
      for (Index k = 0; k < count; ++k) store(to + (c + k) * stride + i, tile.packet[k]);
    }
}

/** The way back, of at most kWidth<T> rows: a packet of `from` is a column. */
template <class T>
inline void write_turned(const T* from, Matrix<T> to, Index row, Index rows, Index column, Index cols) {
  constexpr int n = kWidth<T>;
  for (Index c = 0; c < cols; c += n) {
    const Index count = std::min<Index>(n, cols - c);
    Eigen::internal::PacketBlock<Packet<T>, n> tile;
    for (Index k = 0; k < n; ++k) tile.packet[k] = k < count ? load(from + (c + k) * n) : set<T>(0);
    Eigen::internal::ptranspose(tile);
    for (Index r = 0; r < n; ++r)
      if (r < rows) store_first<T>(to.row(row + r) + column + c, tile.packet[r], count);
  }
}

/** out(i, k * n + j) <- the k-th of `outputs` values of in(i, j), for n features j. embed(parameter, x, y) computes
 * packets of them, y[k], from a packet x; parameter(row) is the packet that belongs to it in a row of parameters with a
 * column for each feature. */
template <class T, int outputs, class F>
inline void embed_features(Matrix<const T> in, Index n, Matrix<T> out, F&& embed) {
  constexpr Index width = kWidth<T>, kMost = 32;
  Packet<T> y[outputs];
  // Few rows leave most lanes empty, and turning costs about an eighth. Every lane is computed alike: the bits do not
  // depend on the choice.
  if (ceil_div(in.rows, width) * n * 9 / 8 >= in.rows * ceil_div(n, width)) {
    for (Index i = 0; i < in.rows; ++i)
      for (Index j = 0; j < n; j += width) {
        embed([&](const T* row) { return load(row + j); }, load(in.row(i) + j), y);
        for (Index k = 0; k < outputs; ++k) store_first<T>(out.row(i) + k * n + j, y[k], std::min(width, n - j));
      }
    return;
  }
  alignas(kAlignment) T x[kMost * width], turned[outputs * kMost * width];
  for (Index first = 0; first < n; first += kMost)
    for (Index row = 0; row < in.rows; row += width) {
      const Index cols = std::min(kMost, n - first), rows = std::min(width, in.rows - row);
      read_turned(in, row, rows, first, cols, x, width);
      for (Index j = 0; j < cols; ++j) {
        embed([&](const T* parameters) { return set<T>(parameters[first + j]); }, load(x + j * width), y);
        for (Index k = 0; k < outputs; ++k) store(turned + (k * cols + j) * width, y[k]);
      }
      if (cols == n)  // all of them are neighbours
        write_turned(turned, out, row, rows, 0, outputs * n);
      else
        for (Index k = 0; k < outputs; ++k)
          write_turned(turned + k * cols * width, out, row, rows, k * n + first, cols);
    }
}

/** Numbers of up to kWidth<T> features in many rows, and the derivatives by their `outputs` values each; lanes are
 * rows. Both are zero beyond the last row, so that nothing is added to sums of products there. */
template <class T, int outputs>
class TurnedFeatures {
 public:
  static constexpr Index kRows = 128;

  /** Features [first, first + count) of n in rows [row, row + rows). */
  void take(Matrix<const T> in, Matrix<const T> delta, Index row, Index rows, Index first, Index count, Index n) {
    count_ = count;
    read_turned(in, row, rows, first, count, x_, kRows);
    if (count == n)  // all of them are neighbours
      read_turned(delta, row, rows, 0, outputs * n, delta_, kRows);
    else
      for (Index k = 0; k < outputs; ++k)
        read_turned(delta, row, rows, k * n + first, count, delta_ + k * count * kRows, kRows);
  }
  /** Feature j's numbers in rows i, i + 1, ..., a multiple of kWidth<T>. */
  Packet<T> x(Index j, Index i) const { return load(x_ + j * kRows + i); }
  /** The derivatives by the k-th values of them. */
  Packet<T> delta(Index k, Index j, Index i) const { return load(delta_ + (k * count_ + j) * kRows + i); }

 private:
  Index count_ = 0;
  alignas(kAlignment) T x_[kWidth<T> * kRows], delta_[outputs * kWidth<T> * kRows];
};

/** to <- (to +) the sum over the lanes of each feature's packet; overwrites the packets. */
template <class T>
inline void store_sums(T* to, Packet<T> (&of_features)[kWidth<T>], bool add) {
  const Packet<T> sums = sums_of_lanes<T>(of_features);
  store(to, add ? padd(load(to), sums) : sums);
}

}  // namespace fastmlp::simd
