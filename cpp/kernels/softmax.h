// The exponentials of softmax and its loss.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** Of one row z: its largest element, the sum of z_k - largest, and the sum of exp(z_k - largest). */
template <class T>
struct Exponentials {
  T largest, shifted, normaliser;
};

/** exp(z_k - largest) of a row of n goes to e, whole lines with zeros at the end, or nowhere where e is null. e may be
 * z. */
template <class T>
Exponentials<T> exponentials(const T* z, Index n, T* e);

/** The same where z and e may lie anywhere, such as in the middle of a row: nothing beyond n elements is touched. */
template <class T>
Exponentials<T> exponentials_of_part(const T* z, Index n, T* e);

/** x_k <- exp(x_k) or x_k <- 1 / (1 + exp(-x_k)), n contiguous elements wherever they lie. */
template <class T>
void exponential(T* x, Index n);
template <class T>
void logistic(T* x, Index n);

}  // namespace fastmlp
