#include "kernels/periodic.h"

#include <numbers>

#include "kernels/features.h"
#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

using namespace simd;

/** The phase 2 pi w1 x + b1 in turns, less whole ones. Beyond 2^20 turns T has hardly a digit left for them: there they
 * stay at what they are, so that nothing can explode. */
template <class T>
Packet<T> turns(const Packet<T>& x, const T* w1, const T* b1) {
  const Packet<T> all = pmadd(load(w1), x, pmul(load(b1), set<T>(T(0.5 / std::numbers::pi))));
  return fraction<T>(pmax(pmin(all, set<T>(T(0x1p20))), set<T>(T(-0x1p20))));
}

}  // namespace

template <class T>
void periodic(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<T> out) {
  const Index n = parameters.weights.cols;
  const auto& [weights, bias] = parameters;
  for (Index i = 0; i < in.rows; ++i)
    for (Index j = 0; j < n; j += kWidth<T>) {
      const Packet<T> x = load(in.row(i) + j);
      Packet<T> sums[kPeriodicFeatures];
      for (Index k = 0; k < kPeriodicFeatures; ++k) sums[k] = load(bias.row(kFrequencies + k) + j);
      for (Index f = 0; f < kFrequencies; ++f) {
        // cos(2 pi u) = 1 - 2 sin(pi u)^2
        const Packet<T> sine = SineCosine<T>(turns<T>(x, weights.row(f) + j, bias.row(f) + j)).sine;
        const Packet<T> cosine = pmadd(pmul(set<T>(-2), sine), sine, set<T>(1));
        for (Index k = 0; k < kPeriodicFeatures; ++k)
          sums[k] = pmadd(load(weights.row((1 + k) * kFrequencies + f) + j), cosine, sums[k]);
      }
      for (Index k = 0; k < kPeriodicFeatures; ++k) store_features<T>(out.row(i) + k * n + j, sums[k], n - j);
    }
}

template <class T>
void periodic_gradient(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<const T> delta,
                       Index first, Index n, const PeriodicParameters<T>& gradient, bool add) {
  FeatureRows<T> x, d[kPeriodicFeatures];
  for (Index j = 0; j < gradient.weights.cols; j += kWidth<T>) {
    const Index count = std::min<Index>(kWidth<T>, gradient.weights.cols - j);
    for (Index row = 0; row < in.rows; row += kFeatureRows) {
      const Index rows = std::min(kFeatureRows, in.rows - row);
      const auto added = [&](const Matrix<T>& to, Index f, const Packet<T>& sum) {
        store_sum<T>(to.row(f) + j, sum, add || row > 0);
      };
      x.take(in, row, rows, first + j, count);
      for (Index k = 0; k < kPeriodicFeatures; ++k) {
        d[k].take(delta, row, rows, k * n + first + j, count);
        Packet<T> sum = set<T>(0);
        for (Index i = 0; i < rows; ++i) sum = padd(sum, d[k][i]);
        added(gradient.bias, kFrequencies + k, sum);
      }
      for (Index f = 0; f < kFrequencies; ++f) {
        const T* w1 = parameters.weights.row(f) + first + j;
        const T* b1 = parameters.bias.row(f) + first + j;
        Packet<T> w2[kPeriodicFeatures], to_w2[kPeriodicFeatures];
        for (Index k = 0; k < kPeriodicFeatures; ++k) {
          w2[k] = load(parameters.weights.row((1 + k) * kFrequencies + f) + first + j);
          to_w2[k] = set<T>(0);
        }
        Packet<T> to_w1 = set<T>(0), to_b1 = set<T>(0);
        for (Index i = 0; i < rows; ++i) {
          const Packet<T> at = x[i];
          const SineCosine<T> half(turns<T>(at, w1, b1));
          const Packet<T> cosine = pmadd(pmul(set<T>(-2), half.sine), half.sine, set<T>(1));
          Packet<T> by_cosine = set<T>(0);
          for (Index k = 0; k < kPeriodicFeatures; ++k) {
            const Packet<T> slope = d[k][i];
            to_w2[k] = pmadd(slope, cosine, to_w2[k]);
            by_cosine = pmadd(slope, w2[k], by_cosine);
          }
          // d cos(phase) / d phase = -sin(phase) = -2 sin(phase / 2) cos(phase / 2)
          const Packet<T> by_phase = pmul(pmul(set<T>(-2), by_cosine), pmul(half.sine, half.cosine));
          to_b1 = padd(to_b1, by_phase);
          to_w1 = pmadd(by_phase, at, to_w1);
        }
        added(gradient.weights, f, pmul(to_w1, set<T>(T(2 * std::numbers::pi))));
        added(gradient.bias, f, to_b1);
        for (Index k = 0; k < kPeriodicFeatures; ++k) added(gradient.weights, (1 + k) * kFrequencies + f, to_w2[k]);
      }
    }
  }
}

#define FASTMLP_INSTANTIATE(T)                                                                                        \
  template void periodic(const PeriodicParameters<const T>&, Matrix<const T>, Matrix<T>);                             \
  template void periodic_gradient(const PeriodicParameters<const T>&, Matrix<const T>, Matrix<const T>, Index, Index, \
                                  const PeriodicParameters<T>&, bool);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
