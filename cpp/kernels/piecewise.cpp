#include "kernels/piecewise.h"

#include "kernels/features.h"

namespace fastmlp {
namespace {

using namespace simd;

template <class T>
Packet<T> step(const Packet<T>& x, const Packet<T>& start, const Packet<T>& slope) {
  return pmax(pmin(pmul(psub(x, start), slope), set<T>(1)), set<T>(0));
}

}  // namespace

template <class T>
void piecewise(const Steps<T>& steps, Matrix<const T> weights, Matrix<const T> in, Matrix<T> out) {
  const auto& [start, slope] = steps;
  embed_features<T, kPiecewiseFeatures>(
      in, start.cols, out, [&](auto&& parameter, const Packet<T>& x, Packet<T>(&sums)[kPiecewiseFeatures]) {
        for (Packet<T>& sum : sums) sum = set<T>(0);
        for (Index s = 0; s < start.rows; ++s) {
          const Packet<T> at = step<T>(x, parameter(start.row(s)), parameter(slope.row(s)));
          for (Index k = 0; k < kPiecewiseFeatures; ++k)
            sums[k] = pmadd(parameter(weights.row(k * start.rows + s)), at, sums[k]);
        }
      });
}

template <class T>
void piecewise_gradient(const Steps<T>& steps, Matrix<const T> in, Matrix<const T> delta, Index first,
                        Matrix<T> gradient, bool add) {
  constexpr int width = kWidth<T>;
  const auto& [start, slope] = steps;
  TurnedFeatures<T, kPiecewiseFeatures> features;
  for (Index column = 0; column < gradient.cols; column += width)
    for (Index row = 0; row < in.rows; row += features.kRows) {
      const Index count = std::min<Index>(width, gradient.cols - column);
      const Index rows = std::min(features.kRows, in.rows - row);
      features.take(in, delta, row, rows, first + column, count, start.cols);
      for (Index s = 0; s < start.rows; ++s) {
        Packet<T> sums[kPiecewiseFeatures][width];
        for (auto& of_features : sums) std::fill_n(of_features, width, set<T>(0));
        for (Index j = 0; j < count; ++j) {
          const Packet<T> from = set<T>(start.row(s)[first + column + j]);
          const Packet<T> times = set<T>(slope.row(s)[first + column + j]);
          Packet<T> own[kPiecewiseFeatures];
          for (Packet<T>& sum : own) sum = set<T>(0);
          for (Index i = 0; i < rows; i += width) {
            const Packet<T> at = step<T>(features.x(j, i), from, times);
            for (Index k = 0; k < kPiecewiseFeatures; ++k) own[k] = pmadd(features.delta(k, j, i), at, own[k]);
          }
          for (Index k = 0; k < kPiecewiseFeatures; ++k) sums[k][j] = own[k];
        }
        for (Index k = 0; k < kPiecewiseFeatures; ++k)
          store_sums<T>(gradient.row(k * start.rows + s) + column, sums[k], add || row > 0);
      }
    }
}

template <class T>
void add_piecewise_norms(const Steps<T>& steps, Matrix<const T> in, Matrix<const T> delta, double* norms) {
  constexpr int width = kWidth<T>;
  const auto& [start, slope] = steps;
  TurnedFeatures<T, kPiecewiseFeatures> features;
  for (Index first = 0; first < start.cols; first += width)
    for (Index row = 0; row < in.rows; row += features.kRows) {
      const Index count = std::min<Index>(width, start.cols - first), rows = std::min(features.kRows, in.rows - row);
      features.take(in, delta, row, rows, first, count, start.cols);
      for (Index i = 0; i < rows; i += width) {
        Packet<T> norm = set<T>(0);
        for (Index j = 0; j < count; ++j) {
          Packet<T> deltas = set<T>(0), coordinates = set<T>(0);  // sums of squares
          for (Index k = 0; k < kPiecewiseFeatures; ++k)
            deltas = pmadd(features.delta(k, j, i), features.delta(k, j, i), deltas);
          for (Index s = 0; s < start.rows; ++s) {
            const Packet<T> at =
                step<T>(features.x(j, i), set<T>(start.row(s)[first + j]), set<T>(slope.row(s)[first + j]));
            coordinates = pmadd(at, at, coordinates);
          }
          norm = pmadd(deltas, coordinates, norm);
        }
        alignas(kAlignment) T lanes[width];
        store(lanes, norm);
        for (Index r = 0; r < std::min<Index>(width, rows - i); ++r)
          norms[row + i + r] += static_cast<double>(lanes[r]);
      }
    }
}

#define FASTMLP_INSTANTIATE(T)                                                                                 \
  template void piecewise(const Steps<T>&, Matrix<const T>, Matrix<const T>, Matrix<T>);                       \
  template void piecewise_gradient(const Steps<T>&, Matrix<const T>, Matrix<const T>, Index, Matrix<T>, bool); \
  template void add_piecewise_norms(const Steps<T>&, Matrix<const T>, Matrix<const T>, double*);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
