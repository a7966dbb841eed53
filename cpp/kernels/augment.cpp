#include "kernels/augment.h"

#include <algorithm>

#include "core/random.h"
#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

using namespace simd;

constexpr double kWords = 0x1p32;  // as many values as 32 random bits have

std::uint32_t bits_of_row(std::uint64_t key, Index row) { return random_bits(key, static_cast<std::uint32_t>(row)); }
std::uint32_t bits_of_value(std::uint32_t of_row, Index column) {
  return mix32(of_row + static_cast<std::uint32_t>(column));
}

}  // namespace

template <class T>
void mix_rows(Matrix<T> rows, Matrix<const T> others, const T* shares, Index n_codes, std::uint64_t key,
              Index first_row) {
  const Index n_numbers = rows.cols - n_codes;
  for (Index i = 0; i < rows.rows; ++i) {
    T* own = rows.row(i);
    const T* other = others.row(i);
    const T share = shares[i];
    for (Index j = 0; j < n_numbers; ++j) own[j] = other[j] + share * (own[j] - other[j]);
    const std::uint32_t of_row = bits_of_row(key, first_row + i);
    const auto least = static_cast<double>(share) * kWords;
    for (Index j = n_numbers; j < rows.cols; ++j)
      if (static_cast<double>(bits_of_value(of_row, j)) >= least) own[j] = other[j];
  }
}

template <class T>
void swap_values(Matrix<T> rows, Matrix<const T> others, double probability, std::uint64_t key, Index first_row) {
  const auto threshold = static_cast<std::uint32_t>(probability * kWords);
  for (Index i = 0; i < rows.rows; ++i) {
    T* own = rows.row(i);
    const T* other = others.row(i);
    const std::uint32_t of_row = bits_of_row(key, first_row + i);
    for (Index j = 0; j < rows.cols; ++j) own[j] = bits_of_value(of_row, j) < threshold ? other[j] : own[j];
  }
}

// By Box and Muller (1958), with the angle from half a circle and a random sign for the cosine.
template <class T>
void add_input_noise(Matrix<T> rows, double deviation, std::uint64_t key, Index first_row) {
  constexpr Index kAtOnce = 2 * kWidth<T>;
  const Packet<T> scale = set<T>(static_cast<T>(deviation));
  alignas(kAlignment) T uniform[kWidth<T>], angle[kWidth<T>], sign[kWidth<T>], noise[kAtOnce];
  for (Index i = 0; i < rows.rows; ++i) {
    T* row = rows.row(i);
    const std::uint32_t of_row = bits_of_row(key, first_row + i);
    for (Index j = 0; j < rows.cols; j += kAtOnce) {
      for (Index k = 0; k < kWidth<T>; ++k) {
        const std::uint32_t one = bits_of_value(of_row, j + k), two = bits_of_value(of_row, j + kWidth<T> + k);
        // 23 bits and a half, which float holds: in (0, 1) and in (-1/2, 1/2).
        uniform[k] = (static_cast<T>(static_cast<std::int32_t>(one >> 9)) + T(0.5)) * T(0x1p-23);
        angle[k] = (static_cast<T>(static_cast<std::int32_t>(two >> 9)) + T(0.5)) * T(0x1p-23) - T(0.5);
        sign[k] = two & 1 ? T(1) : T(-1);
      }
      const Packet<T> radius = pmul(scale, square_root<T>(pmul(set<T>(-2), plog(load(uniform)))));
      const SineCosine<T> on_circle(load(angle));
      store(noise, pmul(radius, on_circle.sine));
      store(noise + kWidth<T>, pmul(pmul(radius, load(sign)), on_circle.cosine));
      for (Index k = 0; k < std::min(kAtOnce, rows.cols - j); ++k) row[j + k] += noise[k];
    }
  }
}

#define FASTMLP_INSTANTIATE(T)                                                               \
  template void mix_rows(Matrix<T>, Matrix<const T>, const T*, Index, std::uint64_t, Index); \
  template void swap_values(Matrix<T>, Matrix<const T>, double, std::uint64_t, Index);       \
  template void add_input_noise(Matrix<T>, double, std::uint64_t, Index);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
