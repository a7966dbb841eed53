#include "kernels/matrix_unit.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#include "core/cpu.h"
#include "core/portable.h"

#if defined(__linux__) && FASTMLP_X86 && defined(__GNUC__) && defined(__AVX512F__) && defined(__AVX512BW__)
#define FASTMLP_MATRIX_UNIT
#include <immintrin.h>

#include "kernels/packet.h"
#ifndef __clang__
// GCC 12 calls the undefined lanes in its own header uninitialised.
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#endif

namespace fastmlp::matrix_unit {

#ifdef FASTMLP_MATRIX_UNIT

namespace {

using Bits = std::uint16_t;  // of a bfloat16

// A tile is 16 lines of 64 bytes. Of the left factor it holds 16 rows x 32 of the depth; of the right one 32 of the
// depth x 16 columns, with two of the depth in each four bytes. In both the depth's k-th and (k + 16)-th are
// neighbours, so that no lane has to move. Two tiles make a stripe of 32 rows or columns; a block is a stripe's 32 of
// the depth: its three parts, largest first, of two tiles each.
constexpr Index kSide = 16;
constexpr Index kStripe = 2 * kSide;
constexpr Index kDepth = 32;
constexpr int kParts = 3;
constexpr Index kTile = kSide * kDepth;
constexpr Index kPart = 2 * kTile;
constexpr Index kBlock = kParts * kPart;

// So much of the left factor is converted at once: it stays in L2 while all stripes of the right one go over it.
constexpr Index kRowsAtOnce = 256;
constexpr Index kDepthAtOnce = 256;

constexpr Index blocks(Index depth) { return ceil_div(depth, kDepth); }

bool is_wanted = false, is_required = false;
std::atomic<bool> is_refused{false};

/** The first n of 16 lanes. */
inline __mmask16 lanes(Index n) { return static_cast<__mmask16>((1u << std::clamp<Index>(n, 0, kSide)) - 1); }

/** x, from which the nearest bfloat16 number is taken away; that number's bits are the upper half of every lane. Where
 * `rounds` is not set, the nearer to zero is taken. */
inline __m512i take(__m512& x, __mmask16 rounds) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i rounded = _mm512_mask_add_epi32(bits, rounds, bits, _mm512_set1_epi32(0x8000));
  const __m512i upper = _mm512_and_si512(rounded, _mm512_set1_epi32(static_cast<int>(0xffff0000)));
  x = _mm512_sub_ps(x, _mm512_castsi512_ps(upper));
  return upper;
}

/** Where rounding to bfloat16 stays finite; elsewhere it could make a number of what is none. */
inline __mmask16 rounds(__m512 x) { return _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(3.38e38f), _CMP_LT_OQ); }

/** Pairs of the upper halves of every lane. */
inline __m512i pairs(__m512i first, __m512i second) {
  constexpr int kUpperOfSecondOrFirst = 0xea;  // (mask and second) or first
  return _mm512_ternarylogic_epi32(_mm512_set1_epi32(static_cast<int>(0xffff0000)), second,
                                   _mm512_srli_epi32(first, 16), kUpperOfSecondOrFirst);
}

/** One line of a tile's three parts, from those that come first in every four bytes and those that come second. */
inline void store_line(__m512 first, __m512 second, Bits* to) {
  const __mmask16 first_rounds = rounds(first), second_rounds = rounds(second);
  for (int p = 0; p + 1 < kParts; ++p) {
    const __m512i low = take(first, first_rounds), high = take(second, second_rounds);
    _mm512_store_si512(to + p * kPart, pairs(low, high));
  }
  // What is left has no more digits than a bfloat16 number.
  _mm512_store_si512(to + (kParts - 1) * kPart, pairs(_mm512_castps_si512(first), _mm512_castps_si512(second)));
}

using Square = Eigen::internal::PacketBlock<simd::Packet<float>, kSide>;

/** 16 rows from `from` on, the first `cols` of 16 columns, as they lie or transposed; what is missing is zero. */
template <bool transposed>
inline void load_square(const float* from, Index stride, Index rows, Index cols, Square& square) {
  const __mmask16 mask = lanes(cols);
  for (Index i = 0; i < kSide; ++i, from += stride) square.packet[i] = _mm512_maskz_loadu_ps(i < rows ? mask : 0, from);
  if constexpr (transposed) Eigen::internal::ptranspose(square);
}

/** The three parts of one tile, kPart apart, from element (line, k) of a factor on: lines are the rows of the left
 * factor and the columns of the right. `along`: the depth runs along the rows of the matrix. */
template <bool left, bool along>
void convert_tile(const Matrix<const float>& m, Index line, Index k, Bits* to) {
  // Lines are rows of a left tile and columns of a right one.
  constexpr bool transposed = left != along;
  Square first, second;
  if constexpr (along) {
    const float* from = m.row(line) + k;
    load_square<transposed>(from, m.stride, m.rows - line, m.cols - k, first);
    load_square<transposed>(from + kSide, m.stride, m.rows - line, m.cols - k - kSide, second);
  } else {
    const float* from = m.row(k) + line;
    load_square<transposed>(from, m.stride, m.rows - k, m.cols - line, first);
    load_square<transposed>(from + kSide * m.stride, m.stride, m.rows - k - kSide, m.cols - line, second);
  }
  for (Index i = 0; i < kSide; ++i) store_line(first.packet[i], second.packet[i], to + i * kDepth);
}

/** `lines` of the factor from `line` on, `depth` of the depth from k on: one stripe after the other. */
template <bool left>
void convert(const Factor<float>& factor, Index line, Index lines, Index k, Index depth, Bits* to) {
  const bool along = left != factor.transposed;
  for (Index i = 0; i < lines; i += kSide)
    for (Index l = 0; l < depth; l += kDepth) {
      Bits* tile = to + (i / kStripe * blocks(depth) + l / kDepth) * kBlock + i % kStripe * kDepth;
      if (along)
        convert_tile<left, true>(factor.m, line + i, k + l, tile);
      else
        convert_tile<left, false>(factor.m, line + i, k + l, tile);
    }
}

/** Where a packed matrix's block at element (k, column) lies, and in that the column's tile. */
inline Bits* place(float* packed, Index depth, Index k, Index column) {
  Bits* block = reinterpret_cast<Bits*>(packed) + (column / kStripe * blocks(depth) + k / kDepth) * kBlock;
  return block + column % kStripe / kSide * kTile;
}

/** The shapes of the tiles: 0 to 3 are sums, 4 and 5 of the left factor, 6 and 7 of the right. */
struct alignas(64) Shapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  explicit Shapes(Index stripe_rows) {
    const auto upper = static_cast<std::uint8_t>(std::min(stripe_rows, kSide));
    const auto lower = static_cast<std::uint8_t>(std::max<Index>(stripe_rows - kSide, 1));
    const std::uint8_t all[] = {upper, upper, lower, lower, upper, lower, kSide, kSide};
    for (int t = 0; t < 8; ++t) {
      row_bytes[t] = 64;
      rows[t] = all[t];
    }
  }
};

/** A left and a right stripe of some depth into a corner of c. */
struct Job {
  Index blocks;
  const Bits* a;
  const Bits* b;
  float* c;
  Index c_stride;
  const float* start;  // c itself, or a row of biases; null: zero
  bool biased;
  // Fetched ahead, so many rows with every block: of the corner that comes next, and of the right stripe.
  const float* next_c;
  const float* next_b;
  Index next_c_rows, next_b_rows, next_b_stride;
};

/** GCC's tile loads do not say that they read memory: what was stored before this, is stored. */
inline void settle() { asm volatile("" ::: "memory"); }

/** A thread's converted factors. */
struct Converted {
  Buffer<Bits> left{kRowsAtOnce * kDepthAtOnce * kParts};
  Buffer<Bits> right{kStripe * kDepthAtOnce * kParts};
  Buffer<float> widened{kStripe * kDepthAtOnce};  // of a right factor in fewer bytes, before it is converted
};

// Only these functions may hold the unit's instructions: others may be merged with those of other files.
#define FASTMLP_TILES [[gnu::target("amx-tile,amx-bf16")]]
#define FASTMLP_LOAD_LEFT(p)           \
  _tile_loadd(4, a + (p) * kPart, 64); \
  if constexpr (lower) _tile_loadd(5, a + (p) * kPart + kTile, 64)
#define FASTMLP_LOAD_RIGHT(p)          \
  _tile_loadd(6, b + (p) * kPart, 64); \
  if constexpr (wide) _tile_loadd(7, b + (p) * kPart + kTile, 64)
#define FASTMLP_MULTIPLY                        \
  _tile_dpbf16ps(0, 4, 6);                      \
  if constexpr (wide) _tile_dpbf16ps(1, 4, 7);  \
  if constexpr (lower) _tile_dpbf16ps(2, 5, 6); \
  if constexpr (lower && wide) _tile_dpbf16ps(3, 5, 7)

/** lower: the left stripe has more than 16 rows; wide: the right one more than 16 columns. */
template <bool lower, bool wide>
FASTMLP_TILES void multiply(const Job& job) {
  const Index stride = job.c_stride * static_cast<Index>(sizeof(float));
  if (job.start) {
    const Index from = job.biased ? 0 : stride;
    const float* below = job.biased ? job.start : job.start + kSide * job.c_stride;
    _tile_loadd(0, job.start, from);
    if constexpr (wide) _tile_loadd(1, job.start + kSide, from);
    if constexpr (lower) _tile_loadd(2, below, from);
    if constexpr (lower && wide) _tile_loadd(3, below + kSide, from);
  } else {
    _tile_zero(0);
    if constexpr (wide) _tile_zero(1);
    if constexpr (lower) _tile_zero(2);
    if constexpr (lower && wide) _tile_zero(3);
  }
  // The first store after more than five blocks without any waits a quarter of a microsecond: there is one between.
  alignas(kAlignment) Bits unused[kTile];
  const Bits *a = job.a, *b = job.b;
  const float *next_c = job.next_c, *next_b = job.next_b;
  for (Index i = 0; i < job.blocks; ++i, a += kBlock, b += kBlock) {
    for (Index r = 0; r < job.next_c_rows; ++r, next_c += job.c_stride) {
      _mm_prefetch(next_c, _MM_HINT_T0);
      _mm_prefetch(next_c + kSide, _MM_HINT_T0);
    }
    for (Index r = 0; r < job.next_b_rows; ++r, next_b += job.next_b_stride) {
      _mm_prefetch(next_b, _MM_HINT_T1);
      _mm_prefetch(next_b + kSide, _MM_HINT_T1);
    }
    // The largest product last; three that are smaller than a rounding are left out.
    FASTMLP_LOAD_RIGHT(0);
    FASTMLP_LOAD_LEFT(2);
    FASTMLP_MULTIPLY;
    FASTMLP_LOAD_LEFT(1);
    FASTMLP_MULTIPLY;
    FASTMLP_LOAD_RIGHT(1);
    FASTMLP_MULTIPLY;
    FASTMLP_LOAD_LEFT(0);
    FASTMLP_MULTIPLY;
    FASTMLP_LOAD_RIGHT(2);
    FASTMLP_MULTIPLY;
    FASTMLP_LOAD_RIGHT(0);
    FASTMLP_MULTIPLY;
    if (i % 4 == 3) _tile_stored(4, unused, 64);
  }
  _tile_stored(0, job.c, stride);
  if constexpr (wide) _tile_stored(1, job.c + kSide, stride);
  float* below = job.c + kSide * job.c_stride;
  if constexpr (lower) _tile_stored(2, below, stride);
  if constexpr (lower && wide) _tile_stored(3, below + kSide, stride);
}

/** Rectifies or gates a corner of c. */
void finish(const Ends<float>& ends, Index row, Index column, Matrix<float> c) {
  using namespace simd;
  for (Index i = 0; i < c.rows; ++i)
    for (Index j = 0; j < padded<float>(c.cols); j += kSide) {
      float* at = c.row(i) + j;
      const Packet<float> x = load(at);
      store(at,
            ends.relu ? pmax(x, set<float>(0)) : where_positive<float>(load(ends.gate.row(row + i) + column + j), x));
    }
}

/** Rows [first, last) of c, at most kRowsAtOnce. */
FASTMLP_TILES void product_of_rows(const Factor<float>& a, const Factor<float>& b, const Ends<float>& ends,
                                   Matrix<float> c, Index first, Index last) {
  // Too large for a stack. A thread keeps it: only its first step allocates.
  thread_local Converted converted;
  const Index depth = a.transposed ? a.m.rows : a.m.cols;
  const Index stripes = ceil_div(last - first, kStripe);
  Index shaped = 0;  // the rows that the tiles are shaped for
  for (Index k = 0; k < depth; k += kDepthAtOnce) {
    const Index part = std::min(kDepthAtOnce, depth - k);
    convert<true>(a, first, last - first, k, part, converted.left.data());
    Job job{};
    job.blocks = blocks(part);
    job.c_stride = c.stride;
    for (Index column = 0; column < c.cols; column += kStripe) {
      const Index columns = std::min(kStripe, c.cols - column);
      const bool is_last = column + kStripe >= c.cols;
      const Index next_column = is_last ? 0 : column + kStripe;
      if (b.packed) {
        job.b = place(const_cast<float*>(b.packed), depth, k, column);
      } else if (b.small) {
        const Matrix<float> stripe{converted.widened.data(), part, columns, kStripe};
        widen<float>(*b.small, k, column, stripe);
        convert<false>({stripe}, 0, columns, 0, part, converted.right.data());
        job.b = converted.right.data();
      } else {
        convert<false>(b, column, columns, k, part, converted.right.data());
        job.b = converted.right.data();
      }
      if (b.m.data && !b.transposed && !b.packed) {
        const Index next_k = is_last && k + part < depth ? k + part : k;
        job.next_b = b.m.row(next_k) + next_column;
        job.next_b_stride = b.m.stride;
        job.next_b_rows = ceil_div(std::min(kDepthAtOnce, depth - next_k), stripes * job.blocks);
      }
      settle();
      for (Index row = first; row < last; row += kStripe) {
        const Matrix<float> corner{c.row(row) + column, std::min(kStripe, last - row), columns, c.stride};
        if (corner.rows != shaped) {
          const Shapes shapes(shaped = corner.rows);
          settle();
          _tile_loadconfig(&shapes);
        }
        job.a = converted.left.data() + (row - first) / kStripe * job.blocks * kBlock;
        job.c = corner.data;
        job.biased = k == 0 && ends.bias;
        job.start = job.biased ? ends.bias + column : k > 0 || ends.add ? job.c : nullptr;
        const Index next = row + kStripe < last ? row + kStripe : first;
        job.next_c = c.row(next) + (next == first ? next_column : column);
        job.next_c_rows = ceil_div(std::min(kStripe, last - next), job.blocks);
        if (corner.rows > kSide)
          columns > kSide ? multiply<true, true>(job) : multiply<true, false>(job);
        else
          columns > kSide ? multiply<false, true>(job) : multiply<false, false>(job);
        job.next_b += job.next_b_rows * job.blocks * job.next_b_stride;
        if (k + part == depth && (ends.relu || ends.gate.data)) finish(ends, row, column, corner);
      }
    }
  }
  _tile_release();
}

}  // namespace

template <>
bool in_use<float>() {
  if (!is_wanted) return false;
  static const bool permitted = permit_matrix_unit();
  is_refused = !permitted;
  if (!permitted && is_required)
    throw std::runtime_error(
        "the instruction set 'amx' was asked for by name, but the system does not let this process use the "
        "processor's matrix unit");
  return permitted;
}
void use(bool wanted, bool required) {
  is_wanted = wanted;
  is_required = required;
}
bool is_expected() { return is_wanted && !is_refused && has_matrix_unit(); }

template <>
Index packed_size<float>(Index depth, Index columns) {
  const Index bytes = ceil_div(columns, kStripe) * blocks(depth) * kBlock * static_cast<Index>(sizeof(Bits));
  return bytes / static_cast<Index>(sizeof(float));
}

void pack(Matrix<const float> m, Index first, Index last, Index column, Index end, float* packed) {
  static_assert(kPartRows == kDepth);
  const Matrix<const float> part{m.data, last, end, m.stride};
  for (Index j = column; j < end; j += kSide)
    for (Index k = first; k < last; k += kDepth) convert_tile<false, false>(part, j, k, place(packed, m.rows, k, j));
}

void product(const Factor<float>& a, const Factor<float>& b, const Ends<float>& ends, Matrix<float> c) {
  for (Index first = 0; first < c.rows; first += kRowsAtOnce)
    product_of_rows(a, b, ends, c, first, std::min(first + kRowsAtOnce, c.rows));
}

#else

template <>
bool in_use<float>() {
  return false;
}
void use(bool, bool) {}
bool is_expected() { return false; }
template <>
Index packed_size<float>(Index, Index) {
  return 0;
}
void pack(Matrix<const float>, Index, Index, Index, Index, float*) { std::abort(); }
void product(const Factor<float>&, const Factor<float>&, const Ends<float>&, Matrix<float>) { std::abort(); }

#endif

}  // namespace fastmlp::matrix_unit
