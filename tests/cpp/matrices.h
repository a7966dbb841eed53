// Matrices for the tests of products, and products by naive loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "check.h"
#include "core/matrix.h"
#include "core/random.h"

namespace fastmlp::testing {

/** A matrix with rows of `row_stride` elements and one row more than asked for. */
template <class T>
struct Owned {
  Buffer<T> memory;
  Matrix<T> m;
  Owned(Index rows, Index cols)
      : memory((rows + 1) * row_stride<T>(cols)), m{memory.data(), rows, cols, row_stride<T>(cols)} {}

  Owned& fill(T value) {
    std::fill_n(memory.data(), memory.size(), value);
    return *this;
  }
  /** Integers in [-4, 4], or reals; with `padding` between the rows. */
  Owned& randomise(std::uint64_t seed, T padding, bool integers = true) {
    RandomSequence random(seed);
    fill(padding);
    for (Index i = 0; i < m.rows; ++i)
      for (Index j = 0; j < m.cols; ++j)
        m.row(i)[j] = integers ? static_cast<T>(random.below(9)) - 4 : static_cast<T>(2 * random.uniform() - 1);
    return *this;
  }
};

template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

/** c holds `expected` in its columns, zeros up to the end of the line, and nothing was written beyond. */
template <class T>
void check_result(const char* what, const Owned<T>& c, const Owned<T>& expected, Index depth) {
  for (Index i = 0; i <= c.m.rows; ++i)
    for (Index j = 0; j < c.m.stride; ++j) {
      const T got = c.m.row(i)[j];
      bool right;
      if (i == c.m.rows || j >= padded<T>(c.m.cols))
        right = std::isnan(got);
      else
        right = got == (j < c.m.cols ? expected.m.row(i)[j] : T(0));
      if (!right)
        return fail(__FILE__, __LINE__, "%s of %td x %td x %td, %zu bytes: c(%td, %td) = %g", what, c.m.rows, depth,
                    c.m.cols, sizeof(T), i, j, static_cast<double>(got));
    }
}

template <class T>
Owned<T> naive(const Owned<T>& a, const Owned<T>& b, const T* bias) {
  Owned<T> c(a.m.rows, b.m.cols);
  for (Index i = 0; i < a.m.rows; ++i) {
    for (Index j = 0; j < b.m.cols; ++j) c.m.row(i)[j] = bias ? bias[j] : T(0);
    for (Index k = 0; k < a.m.cols; ++k)
      for (Index j = 0; j < b.m.cols; ++j) c.m.row(i)[j] += a.m.row(i)[k] * b.m.row(k)[j];
  }
  return c;
}

}  // namespace fastmlp::testing
