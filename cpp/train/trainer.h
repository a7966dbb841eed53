// What training does, epoch by epoch: the order of rows, the schedule, stopping rules, the best weights, the curves.
// The Executor computes. An epoch is one window after the other: parts of a table, each in memory while its turn lasts.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "train/executor.h"
#include "train/schedule.h"

namespace fastmlp {

struct TrainOptions {
  StepOptions step;
  AugmentationOptions augmentation;
  ScheduleOptions schedule;
  Index max_iter = 200;
  Index batch_size = 200;
  bool shuffle = true;
  double tol = 1e-4;
  Index n_iter_no_change = 10;   // the largest Index: no limit
  double patience_growth = 0;    // further epochs without progress for each epoch up to the best one
  bool early_stopping = false;   // watch the validation loss and keep the best weights; else watch the training loss
  double average_epochs = 0;     // with early_stopping: validate and keep the mean weights of this many epochs; 0: none
  bool reports_outputs = false;  // passes the outputs on evaluated rows to on_epoch
  bool anneals = false;          // dropout and weight decay follow flat_cos()
  double time_limit = std::numeric_limits<double>::infinity();  // in seconds; the schedule ends with it
  int n_threads = 1;
  std::uint64_t seed = 0;      // of the order of rows
  double samples_seen = 0;     // before this call, for 'invscaling'
  double steps_per_epoch = 1;  // what schedule and averaging count with

  /** For epochs that are one window of n_rows rows. */
  TrainOptions for_rows(Index n_rows) const;
};

/** What is reported to the caller after every epoch. */
struct EpochRecord {
  Index epoch;            // from 1
  double loss;            // mean of the minibatches' losses, penalty included
  double learning_rate;   // of the epoch's last step
  double seconds;         // since the start
  Evaluation validation;  // a loss of NaN without validation rows; no outputs without TrainOptions::reports_outputs
  std::span<const Evaluation> others;
};

/** What the caller returns. */
struct EpochAnswer {
  bool stops = false;
  std::optional<double> watched;  // instead of the loss; smaller is better
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
  /** `validation` may have no rows. `others` are evaluated for on_epoch alone. */
  Trainer(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs, Dataset<T> validation,
          const TrainOptions& options, std::vector<Dataset<T>> others = {});

  /** Called after every epoch, on the thread that trains. */
  std::function<EpochAnswer(const EpochRecord&)> on_epoch;
  /** Called on that thread every 50 ms or so; true ends training with the weights of the last finished epoch. */
  std::function<bool()> interrupted;
  /** What LossKind::own stands for; called on the thread that trains. */
  OwnLoss<T> own_loss;
  /** Threads to take now, at most TrainOptions::n_threads; asked at least every 70 ms or so. Without it all of them. */
  std::function<int()> threads;
  /** Called by run() between two epochs, where visit_state() may be called; false ends training. */
  std::function<bool()> between_epochs;

  /** Trains on a table in memory: every epoch is one window with all of its rows. */
  TrainResult run(Dataset<T> table);

  /** Goes once through the rows of a window, which may have none. False when no other window of this epoch is to
   * follow: training was interrupted or has ended, or there is no time left. */
  bool run_window(Dataset<T> window);
  /** Evaluates and judges the windows since the last call. False when training has ended. */
  bool end_epoch();
  /** Leaves the network with the weights to keep. */
  TrainResult finish();

  /** Calls visit(name, value) with everything that training continues from, to save it and to restore it: single
   * numbers, vectors and Buffers, which keep their sizes. Between two windows, unless training was interrupted. */
  template <class Visit>
  void visit_state(Visit&& visit);
  /** Ends training with the weights of the last finished epoch, where nothing is under way that could be interrupted.
   */
  void interrupt() {
    if (!ended_) end(StopReason::interrupted);
  }
  bool was_interrupted() const { return result_.reason == StopReason::interrupted; }

 private:
  using Clock = std::chrono::steady_clock;

  /** Of the epoch under way. */
  struct Epoch {
    Index steps = 0, rows = 0;
    WeightedMean loss;
    double learning_rate = 0;  // of the last step
  };

  /** Calls `piece` until it returns false, on a team that run_steps() and evaluate() need. */
  void with_team(const std::function<bool()>& piece);
  void take(Dataset<T> window);
  /** Goes to the window's first row. */
  void begin_window();
  /** Trains on the window for about 50 ms. False at its end, and when there is nothing left to train on. */
  bool advance();
  /** Ends the epoch; false when training has ended. */
  bool judge();
  /** Curves, callback, best weights and stopping rules; true when this was the last epoch. */
  bool record_epoch(const std::vector<Evaluation>& evaluations);
  /** Returns false. */
  bool end(StopReason reason);
  /** How many steps of the window to take before threads and time are looked at again. */
  Index next_steps() const;
  /** The rates of the next steps, and how much of dropout and weight decay there is. */
  void plan_steps(Index count);
  void shuffle_rows();
  /** Keeps the state that an interruption goes back to. */
  void keep_epoch();
  void restore_epoch();
  /** Compresses the schedule to the time that is left; true when none is but that for the evaluation. */
  bool time_is_up();
  /** What the next evaluation is expected to take. */
  double evaluation_seconds() const;
  bool has_validation() const { return has_validation_; }
  /** Steps of this fit so far. */
  std::uint64_t steps() const { return network_.steps - first_step_; }
  double seconds() const { return seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count(); }

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  const TrainOptions options_;
  const bool has_validation_;
  const Index n_evaluated_;  // rows
  const double most_steps_;
  LearningRate learning_rate_;
  Executor<T> executor_;
  StepsPlan plan_;
  // The window
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint32_t> order_;  // the same, where they are shuffled
  Index window_steps_ = 0, done_ = 0;
  // What training continues from
  Clock::time_point start_ = Clock::now();
  double seconds_before_ = 0;  // until then
  TrainResult result_;
  Epoch epoch_;
  Buffer<T> last_epoch_, best_;
  std::uint64_t first_step_;                          // of the network's life, at the start
  std::uint64_t last_network_steps_;                  // the same, at the end of the last epoch
  double rows_seen_ = 0;                              // in finished epochs
  double step_seconds_ = 0, evaluation_seconds_ = 0;  // of the last ones
  double best_loss_ = std::numeric_limits<double>::infinity();
  Index without_progress_ = 0, best_epoch_ = 0;
  bool out_of_time_ = false, ended_ = false;
};

template <class T>
template <class Visit>
void Trainer<T>::visit_state(Visit&& visit) {
  visit("parameters", network_.values());
  visit("network_steps", network_.steps);
  optimizer_.visit_state(visit);
  executor_.visit_state(visit);
  learning_rate_.visit_state(visit);
  visit("best_parameters", best_);
  visit("last_epoch_parameters", last_epoch_);
  visit("last_epoch_network_steps", last_network_steps_);
  visit("first_step", first_step_);

  double spent = seconds();
  visit("seconds", spent);
  start_ = Clock::now();
  seconds_before_ = spent;
  visit("step_seconds", step_seconds_);
  visit("evaluation_seconds", evaluation_seconds_);

  visit("epoch_steps", epoch_.steps);
  visit("epoch_rows", epoch_.rows);
  visit("epoch_loss", epoch_.loss.sum);
  visit("epoch_weight", epoch_.loss.weight);
  visit("epoch_learning_rate", epoch_.learning_rate);

  visit("loss_curve", result_.loss_curve);
  visit("validation_curve", result_.validation_curve);
  visit("learning_rates", result_.learning_rates);
  visit("watched_curve", result_.watched_curve);
  visit("n_iter", result_.n_iter);
  visit("n_steps", result_.n_steps);
  visit("kept_epoch", result_.best_epoch);
  visit("reason", result_.reason);
  visit("rows_seen", rows_seen_);
  visit("best_loss", best_loss_);
  visit("best_epoch", best_epoch_);
  visit("without_progress", without_progress_);
  visit("out_of_time", out_of_time_);
  visit("ended", ended_);
}

}  // namespace fastmlp
