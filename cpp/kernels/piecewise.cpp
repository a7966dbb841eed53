#include "kernels/piecewise.h"

#include "kernels/features.h"

namespace fastmlp {
namespace {

using namespace simd;

template <class T>
Packet<T> step(const Packet<T>& x, const T* start, const T* slope) {
  return pmax(pmin(pmul(psub(x, load(start)), load(slope)), set<T>(1)), set<T>(0));
}

}  // namespace

template <class T>
void piecewise(const Steps<T>& steps, Matrix<const T> weights, Matrix<const T> in, Matrix<T> out) {
  const auto& [start, slope] = steps;
  const Index n = start.cols;
  for (Index j = 0; j < n; j += kWidth<T>)
    for (Index i = 0; i < in.rows; ++i) {
      const Packet<T> x = load(in.row(i) + j);
      Packet<T> sums[kPiecewiseFeatures];
      for (Packet<T>& sum : sums) sum = set<T>(0);
      for (Index s = 0; s < start.rows; ++s) {
        const Packet<T> at = step<T>(x, start.row(s) + j, slope.row(s) + j);
        for (Index k = 0; k < kPiecewiseFeatures; ++k)
          sums[k] = pmadd(load(weights.row(k * start.rows + s) + j), at, sums[k]);
      }
      for (Index k = 0; k < kPiecewiseFeatures; ++k) store_features<T>(out.row(i) + k * n + j, sums[k], n - j);
    }
}

template <class T>
void piecewise_gradient(const Steps<T>& steps, Matrix<const T> in, Matrix<const T> delta, Index first,
                        Matrix<T> gradient, bool add) {
  const auto& [start, slope] = steps;
  FeatureRows<T> x, d[kPiecewiseFeatures];
  for (Index j = 0; j < gradient.cols; j += kWidth<T>) {
    const Index count = std::min<Index>(kWidth<T>, gradient.cols - j);
    for (Index row = 0; row < in.rows; row += kFeatureRows) {
      const Index rows = std::min(kFeatureRows, in.rows - row);
      x.take(in, row, rows, first + j, count);
      for (Index k = 0; k < kPiecewiseFeatures; ++k) d[k].take(delta, row, rows, k * start.cols + first + j, count);
      for (Index s = 0; s < start.rows; ++s) {
        Packet<T> sums[kPiecewiseFeatures];
        for (Packet<T>& sum : sums) sum = set<T>(0);
        for (Index i = 0; i < rows; ++i) {
          const Packet<T> at = step<T>(x[i], start.row(s) + first + j, slope.row(s) + first + j);
          for (Index k = 0; k < kPiecewiseFeatures; ++k) sums[k] = pmadd(d[k][i], at, sums[k]);
        }
        for (Index k = 0; k < kPiecewiseFeatures; ++k)
          store_sum<T>(gradient.row(k * start.rows + s) + j, sums[k], add || row > 0);
      }
    }
  }
}

#define FASTMLP_INSTANTIATE(T)                                                           \
  template void piecewise(const Steps<T>&, Matrix<const T>, Matrix<const T>, Matrix<T>); \
  template void piecewise_gradient(const Steps<T>&, Matrix<const T>, Matrix<const T>, Index, Matrix<T>, bool);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
