// Differentially private training: minibatches that hold each row with the same probability, independently, and private
// gradients. Nothing that depends on the rows but the parameters comes out: no loss is computed, none stops training.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "train/private_gradients.h"
#include "train/schedule.h"
#include "train/step.h"

namespace fastmlp {

struct PrivateTrainingOptions {
  StepOptions step;  // without max_grad_norm, which is of the whole gradient
  ScheduleOptions schedule;
  Index n_steps = 1;  // of all calls of run(): what the schedule is laid out for
  double sampling_rate = 1;
  double max_row_norm = 1;
  double noise_multiplier = 0;
  double average_steps = 0;  // finish() leaves the mean of the weights over this number of steps (0: the weights)
  ChaChaKey key = {};
  int n_threads = 1;
};

template <class T>
class PrivateTraining {
 public:
  PrivateTraining(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs, Dataset<T> table,
                  const PrivateTrainingOptions& options);

  /** Asked on the calling thread every 50 ms or so; true, or an exception, ends the work. */
  std::function<bool()> interrupted;

  /** Takes n_steps more steps. False when interrupted: the parameters are then partly updated. */
  bool run(Index n_steps);
  /** Leaves the network with the weights to keep. */
  void finish();

  /** The learning rate of the last step. */
  double learning_rate() const { return last_rate_; }

 private:
  /** Draws the minibatches of the next steps. */
  void draw(Index n_steps);

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  const std::vector<std::uint32_t> table_rows_;
  PrivateTrainingOptions options_;
  PrivateGradients privacy_;
  LearningRate schedule_;
  const Index most_rows_;  // of a minibatch at once
  const int n_threads_;
  Step<T> step_;
  std::optional<WeightAverage<T>> average_;
  std::uint64_t steps_ = 0;
  double last_rate_ = 0;
  // Of the steps under way
  std::vector<std::uint32_t> drawn_;
  std::vector<std::size_t> ends_;  // of each step's rows in it
};

}  // namespace fastmlp
