// The outputs of a network for all rows of a table: the same bits on any number of threads.
#pragma once

#include <functional>

#include "nn/forward_rows.h"
#include "predict/row_blocks.h"

namespace fastmlp {

/** Calls take(row, outputs) for blocks of rows, from up to max_threads threads at once; `row` is the first
 * of the block, and `outputs` may be overwritten. A row's outputs do not depend on the rows around it. */
template <class T>
void compute_outputs(const Stack<T>& stack, StackWeights<T> weights, const NetworkInputs<T>& inputs, Index n_rows,
                     const Pass& pass, int max_threads, const Interruption& interruption,
                     const std::function<void(Index row, Matrix<T> outputs)>& take);

}  // namespace fastmlp
