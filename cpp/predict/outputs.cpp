#include "predict/outputs.h"

#include <algorithm>
#include <vector>

#include "core/denormals.h"
#include "core/poll_timer.h"
#include "core/team_size.h"

namespace fastmlp {

template <class T>
void compute_outputs(const Stack<T>& stack, StackWeights<T> weights, const NetworkInputs<T>& inputs, Index n_rows,
                     const Pass& pass, int max_threads, const Interruption& interruption,
                     const std::function<void(Index, Matrix<T>)>& take) {
  constexpr Index kMostRows = 128, kMostBytes = Index{1} << 22;
  if (n_rows == 0) return;
  const Index block_rows =
      std::min(n_rows, std::clamp<Index>(kMostBytes / Workspace<T>::bytes_per_row(stack, pass.training), 1, kMostRows));
  const auto run_block = [&](Index row, Index rows, Workspace<T>& workspace) {
    Pass own = pass;
    own.first_row = row;
    forward_rows(stack, weights, inputs, {nullptr, row, rows}, workspace, 0, own);
    take(row, workspace.output().slice(0, rows));
  };
  // Starting a team costs as much as several barriers.
  const double work = static_cast<double>(n_rows) * static_cast<double>(stack.work_per_row());
  const int most_threads = worthwhile_threads(work / 4, max_threads);
  if (most_threads == 1 && n_rows == block_rows) {
    const DenormalMode flush(true);
    Workspace<T> workspace(stack, n_rows, pass.training);
    return run_block(0, n_rows, workspace);
  }
  // Whether other programs occupy the processors is remembered between the calls of a thread: an ensemble calls for
  // each of its networks.
  thread_local TeamSize team(1);
  if (most_threads > 1) team.set_full(most_threads);
  const int n_threads = most_threads > 1 ? team.next() : 1;
  std::vector<Workspace<T>> workspaces;
  for (int i = 0; i < n_threads; ++i) workspaces.emplace_back(stack, block_rows, pass.training);
  PollTimer timer;
  const TeamReport report = run_team(n_threads, [&](Member& member) {
    const Member::Range mine = member.share(n_rows, kRowGrain);
    for (Index row = mine.first; row < mine.last; row += block_rows) {
      const Index rows = std::min(block_rows, mine.last - row);
      if (interruption && member.leads() && timer.due(rows * stack.work_per_row())) {
        const DenormalMode keep(false);  // the caller's own arithmetic keeps them
        interruption();
      }
      member.leave_if_failed();
      run_block(row, rows, workspaces[static_cast<std::size_t>(member.rank())]);
    }
    member.barrier();  // where the time is measured that one waits for another
  });
  if (most_threads > 1) team.went(report, 1, work);
}

template void compute_outputs(const Stack<float>&, StackWeights<float>, const NetworkInputs<float>&, Index, const Pass&,
                              int, const Interruption&, const std::function<void(Index, Matrix<float>)>&);
template void compute_outputs(const Stack<double>&, StackWeights<double>, const NetworkInputs<double>&, Index,
                              const Pass&, int, const Interruption&, const std::function<void(Index, Matrix<double>)>&);

}  // namespace fastmlp
