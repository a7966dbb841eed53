// The matrix kernels against naive loops. Factors are small integers, so that every sum is exact and must be equal;
// random ones only where bits are compared with bits. Whatever a kernel may not read is NaN.
#include <limits>

#include "check.h"
#include "data.h"
#include "kernels/packet.h"
#include "kernels/product.h"
#include "kernels/vector_product.h"
#include "matrices.h"

namespace fastmlp {
namespace {

using testing::check_result;
using testing::fail;
using testing::kNan;
using testing::naive;
using testing::Owned;
using testing::same_bits;

std::vector<Index> sizes() {
  std::vector<Index> all;
  for (Index n = 1; n <= 40; ++n) all.push_back(n);
  for (const Index n : {63, 64, 65, 66, 112, 113, 127, 128, 129, 130, 255, 257}) all.push_back(n);
  return all;
}

/** Both layouts of the left factor. */
template <class T>
struct Left {
  Owned<T> plain, transposed;
  Left(Index rows, Index depth, std::uint64_t seed, bool integers = true)
      : plain(rows, depth), transposed(depth, rows) {
    plain.randomise(seed, kNan<T>, integers);
    transposed.fill(kNan<T>);
    for (Index i = 0; i < rows; ++i)
      for (Index k = 0; k < depth; ++k) transposed.m.row(k)[i] = plain.m.row(i)[k];
  }
};

/** b as it lies, and packed. */
template <class T>
struct Right {
  Owned<T> b;
  Buffer<T> packed;
  Right(Index depth, Index cols, std::uint64_t seed, bool integers = true)
      : b(depth, cols), packed(packed_size<T>(depth, cols)) {
    b.randomise(seed, T(0), integers);
    std::fill_n(b.m.row(depth), b.m.stride, kNan<T>);
    pack<T>(b.m, 0, depth, 0, cols, packed.data());
  }
  Panels<T> panels(bool from_packed) const {
    return from_packed ? Panels<T>::packed(packed.data(), b.m.rows) : Panels<T>::row_major(b.m);
  }
};

template <class T>
void check_products(Index rows, Index depth, Index cols) {
  const auto seed = static_cast<std::uint64_t>((rows * 1000 + depth) * 1000 + cols);
  const Left<T> left(rows, depth, seed);
  const Right<T> right(depth, cols, seed + 1);
  Buffer<T> bias(padded<T>(cols));
  for (Index j = 0; j < cols; ++j) bias[j] = static_cast<T>(j % 7 - 3);
  const Owned<T> plain = naive<T>(left.plain, right.b, nullptr), biased = naive<T>(left.plain, right.b, bias.data());
  Owned<T> twice(rows, cols), positive(rows, cols), gated(rows, cols), gate(rows, cols);
  gate.randomise(seed + 2, T(0));
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      twice.m.row(i)[j] = 2 * plain.m.row(i)[j];
      positive.m.row(i)[j] = std::max(biased.m.row(i)[j], T(0));
      gated.m.row(i)[j] = gate.m.row(i)[j] > 0 ? plain.m.row(i)[j] : T(0);
    }
  Owned<T> c(rows, cols);
  for (const bool packed : {false, true}) {
    const Matrix<const T> a = left.plain.m;
    const Panels<T> b = right.panels(packed);
    product_bias<T>(a, b, bias.data(), false, c.fill(kNan<T>).m);
    check_result("product_bias", c, biased, depth);
    product_bias<T>(a, b, bias.data(), true, c.fill(kNan<T>).m);
    check_result("product_bias with relu", c, positive, depth);
    product_gated<T>(a, b, gate.m, c.fill(kNan<T>).m);
    check_result("product_gated", c, gated, depth);
    product<T>(a, b, c.fill(kNan<T>).m);
    check_result("product", c, plain, depth);
  }
  const Matrix<T> transposed = left.transposed.m;
  Owned<T> sums(1, cols), once(1, cols), added(1, cols);
  for (Index k = 0; k < depth; ++k)
    for (Index j = 0; j < cols; ++j) {
      once.m.row(0)[j] += right.b.m.row(k)[j];
      added.m.row(0)[j] += 2 * right.b.m.row(k)[j];
    }
  transposed_product<T>(transposed, right.b.m, c.fill(kNan<T>).m, nullptr, false);
  check_result("transposed_product", c, plain, depth);
  transposed_product<T>(transposed, right.b.m, c.m, sums.fill(kNan<T>).m.data, false);
  check_result("transposed_product with sums", c, plain, depth);
  check_result("column sums of transposed_product", sums, once, depth);
  transposed_product<T>(transposed, right.b.m, c.m, sums.m.data, true);
  check_result("transposed_product, added", c, twice, depth);
  check_result("column sums of transposed_product, added", sums, added, depth);
}

TEST(products_equal_naive_loops) {
  const std::vector<Index> all = sizes();
  std::size_t next = 0;
  // Every pair of (rows, columns), with the depths in turn; 31 and the number of sizes share no factor.
  for (const Index rows : all)
    for (const Index cols : all) {
      const Index depth = all[next = (next + 31) % all.size()];
      if (rows * cols * depth > (testing::kSanitized ? 50'000 : 1'500'000)) continue;
      check_products<float>(rows, depth, cols);
      check_products<double>(rows, depth, cols);
    }
  for (const Index depth : all) {
    check_products<float>(17, depth, 33);
    check_products<double>(13, depth, 19);
  }
  // Rows so far apart that the factors of a weight gradient are copied together, in several blocks.
  check_products<float>(290, 300, 300);
  check_products<double>(140, 270, 150);
  check_products<float>(1, 1025, 1023);
  check_products<double>(3, 511, 1025);
}

/** Deep enough for several blocks of the depth, and for so many rows that the panels have their turn several times. */
TEST(deep_products_equal_naive_loops) {
  check_products<float>(17, 1100, 50);
  check_products<double>(70, 513, 100);
  check_products<float>(700, 1025, 100);
  check_products<double>(1400, 300, 17);
}

TEST(relu_keeps_what_is_not_a_number) {
  Owned<float> a(1, 1);
  a.fill(kNan<float>);
  Owned<float> w(1, 1), c(1, 1);
  w.m.data[0] = 1;
  Buffer<float> zeros(kLine<float>);
  product_bias<float>(a.m, Panels<float>::row_major(w.m), zeros.data(), true, c.m);
  CHECK(std::isnan(c.m.data[0]));
}

template <class T>
void check_dots(Index rows, Index depth, Index outputs) {
  Owned<T> a(rows, depth), w(outputs, depth), b(depth, outputs), c(rows, outputs);
  a.randomise(3, T(0));
  w.randomise(4, T(0));
  for (Index k = 0; k < depth; ++k)
    for (Index j = 0; j < outputs; ++j) b.m.row(k)[j] = w.m.row(j)[k];
  const T bias[] = {5, -3, 2, 7};
  c.fill(kNan<T>);
  dot_bias<T>(a.m, w.m, bias, c.m);
  check_result("dot_bias", c, naive<T>(a, b, bias), depth);
}

TEST(dots_equal_naive_loops) {
  for (const Index depth : sizes())
    for (const Index rows : {1, 2, 7, 8, 9, 16, 23, 40})
      for (Index outputs = 1; outputs <= 4; ++outputs) {
        check_dots<float>(rows, depth, outputs);
        check_dots<double>(rows, depth, outputs);
      }
}

template <class T>
void check_column_sums(Index rows, Index cols) {
  Owned<T> a(rows, cols);
  a.randomise(5, T(0));
  Owned<T> once(1, cols), twice(1, cols), c(1, cols);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      once.m.row(0)[j] += a.m.row(i)[j];
      twice.m.row(0)[j] += 2 * a.m.row(i)[j];
    }
  column_sums<T>(a.m, c.fill(kNan<T>).m.data, false);
  check_result("column_sums", c, once, rows);
  column_sums<T>(a.m, c.m.data, true);
  check_result("column_sums, added", c, twice, rows);
}

/** Back through one output, and its weights' gradient. */
template <class T>
void check_backward_of_one(Index rows, Index cols, bool gated) {
  Owned<T> in(rows, cols), delta(rows, 1), w(1, cols), back(rows, cols), expected(rows, cols);
  in.randomise(6, T(0));
  delta.randomise(7, kNan<T>);
  w.randomise(8, T(0));
  Owned<T> once(1, cols), twice(1, cols), gradient(1, cols);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      const T d = delta.m.row(i)[0], x = in.m.row(i)[j];
      expected.m.row(i)[j] = gated && !(x > 0) ? T(0) : d * w.m.row(0)[j];
      once.m.row(0)[j] += d * x;
      twice.m.row(0)[j] += 2 * d * x;
    }
  backward_of_one<T>(delta.m, w.m.data, in.m, gated, back.fill(kNan<T>).m, gradient.fill(kNan<T>).m.data, false);
  check_result("backward_of_one", back, expected, 1);
  check_result("backward_of_one, gradient", gradient, once, rows);
  backward_of_one<T>(delta.m, w.m.data, in.m, gated, back.m, gradient.m.data, true);
  check_result("backward_of_one, gradient added", gradient, twice, rows);
}

TEST(backward_of_one_equals_naive_loops) {
  for (const Index cols : sizes())
    for (const Index rows : {1, 2, 3, 8, 33})
      for (const bool gated : {false, true}) {
        check_backward_of_one<float>(rows, cols, gated);
        check_backward_of_one<double>(rows, cols, gated);
      }
}

TEST(column_sums_equal_naive_loops) {
  for (const Index cols : sizes())
    for (const Index rows : {1, 2, 3, 8, 33}) {
      check_column_sums<float>(rows, cols);
      check_column_sums<double>(rows, cols);
    }
}

/** Element (k, j) of a packed depth x cols matrix: panels of three packets, then of two, and one alone only where there
 * is but one. */
template <class T>
T packed_element(const Buffer<T>& packed, Index depth, Index cols, Index k, Index j) {
  Index packets = padded<T>(cols) / simd::kWidth<T>, start = 0, width = 0;
  for (;;) {
    width = (packets == 1 ? 1 : packets == 2 || packets == 4 ? 2 : 3) * simd::kWidth<T>;
    if (j < start + width) return packed[start * depth + k * width + j - start];
    start += width;
    packets -= width / simd::kWidth<T>;
  }
}

/** Packing part by part, as the tasks of a layer do, gives the whole; padding stays zero. */
template <class T>
void check_packing(Index rows, Index cols) {
  Owned<T> w(rows, cols);
  w.randomise(6, T(0));
  Buffer<T> straight(packed_size<T>(rows, cols)), transposed(packed_size<T>(cols, rows));
  for (Index row = 0; row < rows; row += 112)
    for (Index column = 0; column < cols; column += 64) {
      const Index last = std::min(rows, row + 112), end = std::min(cols, column + 64);
      pack<T>(w.m, row, last, column, end, straight.data());
      pack_transposed<T>(w.m, row, last, column, end, transposed.data());
    }
  for (Index i = 0; i < padded<T>(rows); ++i)
    for (Index j = 0; j < padded<T>(cols); ++j) {
      const T expected = i < rows && j < cols ? w.m.row(i)[j] : T(0);
      if (i < rows && packed_element(straight, rows, cols, i, j) != expected)
        return fail(__FILE__, __LINE__, "pack of %td x %td at (%td, %td)", rows, cols, i, j);
      if (j < cols && packed_element(transposed, cols, rows, j, i) != expected)
        return fail(__FILE__, __LINE__, "pack_transposed of %td x %td at (%td, %td)", rows, cols, i, j);
    }
}

TEST(packing_puts_elements_in_place) {
  for (const Index rows : sizes())
    for (const Index cols : sizes()) {
      check_packing<float>(rows, cols);
      check_packing<double>(rows, cols);
    }
}

/** Rows, columns (at whole lines) and a weight gradient's depth may be cut anywhere: the bits stay. Not those of the
 * sums of columns, which come in as many chains as suit the width. */
template <class T>
void check_cuts(Index rows, Index depth, Index cols) {
  const Left<T> left(rows, depth, 7, false);
  const Right<T> right(depth, cols, 8, false);
  Buffer<T> bias(padded<T>(cols));
  testing::fill_uniform(bias.data(), cols, 9);
  const Matrix<const T> a = left.plain.m, b = right.b.m;
  Owned<T> whole(rows, cols), parts(rows, cols);
  const auto is_whole = [&] { return same_bits(whole.memory.data(), parts.memory.data(), whole.memory.size()); };
  product_bias<T>(a, right.panels(false), bias.data(), false, whole.m);
  for (const bool packed : {false, true})
    for (Index cut = 0; cut <= rows; ++cut) {
      const Panels<T> panels = right.panels(packed);
      parts.fill(0);
      product_bias<T>(a.slice(0, cut), panels, bias.data(), false, parts.m.slice(0, cut));
      product_bias<T>(a.slice(cut, rows - cut), panels, bias.data(), false, parts.m.slice(cut, rows - cut));
      CHECK(is_whole());
    }
  for (Index cut = kLine<T>; cut < cols; cut += kLine<T>) {
    parts.fill(0);
    product_bias<T>(a, Panels<T>::row_major(b.columns(0, cut)), bias.data(), false, parts.m.columns(0, cut));
    product_bias<T>(a, Panels<T>::row_major(b.columns(cut, cols - cut)), bias.data() + cut, false,
                    parts.m.columns(cut, cols - cut));
    CHECK(is_whole());
  }

  const Matrix<const T> at = left.transposed.m;
  transposed_product<T>(at, b, whole.m, nullptr, false);
  for (Index cut = 0; cut <= rows; ++cut) {
    parts.fill(0);
    transposed_product<T>(at.columns(0, cut), b, parts.m.slice(0, cut), nullptr, false);
    transposed_product<T>(at.columns(cut, rows - cut), b, parts.m.slice(cut, rows - cut), nullptr, false);
    CHECK(is_whole());
  }
  for (Index cut = kLine<T>; cut < cols; cut += kLine<T>) {
    parts.fill(0);
    transposed_product<T>(at, b.columns(0, cut), parts.m.columns(0, cut), nullptr, false);
    transposed_product<T>(at, b.columns(cut, cols - cut), parts.m.columns(cut, cols - cut), nullptr, false);
    CHECK(is_whole());
  }
  for (Index cut = 1; cut < depth; ++cut) {
    parts.fill(kNan<T>);
    transposed_product<T>(at.slice(0, cut), b.slice(0, cut), parts.m, nullptr, false);
    transposed_product<T>(at.slice(cut, depth - cut), b.slice(cut, depth - cut), parts.m, nullptr, true);
    for (Index i = 0; i < rows; ++i) CHECK(same_bits(whole.m.row(i), parts.m.row(i), cols));
  }

  Owned<T> in(rows, depth), w(3, depth), dots(rows, 3), parts_of_dots(rows, 3);
  in.randomise(10, T(0), false);
  w.randomise(11, T(0), false);
  dot_bias<T>(in.m, w.m, bias.data(), dots.m);
  for (Index cut = 0; cut <= rows; ++cut) {
    dot_bias<T>(in.m.slice(0, cut), w.m, bias.data(), parts_of_dots.fill(0).m.slice(0, cut));
    dot_bias<T>(in.m.slice(cut, rows - cut), w.m, bias.data(), parts_of_dots.m.slice(cut, rows - cut));
    CHECK(same_bits(dots.memory.data(), parts_of_dots.memory.data(), dots.memory.size()));
  }
}

/** However the factors lie, the bits are the same. */
template <class T>
void check_layouts(Index rows, Index depth, Index cols) {
  const Left<T> left(rows, depth, 14, false);
  const Right<T> right(depth, cols, 15, false);
  Owned<T> first(rows, cols), other(rows, cols);
  const auto is_same = [&] { return same_bits(first.memory.data(), other.memory.data(), first.memory.size()); };
  product<T>(left.plain.m, right.panels(true), first.m);
  product<T>(left.plain.m, right.panels(false), other.m);
  CHECK(is_same());
  // As they lie, and with rows so far apart that they are copied.
  Owned<T> far_left(depth, 4 * rows + 600), far_right(depth, 4 * cols + 600);
  for (Index k = 0; k < depth; ++k) {
    std::copy_n(left.transposed.m.row(k), padded<T>(rows), far_left.m.row(k));
    std::copy_n(right.b.m.row(k), padded<T>(cols), far_right.m.row(k));
  }
  Buffer<T> sums(padded<T>(cols)), other_sums(padded<T>(cols));
  transposed_product<T>(left.transposed.m, right.b.m, other.m, sums.data(), false);
  CHECK(is_same());
  transposed_product<T>(far_left.m.columns(0, rows), far_right.m.columns(0, cols), other.m, other_sums.data(), false);
  CHECK(is_same());
  CHECK(same_bits(sums.data(), other_sums.data(), sums.size()));
}

TEST(bits_do_not_depend_on_the_layout) {
  check_layouts<float>(290, 300, 300);
  check_layouts<double>(290, 300, 300);
  check_layouts<float>(37, 260, 70);
  check_layouts<double>(37, 260, 70);
  check_layouts<float>(100, 260, 70);
  check_layouts<double>(100, 260, 70);
}

TEST(bits_do_not_depend_on_the_cut) {
  for (const Index rows : {1, 2, 13, 29, 47})
    for (const Index cols : {1, 5, 16, 33, 64, 100}) {
      check_cuts<float>(rows, 37, cols);
      check_cuts<double>(rows, 130, cols);
    }
}

/** Real factors: the result is as near the exact one as a chain of roundings may be. */
template <class T>
void check_rounding(Index depth) {
  const Left<T> left(5, depth, 12, false);
  const Right<T> right(depth, 40, 13, false);
  Owned<T> c(5, 40);
  product<T>(left.plain.m, right.panels(true), c.m);
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 40; ++j) {
      long double exact = 0, magnitude = 0;
      for (Index k = 0; k < depth; ++k) {
        const long double term = static_cast<long double>(left.plain.m.row(i)[k]) * right.b.m.row(k)[j];
        exact += term;
        magnitude += std::abs(term);
      }
      const double unit = static_cast<double>(std::numeric_limits<T>::epsilon() * magnitude);
      CHECK_NEAR(c.m.row(i)[j], exact, 0.5 * std::sqrt(static_cast<double>(depth)) * unit + unit);
    }
}

TEST(products_round_as_one_chain) {
  for (const Index depth : {1, 10, 100, 1000}) {
    check_rounding<float>(depth);
    check_rounding<double>(depth);
  }
}

}  // namespace
}  // namespace fastmlp
