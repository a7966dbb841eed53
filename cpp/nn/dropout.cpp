#include "nn/dropout.h"

#include <algorithm>
#include <bit>
#include <type_traits>

#include "core/checks.h"

namespace fastmlp {
namespace {

/** x where place >= threshold, else zero; both are below 2^31. A conditional expression would do the same, but below
 * AVX-512 GCC makes a jump of it, and a loop with jumps has no vectors. */
template <class T>
T kept_from(std::uint32_t place, std::int32_t threshold, T x) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  const std::int32_t mask = -static_cast<std::int32_t>(static_cast<std::int32_t>(place) >= threshold);
  return std::bit_cast<T>(std::bit_cast<Bits>(x) & Bits{mask});
}

}  // namespace

template <class T>
Dropout<T>::Dropout(const DropoutSpec& spec, Index width, Index position)
    : width_(width), rate_(spec.rate), position_(position) {
  check_below_one("dropout", rate_);
}

template <class T>
void Dropout<T>::mask(Matrix<const T> from, Matrix<T> to, const Pass& pass) const {
  const std::uint64_t key = random_key(pass.seed, Stream::dropout, pass.step, static_cast<std::uint64_t>(position_));
  // 32 random bits decide on two values, one in each half of the row: to draw them is most of the work.
  constexpr double kPlaces = 0x1p16;
  const auto threshold = static_cast<std::int32_t>(std::min(rate_ * pass.dropout_share * kPlaces, kPlaces - 1));
  const T scale = static_cast<T>(kPlaces / (kPlaces - threshold));
  const Index half = padded<T>(ceil_div(width_, 2)), all = padded<T>(width_), second = all - half;
  for (Index i = 0; i < from.rows; ++i) {
    const T* source = from.row(i);
    T* target = to.row(i);
    // Whole lines, without a tail: the padding is overwritten later.
    const std::uint32_t place = random_bits(key, static_cast<std::uint32_t>(pass.first_row + i));
    for (Index j = 0; j < second; ++j) {
      const std::uint32_t both = mix32(place + static_cast<std::uint32_t>(j));
      target[j] = kept_from(both & 0xffff, threshold, source[j] * scale);
      target[j + half] = kept_from(both >> 16, threshold, source[j + half] * scale);
    }
    for (Index j = second; j < half; ++j) {
      const std::uint32_t bits = mix32(place + static_cast<std::uint32_t>(j));
      target[j] = kept_from(bits & 0xffff, threshold, source[j] * scale);
    }
    std::fill(target + width_, target + all, T(0));
  }
}

template <class T>
void Dropout<T>::forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T>, const Pass& pass) const {
  mask(in.dense, out, pass);
}

template <class T>
Fused Dropout<T>::backward(LayerWeights<T>, Matrix<const T> delta, const Activated<T>&, Matrix<T> d_in,
                           const Pass& pass, T*, bool) const {
  mask(delta, d_in, pass);
  return {};
}

template class Dropout<float>;
template class Dropout<double>;

}  // namespace fastmlp
