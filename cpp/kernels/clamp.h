// Values kept within bounds of their own.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** values <- max(lower, min(upper, values)), padding included; all rows begin on cache lines. */
template <class T>
void clamp(Matrix<T> values, Matrix<const T> lower, Matrix<const T> upper);

}  // namespace fastmlp
