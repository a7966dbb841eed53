#include "kernels/gather.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "core/portable.h"
#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

/** The type to subtract in: float only for a float network, and tables that float holds exactly. */
template <class Source, class T>
using Working = std::conditional_t<std::is_same_v<T, float> && (std::is_same_v<Source, float> || sizeof(Source) <= 2),
                                   float, double>;

/** n elements, in blocks of constant size. */
template <class T>
void copy_row(const T* from, Index n, T* to) {
  const auto block = [&]<Index size>() {
    std::memcpy(to, from, size * sizeof(T));
    from += size;
    to += size;
  };
  for (; n >= 16; n -= 16) block.template operator()<16>();
  if (n & 8) block.template operator()<8>();
  if (n & 4) block.template operator()<4>();
  if (n & 2) block.template operator()<2>();
  if (n & 1) *to = *from;
}

/** x <- 0 where x is NaN, then with `clips` x / sqrt(1 + (x / 3)^2), for the first n numbers of each row. */
template <class T>
void fill_and_clip(Matrix<T> rows, Index n, bool clips) {
  using namespace simd;
  // Beyond, the square would overflow, and the result is 3 to the last bit.
  constexpr T kFar = T(1e9);
  const auto shaped = [&](const Packet<T>& x0) {
    if (!clips) return zero_for_nan<T>(x0);
    const Packet<T> x = pmax(pmin(zero_for_nan<T>(x0), set<T>(kFar)), set<T>(-kFar));
    const Packet<T> third = pmul(x, set<T>(T(1) / 3));
    return pdiv(x, square_root<T>(pmadd(third, third, set<T>(1))));
  };
  const Index whole = n / kWidth<T> * kWidth<T>;
  // The last numbers share a packet with what follows them, flags or the line's padding.
  const Packet<T> is_number = pcmp_lt(Eigen::internal::plset<Packet<T>>(T(0)), set<T>(static_cast<T>(n - whole)));
  for (Index i = 0; i < rows.rows; ++i) {
    T* row = rows.row(i);
    for (Index j = 0; j < whole; j += kWidth<T>) store(row + j, shaped(load(row + j)));
    if (whole == n) continue;
    const Packet<T> last = load(row + whole);
    store(row + whole, pselect(is_number, shaped(last), last));
  }
}

/** The same as 1 / sqrt(1 / x^2 + 1 / 9), with the sign of x. Each operation is rounded correctly and hence monotone,
 * which the approximate square root above is not. */
template <class T>
void fill_and_clip_in_order(Matrix<T> rows, Index n) {
  for (Index i = 0; i < rows.rows; ++i) {
    T* row = rows.row(i);
    for (Index j = 0; j < n; ++j) {
      const T x = std::isnan(row[j]) ? T(0) : row[j];
      row[j] = std::copysign(1 / std::sqrt(1 / (x * x) + T(1) / 9), x);
    }
  }
}

template <class Source, class T>
void gather_rows(const Table& table, const Standardisation& standardisation, const std::uint32_t* rows, Index first,
                 Matrix<T> out, Index following) {
  using W = Working<Source, T>;
  const W* shift = standardisation.template shift<W>();
  const W* scale = standardisation.template scale<W>();
  const Index cols = out.cols;
  const bool contiguous = table.col_stride == static_cast<Index>(sizeof(Source));
  // Shuffled rows of a large table come from memory, and the processor cannot predict which is next.
  constexpr Index kAhead = 16, kMostLines = 4;
  // Numbers are filled and clipped some rows later: a vector cannot be loaded from numbers that are still being stored.
  constexpr Index kGroup = 16;
  const Index ahead_bytes =
      contiguous ? std::min(cols * static_cast<Index>(sizeof(Source)), kMostLines * kAlignment) : 0;
  const auto copy_row_in = [&](Index i) {
    const char* from = table.data + (rows ? static_cast<Index>(rows[i]) : first + i) * table.row_stride;
    if (rows && i + kAhead < out.rows + following)
      for (Index byte = 0; byte < ahead_bytes; byte += kAlignment)
        prefetch_read(table.data + static_cast<Index>(rows[i + kAhead]) * table.row_stride + byte);
    T* to = out.row(i);
    if constexpr (std::is_same_v<Source, T>)
      if (contiguous && standardisation.empty()) return copy_row(reinterpret_cast<const T*>(from), cols, to);
    const auto copy = [&](auto value) {
      if (standardisation.empty())
        for (Index j = 0; j < cols; ++j) to[j] = static_cast<T>(value(j));
      else
        for (Index j = 0; j < cols; ++j) to[j] = static_cast<T>((static_cast<W>(value(j)) - shift[j]) * scale[j]);
    };
    if (contiguous)
      copy([&, row = reinterpret_cast<const Source*>(from)](Index j) { return row[j]; });
    else
      copy([&](Index j) { return *reinterpret_cast<const Source*>(from + j * table.col_stride); });
  };
  for (Index row = 0; row < out.rows; row += kGroup) {
    const Index count = std::min(kGroup, out.rows - row);
    for (Index i = row; i < row + count; ++i) copy_row_in(i);
    if (standardisation.n_filled() == 0) continue;
    if (standardisation.clips() && standardisation.keeps_order())
      fill_and_clip_in_order(out.slice(row, count), standardisation.n_filled());
    else
      fill_and_clip(out.slice(row, count), standardisation.n_filled(), standardisation.clips());
  }
}

}  // namespace

Standardisation::Standardisation(std::vector<double> shift, std::vector<double> scale, Index n_filled, bool clips,
                                 bool keeps_order)
    : shift_(std::move(shift)),
      scale_(std::move(scale)),
      shift_f32_(shift_.begin(), shift_.end()),
      scale_f32_(scale_.begin(), scale_.end()),
      n_filled_(n_filled),
      clips_(clips),
      keeps_order_(keeps_order) {
  if (n_filled < 0) invalid("n_filled", "must be a number of columns; got " + std::to_string(n_filled));
}

template <>
const double* Standardisation::shift<double>() const {
  return shift_.data();
}
template <>
const float* Standardisation::shift<float>() const {
  return shift_f32_.data();
}
template <>
const double* Standardisation::scale<double>() const {
  return scale_.data();
}
template <>
const float* Standardisation::scale<float>() const {
  return scale_f32_.data();
}

template <class T>
void gather(const Table& table, const Standardisation& standardisation, const std::uint32_t* rows, Index first,
            Matrix<T> out, Index following) {
  const auto run = [&]<class Source>() { gather_rows<Source, T>(table, standardisation, rows, first, out, following); };
  switch (table.type) {
    case Scalar::f32: return run.template operator()<float>();
    case Scalar::f64: return run.template operator()<double>();
    case Scalar::i8: return run.template operator()<std::int8_t>();
    case Scalar::i16: return run.template operator()<std::int16_t>();
    case Scalar::i32: return run.template operator()<std::int32_t>();
    case Scalar::i64: return run.template operator()<std::int64_t>();
    case Scalar::u8: return run.template operator()<std::uint8_t>();
    case Scalar::u16: return run.template operator()<std::uint16_t>();
    case Scalar::u32: return run.template operator()<std::uint32_t>();
    case Scalar::u64: return run.template operator()<std::uint64_t>();
  }
}

template void gather(const Table&, const Standardisation&, const std::uint32_t*, Index, Matrix<float>, Index);
template void gather(const Table&, const Standardisation&, const std::uint32_t*, Index, Matrix<double>, Index);

}  // namespace fastmlp
