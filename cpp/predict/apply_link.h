// From raw outputs to predictions.
#pragma once

#include "core/matrix.h"
#include "nn/link.h"

namespace fastmlp {

/** to <- predictions, without padding, from raw outputs; softmax overwrites these. With `keeps_order` no output makes a
 * smaller prediction than a smaller output does. */
template <class T>
void apply_link(const Link& link, bool keeps_order, Matrix<T> outputs, T* to);

}  // namespace fastmlp
