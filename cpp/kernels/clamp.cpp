#include "kernels/clamp.h"

#include "kernels/packet.h"

namespace fastmlp {

using namespace simd;

template <class T>
void clamp(Matrix<T> values, Matrix<const T> lower, Matrix<const T> upper) {
  for (Index i = 0; i < values.rows; ++i) {
    T* const row = values.row(i);
    const T* const least = lower.row(i);
    const T* const most = upper.row(i);
    for (Index j = 0; j < padded<T>(values.cols); j += kWidth<T>)
      store(row + j, pmax(pmin(load(row + j), load(most + j)), load(least + j)));
  }
}

template void clamp(Matrix<float>, Matrix<const float>, Matrix<const float>);
template void clamp(Matrix<double>, Matrix<const double>, Matrix<const double>);

}  // namespace fastmlp
