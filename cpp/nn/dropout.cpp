#include "nn/dropout.h"

#include <algorithm>

namespace fastmlp {

template <class T>
Dropout<T>::Dropout(Index width, double rate, Index position) : width_(width), rate_(rate), position_(position) {
  if (!(rate >= 0 && rate < 1)) invalid("dropout", "must be in [0, 1); got " + std::to_string(rate));
}

template <class T>
void Dropout<T>::mask(Matrix<const T> from, Matrix<T> to, const Pass& pass) const {
  const std::uint64_t key = random_key(pass.seed, Stream::dropout, pass.step, static_cast<std::uint64_t>(position_));
  // 32 random bits decide on two values, one in each half of the row: to draw them is most of the work.
  constexpr double kPlaces = 0x1p16;
  const auto threshold = static_cast<std::uint32_t>(std::min(rate_ * pass.dropout_share * kPlaces, kPlaces - 1));
  const T scale = static_cast<T>(kPlaces / (kPlaces - threshold));
  const Index half = padded<T>(ceil_div(width_, 2));
  for (Index i = 0; i < from.rows; ++i) {
    const T* source = from.row(i);
    T* target = to.row(i);
    std::uint32_t place = random_bits(key, static_cast<std::uint32_t>(pass.first_row + i));
    const Index second = std::max<Index>(width_ - half, 0);
    for (Index j = 0; j < second; ++j) {
      const std::uint32_t both = mix32(place++);
      const T low = source[j] * scale, high = source[j + half] * scale;
      target[j] = (both & 0xffff) >= threshold ? low : T(0);
      target[j + half] = (both >> 16) >= threshold ? high : T(0);
    }
    for (Index j = second; j < std::min(half, width_); ++j)
      target[j] = (mix32(place++) & 0xffff) >= threshold ? source[j] * scale : T(0);
    std::fill(target + width_, target + padded<T>(width_), T(0));
  }
}

template <class T>
void Dropout<T>::forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T>, const Pass& pass) const {
  mask(in.dense, out, pass);
}

template <class T>
void Dropout<T>::backward(LayerWeights<T>, Matrix<const T> delta, const Activated<T>& in, Matrix<T> d_in,
                          const Pass& pass) const {
  mask(delta, d_in, pass);
  in.multiply(d_in);
}

template class Dropout<float>;
template class Dropout<double>;

}  // namespace fastmlp
