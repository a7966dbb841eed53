// What single rows add to gradients: its norms, and how it is scaled.
#pragma once

#include "core/types.h"

namespace fastmlp {

/** norm <- norm + the squared norm of the outer product of a row's inputs and a 1, whose weights are the biases, with
 * its n deltas. `inputs` is the squared norm of the inputs. */
template <class T>
void add_outer_norm(double inputs, const T* deltas, Index n, double& norm);

/** row <- factor * row, of n elements. */
template <class T>
void scale_row(T factor, Index n, T* row);

}  // namespace fastmlp
