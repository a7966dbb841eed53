// The gradient over all rows of a table, for training loops that are not ours.
#pragma once

#include <numeric>

#include "train/step.h"

namespace fastmlp {

/** Keeps its memory between calls: allocating it takes longer than a step of a small network. */
template <class T>
class Backward {
 public:
  /** For tables of at most `max_rows` rows. */
  Backward(Network<T>& network, Index max_rows, int n_threads)
      : network_(network),
        max_rows_(max_rows),
        n_threads_(n_threads),
        rows_(static_cast<std::size_t>(max_rows)),
        step_(network, unchanged_, {}, {}, max_rows, Step<T>::team_size(network.stack(), max_rows, n_threads)) {
    std::iota(rows_.begin(), rows_.end(), 0u);
  }

  bool serves(Index n_rows, int n_threads) const { return n_rows <= max_rows_ && n_threads == n_threads_; }

  /** Fills the network's gradients, from the loss or, if it has memory, from the given derivative by the outputs.
   * Returns the loss. `interrupted` is called about every 50 ms on the calling thread; it throws to end the work. */
  double run(const Samples<T>& data, const StepOptions& options, Matrix<const T> given_delta,
             const std::function<void()>& interrupted) {
    step_.set_data(data, options);
    step_.given_delta = given_delta;
    step_.interrupted = [&] {
      interrupted();
      return false;
    };
    network_.prepare();
    const Index n_rows = data.table_rows();
    run_team(Step<T>::team_size(network_.stack(), n_rows, n_threads_),
             [&](Member& member) { step_.run(member, {rows_.data(), n_rows}, network_.steps, nullptr, {}); });
    return step_.loss();
  }

 private:
  Network<T>& network_;
  Index max_rows_;
  int n_threads_;
  const Standardisation unchanged_;
  std::vector<std::uint32_t> rows_;  // 0, 1, 2, ...
  Step<T> step_;
};

}  // namespace fastmlp
