// The outputs of a network for all rows of a table, on one thread or several, with the same bits.
#pragma once

#include <functional>

#include "nn/forward_rows.h"

namespace fastmlp {

/** What looks, on the calling thread and every 50 ms or so, whether the work should end; it throws if so. */
using Interruption = std::function<void()>;

/** Calls take(row, outputs) for blocks of rows, from up to max_threads threads at once; `row` is the block's first, and
 * `outputs` may be overwritten. Rows are computed one by one in the same way, whatever stands around them. */
template <class T>
void compute_outputs(const Stack<T>& stack, StackWeights<T> weights, const NetworkInputs<T>& inputs, Index n_rows,
                     const Pass& pass, int max_threads, const Interruption& interruption,
                     const std::function<void(Index row, Matrix<T> outputs)>& take);

}  // namespace fastmlp
