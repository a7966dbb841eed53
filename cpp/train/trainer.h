// What training does, epoch by epoch: the order of rows, the schedule, stopping rules, the best weights, the curves.
// The Executor computes.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "train/executor.h"
#include "train/schedule.h"

namespace fastmlp {

struct TrainOptions {
  StepOptions step;
  ScheduleOptions schedule;
  Index max_iter = 200;
  Index batch_size = 200;
  bool shuffle = true;
  double tol = 1e-4;
  Index n_iter_no_change = 10;   // the largest Index: no limit
  double patience_growth = 0;    // further epochs without progress for each epoch up to the best one
  bool early_stopping = false;   // watch the validation loss and keep the best weights; else watch the training loss
  double average_epochs = 0;     // with early_stopping: evaluate and keep the mean weights of so many epochs; 0: none
  bool reports_outputs = false;  // passes the outputs on the validation rows to on_epoch
  bool anneals = false;          // dropout and weight decay follow flat_cos()
  double time_limit = std::numeric_limits<double>::infinity();  // in seconds; the schedule ends with it
  int n_threads = 1;
  std::uint64_t seed = 0;   // of the order of rows
  double samples_seen = 0;  // before this call, for 'invscaling'
};

/** What is reported to the caller after every epoch. */
struct EpochRecord {
  Index epoch;                   // from 1
  double loss;                   // mean of the minibatches' losses, penalty included
  double validation_loss;        // NaN without validation rows
  double learning_rate;          // of the epoch's last step
  double seconds;                // since the start
  Matrix<const double> outputs;  // raw, on the validation rows; no rows without TrainOptions::reports_outputs
};

/** What the caller returns. */
struct EpochAnswer {
  bool stops = false;
  std::optional<double> watched;  // in place of the loss: the smaller the better
};

enum class StopReason { max_iter, no_improvement, callback, time_limit, interrupted, diverged };
inline constexpr std::array kStopReasonNames = {"max_iter",   "no_improvement", "callback",
                                                "time_limit", "interrupted",    "diverged"};

struct TrainResult {
  std::vector<double> loss_curve, validation_curve, learning_rates;
  std::vector<double> watched_curve;  // values returned by on_epoch
  Index n_iter = 0;                   // finished epochs; a time limit may have ended the last one early
  Index n_steps = 0;                  // minibatches in them
  Index best_epoch = 0;               // from 1; 0 where no weights were kept
  StopReason reason = StopReason::max_iter;
};

template <class T>
class Trainer {
 public:
  Trainer(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs, Dataset<T> train,
          Dataset<T> validation, const TrainOptions& options);  // validation may have no rows

  /** Called after every epoch, on the thread that called run(). */
  std::function<EpochAnswer(const EpochRecord&)> on_epoch;
  /** Called on that thread every 50 ms or so; true ends training with the weights of the last finished epoch. */
  std::function<bool()> interrupted;
  /** Threads to take now, at most TrainOptions::n_threads; asked at least every 70 ms or so. Without it all of them. */
  std::function<int()> threads;

  TrainResult run();

 private:
  using Clock = std::chrono::steady_clock;

  /** Goes on with the epoch for some 50 ms; at its end evaluates and judges it. False when training has ended. */
  bool advance();
  /** How many steps of the epoch to take before threads and time are looked at again. */
  Index next_steps() const;
  /** The rates of the next steps, and how much of dropout and weight decay there is. */
  void plan_steps(Index count);
  void shuffle_rows();
  /** Keeps the state that an interruption goes back to. */
  void keep_epoch();
  void restore_epoch();
  /** Curves, callback, best weights and stopping rules; true when this was the last epoch. */
  bool end_epoch(double loss, double validation_loss, double rate);
  /** Compresses the schedule to the time that is left; true when none is but that for the evaluation. */
  bool time_is_up();
  /** What the next evaluation is expected to take. */
  double evaluation_seconds() const;
  bool has_validation() const { return n_validation_ > 0; }
  /** Steps of this fit so far. */
  std::uint64_t steps() const { return network_.steps - first_step_; }

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  TrainOptions options_;
  const std::vector<std::uint32_t> rows_;  // to train on
  const Index n_validation_;               // rows
  const Index steps_per_epoch_;
  const double most_steps_;
  LearningRate learning_rate_;
  Executor<T> executor_;
  std::vector<std::uint32_t> order_;  // the rows of this epoch, where they are shuffled
  StepsPlan plan_;
  Clock::time_point start_;
  TrainResult result_;
  Buffer<T> last_epoch_, best_;
  std::uint64_t last_network_steps_ = 0;  // at the end of the last epoch
  // Of the epoch under way
  Index done_ = 0;  // steps
  WeightedMean loss_;
  double step_seconds_ = 0, evaluation_seconds_ = 0;  // of the last ones
  double best_loss_ = std::numeric_limits<double>::infinity();
  Index without_progress_ = 0, best_epoch_ = 0;
  std::uint64_t first_step_ = 0;  // of the network's life, at the start of run()
};

}  // namespace fastmlp
