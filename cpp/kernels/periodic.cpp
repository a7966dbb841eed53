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
Packet<T> turns(const Packet<T>& x, const Packet<T>& w1, const Packet<T>& b1) {
  const Packet<T> all = pmadd(w1, x, pmul(b1, set<T>(T(0.5 / std::numbers::pi))));
  return fraction<T>(pmax(pmin(all, set<T>(T(0x1p20))), set<T>(T(-0x1p20))));
}

}  // namespace

template <class T>
void periodic(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<T> out) {
  const auto& [weights, bias] = parameters;
  embed_features<T, kPeriodicFeatures>(
      in, weights.cols, out, [&](auto&& parameter, const Packet<T>& x, Packet<T>(&sums)[kPeriodicFeatures]) {
        for (Index k = 0; k < kPeriodicFeatures; ++k) sums[k] = parameter(bias.row(kFrequencies + k));
        for (Index f = 0; f < kFrequencies; ++f) {
          // cos(2 pi u) = 1 - 2 sin(pi u)^2
          const Packet<T> sine = SineCosine<T>(turns<T>(x, parameter(weights.row(f)), parameter(bias.row(f)))).sine;
          const Packet<T> cosine = pmadd(pmul(set<T>(-2), sine), sine, set<T>(1));
          for (Index k = 0; k < kPeriodicFeatures; ++k)
            sums[k] = pmadd(parameter(weights.row((1 + k) * kFrequencies + f)), cosine, sums[k]);
        }
      });
}

template <class T>
void periodic_gradient(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<const T> delta,
                       Index first, Index n, const PeriodicParameters<T>& gradient, bool add) {
  constexpr int width = kWidth<T>;
  TurnedFeatures<T, kPeriodicFeatures> features;
  for (Index column = 0; column < gradient.weights.cols; column += width)
    for (Index row = 0; row < in.rows; row += features.kRows) {
      const Index count = std::min<Index>(width, gradient.weights.cols - column);
      const Index rows = std::min(features.kRows, in.rows - row);
      features.take(in, delta, row, rows, first + column, count, n);
      const auto added = [&](const Matrix<T>& to, Index f, Packet<T>(&sums)[width]) {
        store_sums<T>(to.row(f) + column, sums, add || row > 0);
      };
      const auto clear = [](Packet<T>(&sums)[width]) { std::fill_n(sums, width, set<T>(0)); };
      for (Index k = 0; k < kPeriodicFeatures; ++k) {
        Packet<T> to_b2[width];
        clear(to_b2);
        for (Index j = 0; j < count; ++j)
          for (Index i = 0; i < rows; i += width) to_b2[j] = padd(to_b2[j], features.delta(k, j, i));
        added(gradient.bias, kFrequencies + k, to_b2);
      }
      for (Index f = 0; f < kFrequencies; ++f) {
        Packet<T> to_w1[width], to_b1[width], to_w2[kPeriodicFeatures][width];
        clear(to_w1);
        clear(to_b1);
        for (auto& sums : to_w2) clear(sums);
        for (Index j = 0; j < count; ++j) {
          const Index feature = first + column + j;
          const Packet<T> w1 = set<T>(parameters.weights.row(f)[feature]);
          const Packet<T> b1 = set<T>(parameters.bias.row(f)[feature]);
          Packet<T> w2[kPeriodicFeatures], by_w2[kPeriodicFeatures];
          for (Index k = 0; k < kPeriodicFeatures; ++k) {
            w2[k] = set<T>(parameters.weights.row((1 + k) * kFrequencies + f)[feature]);
            by_w2[k] = set<T>(0);
          }
          Packet<T> by_w1 = set<T>(0), by_b1 = set<T>(0);
          for (Index i = 0; i < rows; i += width) {
            const Packet<T> x = features.x(j, i);
            const SineCosine<T> half(turns<T>(x, w1, b1));
            const Packet<T> cosine = pmadd(pmul(set<T>(-2), half.sine), half.sine, set<T>(1));
            Packet<T> by_cosine = set<T>(0);
            for (Index k = 0; k < kPeriodicFeatures; ++k) {
              const Packet<T> slope = features.delta(k, j, i);
              by_w2[k] = pmadd(slope, cosine, by_w2[k]);
              by_cosine = pmadd(slope, w2[k], by_cosine);
            }
            // d cos(phase) / d phase = -sin(phase) = -2 sin(phase / 2) cos(phase / 2)
            const Packet<T> by_phase = pmul(pmul(set<T>(-2), by_cosine), pmul(half.sine, half.cosine));
            by_b1 = padd(by_b1, by_phase);
            by_w1 = pmadd(by_phase, x, by_w1);
          }
          to_w1[j] = pmul(by_w1, set<T>(T(2 * std::numbers::pi)));
          to_b1[j] = by_b1;
          for (Index k = 0; k < kPeriodicFeatures; ++k) to_w2[k][j] = by_w2[k];
        }
        added(gradient.weights, f, to_w1);
        added(gradient.bias, f, to_b1);
        for (Index k = 0; k < kPeriodicFeatures; ++k) added(gradient.weights, (1 + k) * kFrequencies + f, to_w2[k]);
      }
    }
}

template <class T>
void add_periodic_norms(const PeriodicParameters<const T>& parameters, Matrix<const T> in, Matrix<const T> delta,
                        double* norms) {
  constexpr int width = kWidth<T>;
  const Index n = parameters.weights.cols;
  TurnedFeatures<T, kPeriodicFeatures> features;
  for (Index first = 0; first < n; first += width)
    for (Index row = 0; row < in.rows; row += features.kRows) {
      const Index count = std::min<Index>(width, n - first), rows = std::min(features.kRows, in.rows - row);
      features.take(in, delta, row, rows, first, count, n);
      for (Index i = 0; i < rows; i += width) {
        Packet<T> norm = set<T>(0);
        for (Index j = 0; j < count; ++j) {
          const Packet<T> x = features.x(j, i);
          Packet<T> squares = set<T>(0);  // of the derivatives by b2; times cosine^2, by w2
          for (Index k = 0; k < kPeriodicFeatures; ++k)
            squares = pmadd(features.delta(k, j, i), features.delta(k, j, i), squares);
          norm = padd(norm, squares);
          const Packet<T> turned = pmul(set<T>(T(2 * std::numbers::pi)), x);
          const Packet<T> of_phase = pmadd(turned, turned, set<T>(1));  // w1 and b1
          for (Index f = 0; f < kFrequencies; ++f) {
            const SineCosine<T> half(
                turns<T>(x, set<T>(parameters.weights.row(f)[first + j]), set<T>(parameters.bias.row(f)[first + j])));
            const Packet<T> cosine = pmadd(pmul(set<T>(-2), half.sine), half.sine, set<T>(1));
            Packet<T> by_cosine = set<T>(0);
            for (Index k = 0; k < kPeriodicFeatures; ++k) {
              const T w2 = parameters.weights.row((1 + k) * kFrequencies + f)[first + j];
              by_cosine = pmadd(features.delta(k, j, i), set<T>(w2), by_cosine);
            }
            const Packet<T> by_phase = pmul(pmul(set<T>(-2), by_cosine), pmul(half.sine, half.cosine));
            norm = pmadd(pmul(squares, cosine), cosine, norm);
            norm = pmadd(pmul(by_phase, by_phase), of_phase, norm);
          }
        }
        alignas(kAlignment) T lanes[width];
        store(lanes, norm);
        for (Index r = 0; r < std::min<Index>(width, rows - i); ++r)
          norms[row + i + r] += static_cast<double>(lanes[r]);
      }
    }
}

#define FASTMLP_INSTANTIATE(T)                                                                                        \
  template void periodic(const PeriodicParameters<const T>&, Matrix<const T>, Matrix<T>);                             \
  template void periodic_gradient(const PeriodicParameters<const T>&, Matrix<const T>, Matrix<const T>, Index, Index, \
                                  const PeriodicParameters<T>&, bool);                                                \
  template void add_periodic_norms(const PeriodicParameters<const T>&, Matrix<const T>, Matrix<const T>, double*);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
