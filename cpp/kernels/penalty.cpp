#include "kernels/penalty.h"

#include "kernels/packet.h"

namespace fastmlp {

using namespace simd;

template <class T>
double add_penalty(Matrix<const T> weights, Matrix<T> gradient, T l1, T l2) {
  double penalty = 0;
  const auto p_l1 = set<T>(l1), p_l2 = set<T>(l2), zero = set<T>(0);
  for (Index i = 0; i < weights.rows; ++i) {
    // One row at a time in T, the rows in double.
    auto squares = zero, magnitudes = zero;
    for (Index j = 0; j < padded<T>(weights.cols); j += kWidth<T>) {
      const auto w = load(weights.row(i) + j);
      const auto sign = psub(pselect(pcmp_lt(zero, w), p_l1, zero), pselect(pcmp_lt(w, zero), p_l1, zero));
      store(gradient.row(i) + j, padd(load(gradient.row(i) + j), pmadd(p_l2, w, sign)));
      squares = pmadd(w, w, squares);
      magnitudes = padd(magnitudes, pmax(w, psub(zero, w)));
    }
    penalty += 0.5 * double(l2) * double(sum<T>(squares)) + double(l1) * double(sum<T>(magnitudes));
  }
  return penalty;
}

template double add_penalty(Matrix<const float>, Matrix<float>, float, float);
template double add_penalty(Matrix<const double>, Matrix<double>, double, double);

}  // namespace fastmlp
