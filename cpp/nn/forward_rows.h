// From rows of a table to the outputs of a network: the one place where tables and stacks of layers meet.
#pragma once

#include "kernels/gather.h"
#include "nn/stack.h"

namespace fastmlp {

/** What a network reads: a table whose columns are standardised, or for a network that takes such a sparse one. */
template <class T>
struct NetworkInputs {
  const Table* table = nullptr;
  const Standardisation* standardisation = nullptr;  // of `table`
  const SparseTable<T>* sparse = nullptr;
};

/** Which rows of it: numbers[i], or first + i where numbers is null. */
struct RowNumbers {
  const std::uint32_t* numbers = nullptr;
  Index first = 0;
  Index count = 0;
  Index following = 0;  // numbers behind these that come next; see gather()
};

/** Takes rows of a table through all layers, in the workspace's rows from `at` on. */
template <class T>
void forward_rows(const Stack<T>& stack, StackWeights<T> weights, const NetworkInputs<T>& inputs,
                  const RowNumbers& rows, Workspace<T>& workspace, Index at, const Pass& pass) {
  if (!stack.takes_sparse())
    gather<T>(*inputs.table, *inputs.standardisation, rows.numbers, rows.first, workspace.input().slice(at, rows.count),
              rows.following);
  stack.forward(weights, workspace, at, rows.count, pass, {inputs.sparse, rows.numbers, rows.first, rows.count});
}

}  // namespace fastmlp
