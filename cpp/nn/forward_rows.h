// The forward pass over rows of a table: gathers them and runs all layers.
#pragma once

#include "kernels/gather.h"
#include "nn/stack.h"

namespace fastmlp {

/** The table that a network reads: dense, with a standardisation of its columns, or sparse. */
template <class T>
struct NetworkInputs {
  const Table* table = nullptr;
  const Standardisation* standardisation = nullptr;  // of `table`
  const SparseTable<T>* sparse = nullptr;
};

/** Rows of a table: numbers[i], or first + i if numbers is null. */
struct RowNumbers {
  const std::uint32_t* numbers = nullptr;
  Index first = 0;
  Index count = 0;
  Index following = 0;  // row numbers after these, for prefetching; see gather()
};

/** Runs rows of a table through all layers, in the workspace's rows from `at` on. */
template <class T>
void forward_rows(const Stack<T>& stack, StackWeights<T> weights, const NetworkInputs<T>& inputs,
                  const RowNumbers& rows, Workspace<T>& workspace, Index at, const Pass& pass) {
  if (!stack.takes_sparse())
    gather<T>(*inputs.table, *inputs.standardisation, rows.numbers, rows.first, workspace.input().slice(at, rows.count),
              rows.following);
  stack.forward(weights, workspace, at, rows.count, pass, {inputs.sparse, rows.numbers, rows.first, rows.count});
}

}  // namespace fastmlp
