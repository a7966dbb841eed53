// What an optimiser updates at a time.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** A block of one layer's parameters with everything kept beside it; all the matrices have the same shape. */
template <class T>
struct ParameterBlock {
  Matrix<T> value;
  Matrix<T> gradient;
  Matrix<T> first;   // momentum, or Adam's mean of gradients
  Matrix<T> second;  // Adam's and RMSprop's mean of squared gradients
};

}  // namespace fastmlp
