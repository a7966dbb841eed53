#include "predict/outputs.h"

namespace fastmlp {

template <class T>
void compute_outputs(const Stack<T>& stack, StackWeights<T> weights, const NetworkInputs<T>& inputs, Index n_rows,
                     const Pass& pass, int max_threads, const Interruption& interruption,
                     const std::function<void(Index, Matrix<T>)>& take) {
  const Index block_rows =
      rows_of_block(n_rows, Workspace<T>::bytes_per_row(stack, pass.training), stack.work_per_row());
  for_each_block(n_rows, block_rows, stack.work_per_row(), max_threads, interruption, [&] {
    return [&, workspace = Workspace<T>(stack, block_rows, pass.training)](Index row, Index rows) mutable {
      Pass own = pass;
      own.first_row = row;
      forward_rows(stack, weights, inputs, {nullptr, row, rows}, workspace, 0, own);
      take(row, workspace.output().slice(0, rows));
    };
  });
}

template void compute_outputs(const Stack<float>&, StackWeights<float>, const NetworkInputs<float>&, Index, const Pass&,
                              int, const Interruption&, const std::function<void(Index, Matrix<float>)>&);
template void compute_outputs(const Stack<double>&, StackWeights<double>, const NetworkInputs<double>&, Index,
                              const Pass&, int, const Interruption&, const std::function<void(Index, Matrix<double>)>&);

}  // namespace fastmlp
