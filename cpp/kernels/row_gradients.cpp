#include "kernels/row_gradients.h"

#include "kernels/sums.h"

namespace fastmlp {

template <class T>
void add_outer_norm(double inputs, const T* deltas, Index n, double& norm) {
  norm += (inputs + 1) * squared_norm(deltas, n);
}

template <class T>
void scale_row(T factor, Index n, T* row) {
  for (Index j = 0; j < n; ++j) row[j] *= factor;
}

#define FASTMLP_INSTANTIATE(T)                                    \
  template void add_outer_norm(double, const T*, Index, double&); \
  template void scale_row(T, Index, T*);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
