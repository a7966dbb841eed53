#include "kernels/normal_noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fastmlp {
namespace {

/** Uniform in (0, 1): the middle of one of 2^52 equal parts. */
double uniform(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 12;
  return (static_cast<double>(bits) + 0.5) * 0x1.0p-52;
}

}  // namespace

template <class T>
void add_normal_noise(const ChaChaKey& key, std::uint64_t stream, Index first, Index step, double scale, Matrix<T> to) {
  constexpr Index kAtOnce = kNormalsPerBlock * kChaChaLanes;
  double normals[kAtOnce];
  for (Index i = 0; i < to.rows; ++i)
    for (Index j = 0; j < to.cols; j += kAtOnce) {
      const Index count = std::min(kAtOnce, to.cols - j);
      const auto block = static_cast<std::uint64_t>((first + i * step + j) / kNormalsPerBlock);
      const ChaChaBlocks random = chacha20(key, stream, block);
      for (Index k = 0; k < count; k += 2) {
        const Index lane = k / kNormalsPerBlock, word = k % kNormalsPerBlock * 2;
        const auto bits = [&](Index n) { return random.words[word + n][lane]; };
        const double radius = std::sqrt(-2 * std::log(uniform(bits(0), bits(1))));
        const double angle = 2 * std::numbers::pi * uniform(bits(2), bits(3));
        normals[k] = radius * std::cos(angle);
        normals[k + 1] = radius * std::sin(angle);
      }
      T* row = to.row(i) + j;
      for (Index k = 0; k < count; ++k) row[k] = static_cast<T>(static_cast<double>(row[k]) + scale * normals[k]);
    }
}

template void add_normal_noise(const ChaChaKey&, std::uint64_t, Index, Index, double, Matrix<float>);
template void add_normal_noise(const ChaChaKey&, std::uint64_t, Index, Index, double, Matrix<double>);

}  // namespace fastmlp
