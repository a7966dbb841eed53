// The loop over epochs and minibatches: shuffling, steps, validation, stopping rules, the best weights.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "core/team_size.h"
#include "train/schedule.h"
#include "train/step.h"

namespace fastmlp {

struct TrainOptions {
  StepOptions step;
  ScheduleOptions schedule;
  Index max_iter = 200;
  Index batch_size = 200;
  bool shuffle = true;
  double tol = 1e-4;
  Index n_iter_no_change = 10;   // the largest Index: never stop for want of progress
  double patience_growth = 0;    // so many epochs more of patience for each one before the best
  bool early_stopping = false;   // watch the validation loss and keep the best weights; else watch the training loss
  double average_epochs = 0;     // with early_stopping: what is validated and kept is the mean over so many (0: none)
  bool reports_outputs = false;  // tells on_epoch the outputs on the validation part
  bool anneals = false;          // dropout and weight decay, by flat_cos()
  double time_limit = std::numeric_limits<double>::infinity();  // seconds, in which the schedule ends
  int n_threads = 1;
  std::uint64_t seed = 0;   // of the order of rows
  double samples_seen = 0;  // before this call, for 'invscaling'
};

/** What the caller is told after every epoch. */
struct EpochRecord {
  Index epoch;                   // from 1
  double loss;                   // mean of the minibatches' losses, penalty included
  double validation_loss;        // NaN where there is no validation part
  double learning_rate;          // of the epoch's last step
  double seconds;                // since the start
  Matrix<const double> outputs;  // on the validation part, before the link; no rows where nobody asked for them
};

/** What the caller answers. */
struct EpochAnswer {
  bool stops = false;
  std::optional<double> watched;  // in place of the loss: the smaller the better
};

enum class StopReason { max_iter, no_improvement, callback, time_limit, interrupted, diverged };
inline constexpr std::array kStopReasonNames = {"max_iter",   "no_improvement", "callback",
                                                "time_limit", "interrupted",    "diverged"};

struct TrainResult {
  std::vector<double> loss_curve, validation_curve, learning_rates;
  std::vector<double> watched_curve;  // what on_epoch answered
  Index n_iter = 0;                   // finished epochs
  Index best_epoch = 0;               // from 1; 0 where no weights were kept
  StopReason reason = StopReason::max_iter;
};

template <class T>
class Trainer {
 public:
  Trainer(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs, Dataset<T> train,
          Dataset<T> validation, const TrainOptions& options);  // validation may have no rows

  /** Called by the leader after every epoch. */
  std::function<EpochAnswer(const EpochRecord&)> on_epoch;
  /** Asked by the leader every 50 ms or so; true ends training with the weights of the last finished epoch. */
  std::function<bool()> interrupted;

  TrainResult run();

 private:
  /** Epochs until there is nothing to do any more, or until it is time to think about the size of the team. */
  void work(Member& member);
  /** Fills validation_losses_; false when interrupted. */
  bool evaluate_validation(Member& member);
  void shuffle_rows();
  /** The leader's bookkeeping; true when this was the last epoch. */
  bool end_epoch(double loss, double rate);
  /** Lays the schedule out for the time that is left; true when there is none. */
  bool time_is_up(std::uint64_t steps);
  bool has_validation() const { return validation_.n_rows() > 0; }

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  const Standardisation& inputs_;
  Dataset<T> train_, validation_;
  TrainOptions options_;
  LossOptions validation_loss_;
  Index batch_size_;
  TeamSize team_;
  std::vector<std::uint32_t> order_;  // the rows of this epoch; empty: as they are given
  Step<T> step_;
  std::optional<WeightAverage<T>> average_;
  double steps_per_epoch_, most_steps_;
  LearningRate learning_rate_;
  std::vector<Workspace<T>> validation_workspaces_;  // one per thread, each of validation_rows_
  Index validation_rows_ = 0;
  std::vector<double> validation_losses_;  // one per row
  Buffer<double> validation_outputs_;      // rows x outputs, where they are reported
  std::chrono::steady_clock::time_point start_;
  TrainResult result_;
  Buffer<T> last_epoch_, best_;
  double best_loss_ = std::numeric_limits<double>::infinity();
  Index without_progress_ = 0, best_epoch_ = 0;
  std::uint64_t first_step_ = 0, first_optimizer_step_ = 0;  // of their lives, at the start of run()
  bool finished_ = false;
};

}  // namespace fastmlp
