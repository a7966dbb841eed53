#include "kernels/product.h"

#include <algorithm>
#include <cstring>

#include "kernels/packet.h"

namespace fastmlp {
namespace {

using namespace simd;

// 8 x 3 packets fill 24 of 32 registers, 4 x 3 fill 12 of 16; the rest hold three packets of b and a broadcast of a.
// Eight rows divide the usual minibatches.
constexpr int kTileRows = kRegisters >= 32 ? 8 : 4;
constexpr int kTilePackets = 3;

// The depth is taken in blocks: a block of one panel stays in L1 while a group of rows goes over it, and so do the
// group's unfinished sums.
constexpr Index kDepth = 128;
constexpr Index kGroupRows = 64;
/** All rows over the depth that is taken before the next panel's turn should stay in L2. */
constexpr Index kRowsBytes = Index{1} << 20;

/** A packed matrix's columns in panels of three packets and of two, so that no panel is left with a single one. */
template <class T>
struct Partition {
  explicit Partition(Index columns) {
    const Index packets = padded<T>(columns) / kWidth<T>;
    const Index panels = ceil_div(packets, kTilePackets);
    wide = kTilePackets * std::max<Index>(packets - 2 * panels, 0) * kWidth<T>;
    end = packets * kWidth<T>;
  }
  Index wide;  // columns in panels of three packets, which come first
  Index end;

  struct Panel {
    Index start, width;
  };
  /** The panel that starts at column j. */
  Panel starting_at(Index j) const { return {j, std::min<Index>((j < wide ? kTilePackets : 2) * kWidth<T>, end - j)}; }
  /** The panel that column j lies in. */
  Panel at(Index j) const {
    const Index width = (j < wide ? kTilePackets : 2) * kWidth<T>;
    return starting_at(j < wide ? j / width * width : wide + (j - wide) / width * width);
  }
};

enum class Start { zero, bias, sums };
enum class Finish { store, relu, gate };

/** One panel of c, all rows. */
template <class T>
struct Job {
  Index depth;
  const T* a;
  Index a_stride;  // of the dimension of a that is not contiguous
  Index a_tile;    // from the first row of a tile to the next tile's
  const T* b;
  Index b_stride;
  const T* next;  // where the factor of the panel that comes next lies, to be fetched ahead
  Index next_stride;
  const T* sums;  // where the rows' sums start from, with Start::sums
  Index sums_stride;
  T* c;
  Index c_stride;
  Start start;
  Finish finish;
  const T* bias;
  const T* gate;
  Index gate_stride;
};

/** Rows [first, last) in tiles of rows x packets, the left over ones in ever smaller tiles. */
template <class T, int rows, int packets, bool row_contiguous>
[[gnu::noinline]] void tiles(const Job<T>& job, Index first, Index last) {
  constexpr int n = kWidth<T>;
  const Index a_row = row_contiguous ? 1 : job.a_stride;
  const Index a_depth = row_contiguous ? job.a_stride : 1;
  const Index depth = job.depth, b_stride = job.b_stride, next_stride = job.next_stride;
  Index i = first;
  for (; i + rows <= last; i += rows) {
    Packet<T> sums[rows][packets];
    /** f(r, v, place of the packet in the tile's rows of m) */
    const auto each = [&](auto* m, Index stride, auto&& f) {
      auto* row = m + i * stride;
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r, row += stride)
        for (int v = 0; v < packets; ++v) f(r, v, row + v * n);
    };
    if (job.start == Start::sums)
      each(job.sums, job.sums_stride, [&](int r, int v, const T* from) { sums[r][v] = load(from); });
    else
      for (int v = 0; v < packets; ++v) {
        const Packet<T> from = job.start == Start::bias ? load(job.bias + v * n) : set<T>(0);
        for (int r = 0; r < rows; ++r) sums[r][v] = from;
      }

    const T* a = job.a + i / kTileRows * job.a_tile + i % kTileRows * a_row;
    const T* b = job.b;
    // The first tiles fetch the next panel, a line of every row each.
    const T* ahead = job.next + std::min<Index>(i / rows, packets - 1) * n;
    for (Index k = 0; k < depth; ++k) {
      Packet<T> b_packets[packets];
      for (int v = 0; v < packets; ++v) b_packets[v] = load(b + v * n);
      prefetch_far(ahead);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) {
        const Packet<T> x = set<T>(a[r * a_row]);
        for (int v = 0; v < packets; ++v) sums[r][v] = pmadd(x, b_packets[v], sums[r][v]);
      }
      a += a_depth;
      b += b_stride;
      ahead += next_stride;
    }

    switch (job.finish) {
      case Finish::gate:
        each(job.gate, job.gate_stride,
             [&](int r, int v, const T* gate) { sums[r][v] = where_positive<T>(load(gate), sums[r][v]); });
        break;
      case Finish::relu:
        for (int r = 0; r < rows; ++r)
          for (int v = 0; v < packets; ++v) sums[r][v] = pmax(sums[r][v], set<T>(0));
        break;
      case Finish::store: break;
    }
    each(job.c, job.c_stride, [&](int r, int v, T* to) { store(to, sums[r][v]); });
  }
  if constexpr (rows > 1)
    if (i < last) tiles<T, rows / 2, packets, row_contiguous>(job, i, last);
}

/** Even parts of at most `most`. */
Index even_part(Index n, Index most) { return n <= most ? n : ceil_div(n, ceil_div(n, most)); }

/** How much of the depth is taken over all panels before the rest. */
template <class T>
Index outer_depth(Index depth, Index rows) {
  return depth <= kDepth ? depth
                         : even_part(depth, std::max(kDepth, kRowsBytes / (rows * static_cast<Index>(sizeof(T)))));
}

template <class T>
void run(Index depth, Strided<T> a, Panels<T> b, Matrix<T> c, Job<T> job) {
  if (c.rows == 0) return;
  const Partition<T> partition(c.cols);
  const bool row_contiguous = a.row == 1;
  const Start start = job.start;
  const Finish finish = job.finish;
  job.a_stride = row_contiguous ? a.depth : a.row;
  job.a_tile = kTileRows * a.row;
  const Index group_rows = depth <= kDepth ? c.rows : std::min(c.rows, kGroupRows);
  alignas(kAlignment) T unfinished[kGroupRows * kTilePackets * kWidth<T>];
  const Index outer = row_contiguous ? even_part(depth, kDepth) : outer_depth<T>(depth, c.rows);
  for (Index k_outer = 0; k_outer < depth; k_outer += outer) {
    const Index k_end = std::min(depth, k_outer + outer);
    const Index inner = even_part(k_end - k_outer, kDepth);
    for (Index column = 0; column < partition.end;) {
      const auto panel = partition.starting_at(column);
      const Index next = column + panel.width;
      const auto place = [&](const auto& p, Index k) {
        return b.data + p.start * b.column + k * (b.stride ? b.stride : p.width);
      };
      job.next_stride = job.b_stride = b.stride ? b.stride : panel.width;
      const auto group = [&]<int packets>(Index first) {
        Job<T> own = job;
        const Index rows = std::min(group_rows, c.rows - first);
        if (own.bias) own.bias += column;
        if (own.gate) own.gate += first * own.gate_stride + column;
        for (Index k = k_outer; k < k_end; k += inner) {
          own.depth = std::min(inner, k_end - k);
          own.a = a.data + first * a.row + k * a.depth;
          own.b = place(panel, k);
          own.next = next < partition.end ? place(partition.starting_at(next), k) : own.b;
          own.start = k == 0 ? start : Start::sums;
          if (k == k_outer) {
            own.sums = c.row(first) + column;
            own.sums_stride = c.stride;
          } else {
            own.sums = unfinished;
            own.sums_stride = panel.width;
          }
          if (k + inner < k_end) {
            own.finish = Finish::store;
            own.c = unfinished;
            own.c_stride = panel.width;
          } else {
            own.finish = k_end == depth ? finish : Finish::store;
            own.c = c.row(first) + column;
            own.c_stride = c.stride;
          }
          if (row_contiguous)
            tiles<T, kTileRows, packets, true>(own, 0, rows);
          else
            tiles<T, kTileRows, packets, false>(own, 0, rows);
        }
      };
      for (Index first = 0; first < c.rows; first += group_rows) {
        switch (panel.width / kWidth<T>) {
          case 3: group.template operator()<3>(first); break;
          case 2: group.template operator()<2>(first); break;
          default: group.template operator()<1>(first); break;
        }
      }
      column = next;
    }
  }
}

/** Rows farther apart than this touch a page each, and the processor does not fetch them ahead. */
constexpr Index kFarBytes = 1024;

/** c <- (c +) a b for factors whose rows lie far apart: every block of both is copied together before its use. */
template <class T>
void run_far(Index depth, const T* a, Index a_depth, Matrix<const T> b, Matrix<T> c, Start start) {
  constexpr Index kRows = 128;
  // A line more for each tile, or they would all share their sets of the first cache.
  constexpr Index kTile = kTileRows * kDepth + kLine<T>;
  alignas(kAlignment) T a_block[kRows / kTileRows * kTile];
  alignas(kAlignment) T b_block[kDepth * kTilePackets * kWidth<T>];
  const Partition<T> partition(c.cols);
  const Index length = even_part(depth, kDepth);
  Job<T> job{};
  job.a = a_block;
  job.a_stride = kTileRows;
  job.a_tile = kTile;
  job.b = b_block;
  job.next_stride = b.stride;
  job.sums_stride = job.c_stride = c.stride;
  job.finish = Finish::store;
  for (Index first = 0; first < c.rows; first += kRows) {
    const Index rows = std::min(kRows, c.rows - first);
    for (Index k = 0; k < depth; k += length) {
      const Matrix<const T> block = b.slice(k, std::min(length, depth - k));
      job.depth = block.rows;
      job.start = k == 0 ? start : Start::sums;
      for (Index i = 0; i < block.rows; ++i) {
        const T* from = a + (k + i) * a_depth + first;
        T* to = a_block + i * kTileRows;
        for (Index r = 0; r < rows; r += kTileRows, to += kTile) std::memcpy(to, from + r, kTileRows * sizeof(T));
      }
      for (Index column = 0; column < partition.end;) {
        const auto panel = partition.starting_at(column);
        column += panel.width;
        for (Index i = 0; i < block.rows; ++i)
          for (Index j = 0; j < panel.width; j += kWidth<T>)
            store(b_block + i * panel.width + j, load(block.row(i) + panel.start + j));
        job.b_stride = panel.width;
        job.next = column < partition.end ? block.row(0) + column : b.row(std::min(k + length, depth - block.rows));
        job.sums = job.c = c.row(first) + panel.start;
        switch (panel.width / kWidth<T>) {
          case 3: tiles<T, kTileRows, 3, true>(job, 0, rows); break;
          case 2: tiles<T, kTileRows, 2, true>(job, 0, rows); break;
          default: tiles<T, kTileRows, 1, true>(job, 0, rows); break;
        }
      }
    }
  }
}

}  // namespace

template <class T>
void pack(Matrix<const T> w, Index first, Index last, Index column, Index end, T* packed) {
  const Partition<T> partition(w.cols);
  for (Index start = column; start < end;) {
    const auto panel = partition.at(start);
    const Index to = std::min(padded<T>(end), panel.start + panel.width);
    T* panel_data = packed + panel.start * w.rows;
    for (Index k = first; k < last; ++k)
      for (Index j = start; j < to; j += kWidth<T>)
        store(panel_data + k * panel.width + j - panel.start, load(w.row(k) + j));
    start = to;
  }
}

template <class T>
void pack_transposed(Matrix<const T> w, Index first, Index last, Index column, Index end, T* packed) {
  constexpr Index n = kWidth<T>;
  const Index depth = w.cols;
  const Partition<T> partition(w.rows);
  // Row k of w is a column of the transpose.
  const auto place = [&](Index k, Index& width) {
    const auto panel = partition.at(k);
    width = panel.width;
    return packed + panel.start * depth + (k - panel.start);
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
void product(Index depth, Strided<T> a, Panels<T> b, Matrix<T> c, bool add) {
  const Start start = add ? Start::sums : Start::zero;
  if (a.row == 1 && std::min(a.depth, b.stride) * static_cast<Index>(sizeof(T)) > kFarBytes)
    return run_far<T>(depth, a.data, a.depth, {b.data, depth, c.cols, b.stride}, c, start);
  Job<T> job{};
  job.start = start;
  job.finish = Finish::store;
  run(depth, a, b, c, job);
}

template <class T>
void product_bias(Index depth, Strided<T> a, Panels<T> b, const T* bias, bool relu, Matrix<T> c) {
  Job<T> job{};
  job.start = Start::bias;
  job.bias = bias;
  job.finish = relu ? Finish::relu : Finish::store;
  run(depth, a, b, c, job);
}

/** product_gated of depth 1: the outer product of a column and a row. */
template <class T>
void outer_gated(const T* a, Index a_row, const T* b, Matrix<const T> gate, Matrix<T> c) {
  const Index width = padded<T>(c.cols);
  for (Index i = 0; i < c.rows; ++i) {
    const Packet<T> x = set<T>(a[i * a_row]);
    const T* gate_row = gate.row(i);
    T* to = c.row(i);
    for (Index j = 0; j < width; j += kWidth<T>)
      store(to + j, where_positive<T>(load(gate_row + j), pmul(x, load(b + j))));
  }
}

template <class T>
void product_gated(Index depth, Strided<T> a, Panels<T> b, Matrix<const T> gate, Matrix<T> c) {
  // A single row of b is the same in panels and as it lies.
  if (depth == 1) return outer_gated<T>(a.data, a.row, b.data, gate, c);
  Job<T> job{};
  job.start = Start::zero;
  job.finish = Finish::gate;
  job.gate = gate.data;
  job.gate_stride = gate.stride;
  run(depth, a, b, c, job);
}

template <class T>
void dot_bias(Matrix<const T> a, Matrix<const T> w, const T* bias, Matrix<T> c) {
  constexpr int n = kWidth<T>;
  const Index depth = padded<T>(a.cols);
  // One packet of rows at a time, whose sums over the depth then share the work of adding up lanes.
  for (Index i = 0; i < a.rows; i += n) {
    const int rows = static_cast<int>(std::min<Index>(n, a.rows - i));
    // In prediction the line still holds what another layer left there.
    for (int r = 0; r < rows; ++r)
      for (Index j = 0; j < padded<T>(c.cols); j += n) store(c.row(i + r) + j, set<T>(0));
    for (Index out = 0; out < c.cols; ++out) {
      Packet<T> sums[n];
      for (int r = 0; r < n; ++r) sums[r] = set<T>(0);
      const T* weights = w.row(out);
      const auto dots = [&]<int count>(int first) {
        Packet<T> own[count];
        for (int r = 0; r < count; ++r) own[r] = set<T>(0);
        for (Index k = 0; k < depth; k += n) {
          const Packet<T> x = load(weights + k);
#pragma GCC unroll 16
          for (int r = 0; r < count; ++r) own[r] = pmadd(load(a.row(i + first + r) + k), x, own[r]);
        }
        for (int r = 0; r < count; ++r) sums[first + r] = own[r];
      };
      // Several chains of sums at once, or each multiply-add would wait for the one before.
      constexpr int kMany = n, kFew = std::min(n, 4);
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
  constexpr int n = kWidth<T>, kMost = 8;
  const auto panel = [&]<int packets>(Index column) {
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
    for (; k + chains <= b.rows; k += chains)
#pragma GCC unroll 4
      for (int s = 0; s < chains; ++s) accumulate(sums[s], k + s);
    for (; k < b.rows; ++k) accumulate(sums[0], k);
    for (int half = chains / 2; half > 0; half /= 2)
      for (int s = 0; s < half; ++s)
        for (int v = 0; v < packets; ++v) sums[s][v] = padd(sums[s][v], sums[s + half][v]);
    for (int v = 0; v < packets; ++v) store(c + column + v * n, sums[0][v]);
  };
  const Index packets = padded<T>(b.cols) / n;
  const Index panels = ceil_div(packets, kMost);
  for (Index i = 0; i < panels; ++i) {
    const Index first = packets * i / panels, column = first * n;
    switch (packets * (i + 1) / panels - first) {
      case 1: panel.template operator()<1>(column); break;
      case 2: panel.template operator()<2>(column); break;
      case 3: panel.template operator()<3>(column); break;
      case 4: panel.template operator()<4>(column); break;
      case 5: panel.template operator()<5>(column); break;
      case 6: panel.template operator()<6>(column); break;
      case 7: panel.template operator()<7>(column); break;
      default: panel.template operator()<8>(column); break;
    }
  }
}

template <class T>
void column_sums(Matrix<const T> a, T* sums, bool add) {
  const T one = 1;
  vector_product(&one, 0, a, sums, add);
}

#define FASTMLP_INSTANTIATE(T)                                                           \
  template void pack(Matrix<const T>, Index, Index, Index, Index, T*);                   \
  template void pack_transposed(Matrix<const T>, Index, Index, Index, Index, T*);        \
  template void product(Index, Strided<T>, Panels<T>, Matrix<T>, bool);                  \
  template void product_bias(Index, Strided<T>, Panels<T>, const T*, bool, Matrix<T>);   \
  template void product_gated(Index, Strided<T>, Panels<T>, Matrix<const T>, Matrix<T>); \
  template void dot_bias(Matrix<const T>, Matrix<const T>, const T*, Matrix<T>);         \
  template void vector_product(const T*, Index, Matrix<const T>, T*, bool);              \
  template void column_sums(Matrix<const T>, T*, bool);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
