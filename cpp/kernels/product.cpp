#include "kernels/product.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/packet.h"
#include "kernels/vector_product.h"

namespace fastmlp {
namespace {

using namespace simd;

// 8 x 3 packets fill 24 of 32 registers, 4 x 3 fill 12 of 16; the rest hold three packets of b and a broadcast of a.
// Eight rows divide the usual minibatches.
constexpr int kTileRows = kRegisters >= 32 ? 8 : 4;
constexpr int kTilePackets = 3;
// Whether three sums more, of b's columns, find room beside a tile.
constexpr bool kSpareRegisters = kRegisters >= 32;

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
  Index width_at(Index j) const { return (j < wide ? kTilePackets : 2) * kWidth<T>; }
  /** The panel that starts at column j. */
  Panel starting_at(Index j) const { return {j, std::min(width_at(j), end - j)}; }
  /** The panel that column j lies in. */
  Panel at(Index j) const {
    const Index width = width_at(j);
    return starting_at(j < wide ? j / width * width : wide + (j - wide) / width * width);
  }
};

enum class Start { zero, bias, sums };
enum class Finish { store, relu, gate };

/** Some rows of one panel of c. */
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
  T* column_sums;  // sums of b's columns, if they are wanted; it starts as the rows do
};

/** Rows [i, i + rows) x packets; with `adds_up` also the sums of b's columns. */
template <class T, int rows, int packets, bool transposed, bool adds_up>
FASTMLP_ALWAYS_INLINE void tile(const Job<T>& job, Index i) {
  constexpr int n = kWidth<T>;
  const Index a_row = transposed ? 1 : job.a_stride;
  const Index a_depth = transposed ? job.a_stride : 1;
  const Index depth = job.depth, b_stride = job.b_stride, next_stride = job.next_stride;
  Packet<T> sums[rows][packets], column_sums[packets];
  /** f(r, v, place of the packet in the tile's rows of m) */
  const auto each = [&](auto* m, Index stride, auto&& f) {
    auto* row = m + i * stride;
    FASTMLP_UNROLL
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
  if constexpr (adds_up)
    for (int v = 0; v < packets; ++v)
      column_sums[v] = job.start == Start::sums ? load(job.column_sums + v * n) : set<T>(0);

  const T* a = job.a + i / kTileRows * job.a_tile + i % kTileRows * a_row;
  const T* b = job.b;
  // The first tiles fetch the next panel, a line of every row each.
  const T* ahead = job.next + std::min<Index>(i / rows, packets - 1) * n;
  for (Index k = 0; k < depth; ++k) {
    Packet<T> b_packets[packets];
    for (int v = 0; v < packets; ++v) b_packets[v] = load(b + v * n);
    prefetch(ahead);
    FASTMLP_UNROLL
    for (int r = 0; r < rows; ++r) {
      const Packet<T> x = set<T>(a[r * a_row]);
      for (int v = 0; v < packets; ++v) sums[r][v] = pmadd(x, b_packets[v], sums[r][v]);
    }
    if constexpr (adds_up)
      for (int v = 0; v < packets; ++v) column_sums[v] = padd(column_sums[v], b_packets[v]);
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
  if constexpr (adds_up)
    for (int v = 0; v < packets; ++v) store(job.column_sums + v * n, column_sums[v]);
}

/** Rows [first, last) in tiles of rows x packets, the left over ones in ever smaller tiles. */
template <class T, int rows, int packets, bool transposed>
FASTMLP_NEVER_INLINE void tiles(const Job<T>& job, Index first, Index last) {
  Index i = first;
  for (; i + rows <= last; i += rows) tile<T, rows, packets, transposed, false>(job, i);
  if constexpr (rows > 1)
    if (i < last) tiles<T, rows / 2, packets, transposed>(job, i, last);
}

/** The first tile of a weight gradient, with the sums of b's columns; returns its rows. */
template <class T, int rows, int packets>
FASTMLP_NEVER_INLINE Index first_tile(const Job<T>& job, Index last) {
  if constexpr (rows > 1)
    if (last < rows) return first_tile<T, rows / 2, packets>(job, last);
  tile<T, rows, packets, true, true>(job, 0);
  return rows;
}

/** A single row on several packed panels of as many packets each, one panel `distance` elements after the other: one
 * alone has too few sums, and each multiply-add would wait for the one before. The sums are those of tile(). */
template <class T, int panels, int packets>
FASTMLP_ALWAYS_INLINE void row_of_panels(const T* a, const T* b, Index depth, const T* bias, bool relu, T* c) {
  constexpr int n = kWidth<T>, width = packets * n;
  const Index distance = depth * width;
  Packet<T> sums[panels][packets];
  for (int p = 0; p < panels; ++p)
    for (int v = 0; v < packets; ++v) sums[p][v] = load(bias + p * width + v * n);
  for (Index k = 0; k < depth; ++k, b += width) {
    const Packet<T> x = set<T>(a[k]);
    FASTMLP_UNROLL
    for (int p = 0; p < panels; ++p)
      for (int v = 0; v < packets; ++v) sums[p][v] = pmadd(x, load(b + p * distance + v * n), sums[p][v]);
  }
  for (int p = 0; p < panels; ++p)
    for (int v = 0; v < packets; ++v) store(c + p * width + v * n, relu ? pmax(sums[p][v], set<T>(0)) : sums[p][v]);
}

/** c <- a b + bias, for a single row and a packed b. */
template <class T>
FASTMLP_NEVER_INLINE void row_product_bias(const T* a, const T* packed, Index depth, Index columns, const T* bias,
                                           bool relu, T* c) {
  const Partition<T> partition(columns);
  Index column = 0;
  const auto run = [&]<int panels, int packets>() {
    constexpr Index width = panels * packets * kWidth<T>;
    const Index end = packets == kTilePackets ? partition.wide : partition.end;
    for (; column + width <= end; column += width)
      row_of_panels<T, panels, packets>(a, packed + column * depth, depth, bias + column, relu, c + column);
  };
  run.template operator()<2, 3>();
  run.template operator()<1, 3>();
  run.template operator()<4, 2>();
  run.template operator()<2, 2>();
  run.template operator()<1, 2>();
  run.template operator()<1, 1>();
}

/** All rows of a job on one panel. */
template <class T, bool transposed>
void panel_tiles(const Job<T>& job, Index rows, Index width) {
  const auto run = [&]<int packets>() {
    Index first = 0;
    if constexpr (transposed && kSpareRegisters)
      if (job.column_sums) first = first_tile<T, kTileRows, packets>(job, rows);
    tiles<T, kTileRows, packets, transposed>(job, first, rows);
  };
  switch (width / kWidth<T>) {
    case 3: return run.template operator()<3>();
    case 2: return run.template operator()<2>();
    default: return run.template operator()<1>();
  }
}

/** Even parts of at most `most`. */
Index even_part(Index n, Index most) { return n <= most ? n : ceil_div(n, ceil_div(n, most)); }

/** How much of the depth is taken over all panels before the rest. */
template <class T>
Index outer_depth(Index depth, Index rows) {
  return even_part(depth, std::max(kDepth, kRowsBytes / (rows * static_cast<Index>(sizeof(T)))));
}

/** A right factor whose panels are read where they lie. */
template <class T>
struct InPlace {
  static constexpr Index kGroup = kGroupRows;
  Panels<T> b;

  Index stride(auto panel) const { return b.stride ? b.stride : panel.width; }
  const T* place(auto panel, Index k) const { return b.data + panel.start * b.column + k * stride(panel); }
  const T* block(auto panel, Index k, Index) const { return place(panel, k); }
};

/** One in fewer bytes, of which a block of a panel is widened at a time: for more rows than otherwise, so that it is
 * not done often. */
template <class T>
struct Widened {
  static constexpr Index kGroup = 2 * kGroupRows;
  explicit Widened(const SmallMatrix& factor) : b(factor) {}
  const SmallMatrix& b;
  alignas(kAlignment) T memory[kDepth * kTilePackets * kWidth<T>];

  Index stride(auto panel) const { return panel.width; }
  const T* place(auto, Index) const { return memory; }
  const T* block(auto panel, Index k, Index depth) {
    widen<T>(b, k, panel.start, {memory, depth, panel.width, panel.width});
    return memory;
  }
};

/** c <- a b, or a^T b; `job` says how the sums start and finish, and whose bias and gate they take. */
template <bool transposed, class T, class Right>
void run(Matrix<const T> a, Right&& b, Matrix<T> c, Job<T> job) {
  constexpr Index most_rows = std::remove_cvref_t<Right>::kGroup;
  if (c.rows == 0) return;
  const Partition<T> partition(c.cols);
  const Index depth = transposed ? a.rows : a.cols;
  // From a row of c to the next, and from one step of the depth to the next.
  const Index a_row = transposed ? 1 : a.stride, a_depth = transposed ? a.stride : 1;
  const Start start = job.start;
  const Finish finish = job.finish;
  const T* const bias = job.bias;
  const T* const gate = job.gate;
  T* const column_sums = job.column_sums;
  job.a_stride = a.stride;
  job.a_tile = kTileRows * a_row;
  const Index group_rows = depth <= kDepth ? c.rows : std::min(c.rows, most_rows);
  alignas(kAlignment) T unfinished[most_rows * kTilePackets * kWidth<T>];
  // A weight gradient reads both factors row by row: the fewer rows at once, the more of them stays in cache.
  const Index outer = transposed ? even_part(depth, kDepth) : outer_depth<T>(depth, c.rows);
  for (Index k_outer = 0; k_outer < depth; k_outer += outer) {
    const Index k_end = std::min(depth, k_outer + outer);
    const Index inner = even_part(k_end - k_outer, kDepth);
    for (Index column = 0; column < partition.end;) {
      const auto panel = partition.starting_at(column);
      const Index after = column + panel.width;
      const auto next = after < partition.end ? partition.starting_at(after) : panel;
      job.b_stride = b.stride(panel);
      job.next_stride = b.stride(next);
      job.bias = bias ? bias + column : nullptr;
      for (Index first = 0; first < c.rows; first += group_rows) {
        const Index rows = std::min(group_rows, c.rows - first);
        job.gate = gate ? gate + first * job.gate_stride + column : nullptr;
        job.column_sums = column_sums && first == 0 ? column_sums + column : nullptr;
        for (Index k = k_outer; k < k_end; k += inner) {
          job.depth = std::min(inner, k_end - k);
          job.a = a.data + first * a_row + k * a_depth;
          job.b = b.block(panel, k, job.depth);
          job.next = b.place(next, k);
          job.start = k == 0 ? start : Start::sums;
          if (k == k_outer) {
            job.sums = c.row(first) + column;
            job.sums_stride = c.stride;
          } else {
            job.sums = unfinished;
            job.sums_stride = panel.width;
          }
          if (k + inner < k_end) {
            job.finish = Finish::store;
            job.c = unfinished;
            job.c_stride = panel.width;
          } else {
            job.finish = k_end == depth ? finish : Finish::store;
            job.c = c.row(first) + column;
            job.c_stride = c.stride;
          }
          panel_tiles<T, transposed>(job, rows, panel.width);
        }
      }
      column = after;
    }
  }
}

/** Rows farther apart than this soon leave the page, and the processor does not fetch them ahead; to copy them pays
 * from so many rows of the result on. */
constexpr Index kFarBytes = 1024, kFarRows = 48;

/** c <- (c +) a^T b for factors whose rows lie far apart: every block of both is copied together before its use. `job`
 * says how the sums start, and where the sums of b's columns go. */
template <class T>
void run_far(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, Job<T> job) {
  constexpr Index kRows = 512 / static_cast<Index>(sizeof(T));  // both blocks take 90 KiB of the stack
  // A line more for each tile, or they would all share their sets of the first cache.
  constexpr Index kTile = kTileRows * kDepth + kLine<T>;
  alignas(kAlignment) T a_block[kRows / kTileRows * kTile];
  alignas(kAlignment) T b_block[kDepth * kTilePackets * kWidth<T>];
  const Partition<T> partition(c.cols);
  const Start start = job.start;
  T* const column_sums = job.column_sums;
  const Index depth = a.rows;
  const Index length = even_part(depth, kDepth);
  job.a = a_block;
  job.a_stride = kTileRows;
  job.a_tile = kTile;
  job.b = b_block;
  job.next_stride = b.stride;
  job.sums_stride = job.c_stride = c.stride;
  for (Index first = 0; first < c.rows; first += kRows) {
    const Index rows = std::min(kRows, c.rows - first);
    for (Index k = 0; k < depth; k += length) {
      const Matrix<const T> block = b.slice(k, std::min(length, depth - k));
      job.depth = block.rows;
      job.start = k == 0 ? start : Start::sums;
      for (Index i = 0; i < block.rows; ++i) {
        const T* from = a.row(k + i) + first;
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
        job.column_sums = column_sums && first == 0 ? column_sums + panel.start : nullptr;
        panel_tiles<T, true>(job, rows, panel.width);
      }
    }
  }
}

/** product_gated of depth 1: the outer product of a column and a row. */
template <class T>
void outer_gated(Matrix<const T> a, const T* b, Matrix<const T> gate, Matrix<T> c) {
  const Index width = padded<T>(c.cols);
  for (Index i = 0; i < c.rows; ++i) {
    const Packet<T> x = set<T>(*a.row(i));
    const T* gate_row = gate.row(i);
    T* to = c.row(i);
    for (Index j = 0; j < width; j += kWidth<T>)
      store(to + j, where_positive<T>(load(gate_row + j), pmul(x, load(b + j))));
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
void product(Matrix<const T> a, Panels<T> b, Matrix<T> c) {
  Job<T> job{};
  job.start = Start::zero;
  job.finish = Finish::store;
  run<false>(a, InPlace<T>{b}, c, job);
}

template <class T>
void transposed_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T* column_sums, bool add) {
  Job<T> job{};
  job.start = add ? Start::sums : Start::zero;
  job.finish = Finish::store;
  if (kSpareRegisters)
    job.column_sums = column_sums;
  else if (column_sums)
    fastmlp::column_sums(b, column_sums, add);
  if (std::max(a.stride, b.stride) * static_cast<Index>(sizeof(T)) > kFarBytes && c.rows >= kFarRows)
    run_far(a, b, c, job);
  else
    run<true>(a, InPlace<T>{Panels<T>::row_major(b)}, c, job);
}

template <class T>
void product_bias(Matrix<const T> a, Panels<T> b, const T* bias, bool relu, Matrix<T> c) {
  if (a.rows == 1 && b.stride == 0) return row_product_bias(a.data, b.data, a.cols, c.cols, bias, relu, c.data);
  Job<T> job{};
  job.start = Start::bias;
  job.bias = bias;
  job.finish = relu ? Finish::relu : Finish::store;
  run<false>(a, InPlace<T>{b}, c, job);
}

template <class T>
void product_bias(Matrix<const T> a, const SmallMatrix& b, const T* bias, bool relu, Matrix<T> c) {
  if (a.rows == 1) return row_product_bias<T>(a.data, b, bias, relu, c.data);
  Job<T> job{};
  job.start = Start::bias;
  job.bias = bias;
  job.finish = relu ? Finish::relu : Finish::store;
  run<false>(a, Widened<T>(b), c, job);
}

template <class T>
void product_gated(Matrix<const T> a, Panels<T> b, Matrix<const T> gate, Matrix<T> c) {
  // A single row of b is the same in panels and as it lies.
  if (a.cols == 1) return outer_gated<T>(a, b.data, gate, c);
  Job<T> job{};
  job.start = Start::zero;
  job.finish = Finish::gate;
  job.gate = gate.data;
  job.gate_stride = gate.stride;
  run<false>(a, InPlace<T>{b}, c, job);
}

#define FASTMLP_INSTANTIATE(T)                                                                \
  template void pack(Matrix<const T>, Index, Index, Index, Index, T*);                        \
  template void pack_transposed(Matrix<const T>, Index, Index, Index, Index, T*);             \
  template void product(Matrix<const T>, Panels<T>, Matrix<T>);                               \
  template void transposed_product(Matrix<const T>, Matrix<const T>, Matrix<T>, T*, bool);    \
  template void product_bias(Matrix<const T>, Panels<T>, const T*, bool, Matrix<T>);          \
  template void product_bias(Matrix<const T>, const SmallMatrix&, const T*, bool, Matrix<T>); \
  template void product_gated(Matrix<const T>, Panels<T>, Matrix<const T>, Matrix<T>);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
