// Training one epoch at a time, for callers that decide themselves about order, rates and stopping (the drop-in for
// scikit-learn's MLP); and the loss and gradient of all rows, for external optimisers such as L-BFGS.
#pragma once

#include <functional>
#include <optional>

#include "train/step.h"

namespace fastmlp {

template <class T>
class Epochs {
 public:
  Epochs(Network<T>& network, const Samples<T>& data, const StepOptions& options, Index batch_size, int n_threads);

  /** Asked on the calling thread every 50 ms or so; true, or an exception, ends the epoch. */
  std::function<bool()> interrupted;

  /** Goes once through the rows in the given order, with a network whose copies are up to date. Returns the mean of the
   * minibatches' losses, each with the weight of its number of rows; nothing when interrupted: the parameters, but not
   * the optimiser's means, are then those from before. The same goes for an exception. */
  std::optional<double> run(const std::uint32_t* order, Index n_rows, Optimizer<T>& optimizer, double learning_rate);

  /** Fills the network's gradients over the given rows and returns the loss; nothing when interrupted. */
  std::optional<double> gradients(const std::uint32_t* rows, Index n_rows);

 private:
  void begin();

  Network<T>& network_;
  Index batch_size_;
  int n_threads_;
  const Standardisation unchanged_;
  Step<T> step_;
  Buffer<T> before_;
};

}  // namespace fastmlp
