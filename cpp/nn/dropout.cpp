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
  const auto threshold = static_cast<std::uint32_t>(std::min(rate_ * 0x1p32, 0x1p32 - 1));
  const T scale = static_cast<T>(1 / (1 - rate_));
  for (Index i = 0; i < from.rows; ++i) {
    const T* source = from.row(i);
    T* target = to.row(i);
    const auto base = static_cast<std::uint32_t>((pass.first_row + i) * width_);
    for (Index j = 0; j < width_; ++j)
      target[j] = random_bits(key, base + static_cast<std::uint32_t>(j)) >= threshold ? source[j] * scale : T(0);
    for (Index j = width_; j < padded<T>(width_); ++j) target[j] = 0;
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
  multiply_derivative<T>(in.activation, d_in, in.values, in.saved);
}

template class Dropout<float>;
template class Dropout<double>;

}  // namespace fastmlp
