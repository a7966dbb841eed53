// The penalties on large weights, L1 and L2.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** gradient <- gradient + l2 * w + l1 * sign(w); returns l2 / 2 * ||w||^2 + l1 * ||w||_1. */
template <class T>
double add_penalty(Matrix<const T> weights, Matrix<T> gradient, T l1, T l2);

}  // namespace fastmlp
