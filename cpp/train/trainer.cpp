#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/denormals.h"

namespace fastmlp {
namespace {

template <class T>
bool all_finite(const Buffer<T>& values) {
  return std::all_of(values.data(), values.data() + values.size(), [](T value) { return std::isfinite(value); });
}

double seconds_since(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - time).count();
}

void check_batch_size(Index batch_size) {
  if (batch_size < 1) invalid("batch_size", "must be at least 1; got " + std::to_string(batch_size));
}

const TrainOptions& checked(const TrainOptions& options) {
  check_batch_size(options.batch_size);
  if (!(options.average_epochs >= 0)) invalid("average_epochs", "must be a number >= 0");
  if (!(options.steps_per_epoch > 0 && std::isfinite(options.steps_per_epoch)))
    invalid("steps_per_epoch", "must be a positive number");
  if (options.max_iter < 1) invalid("max_iter", "must be at least 1; got " + std::to_string(options.max_iter));
  return options;
}

ExecutorOptions executor_options(const TrainOptions& options, bool has_validation) {
  ExecutorOptions to;
  to.step = options.step;
  to.augmentation = options.augmentation;
  to.batch_size = options.batch_size;
  if (options.early_stopping && has_validation && options.average_epochs > 0)
    to.average_steps = std::max(1.0, options.average_epochs * options.steps_per_epoch);
  to.keeps_outputs = options.reports_outputs;
  to.n_threads = options.n_threads;
  return to;
}

template <class T>
Index rows_of(const Dataset<T>& validation, const std::vector<Dataset<T>>& others) {
  Index n_rows = validation.n_rows();
  for (const Dataset<T>& data : others) n_rows += data.n_rows();
  return n_rows;
}

/** The sets to evaluate: the validation rows, if there are any, and the others. */
template <class T>
std::vector<Dataset<T>> all_of(Dataset<T> validation, std::vector<Dataset<T>> others) {
  if (validation.n_rows() > 0) others.insert(others.begin(), std::move(validation));
  return others;
}

}  // namespace

TrainOptions TrainOptions::for_rows(Index n_rows) const {
  if (n_rows < 1) invalid("X", "must have at least one row");
  check_batch_size(batch_size);
  TrainOptions options = *this;
  options.batch_size = std::min(batch_size, n_rows);
  options.steps_per_epoch = static_cast<double>(ceil_div(n_rows, options.batch_size));
  return options;
}

template <class T>
Trainer<T>::Trainer(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs, Dataset<T> validation,
                    const TrainOptions& options, std::vector<Dataset<T>> others)
    : network_(network),
      optimizer_(optimizer),
      options_(checked(options)),
      has_validation_(validation.n_rows() > 0),
      n_evaluated_(rows_of(validation, others)),
      most_steps_(options.steps_per_epoch * static_cast<double>(options.max_iter)),
      learning_rate_(options.schedule, most_steps_),
      executor_(network, optimizer, inputs, all_of(std::move(validation), std::move(others)),
                executor_options(options, has_validation())),
      last_epoch_(network.values().size()),
      first_step_(network.steps) {
  if (options.early_stopping && has_validation()) best_ = Buffer<T>(network.values().size());
  keep_epoch();
}

template <class T>
TrainResult Trainer<T>::run(Dataset<T> table) {
  take(std::move(table));
  // Threads stay together from one epoch to the next.
  if (!ended_)
    with_team([this] {
      if (advance()) return true;
      if (!judge()) return false;
      begin_window();
      return true;
    });
  return finish();
}

template <class T>
bool Trainer<T>::run_window(Dataset<T> window) {
  if (!ended_ && window.n_rows() > 0) {
    take(std::move(window));
    with_team([this] { return advance(); });
  }
  return !ended_ && !out_of_time_;
}

template <class T>
bool Trainer<T>::end_epoch() {
  if (ended_) return false;
  if (epoch_.steps == 0) invalid("an epoch", "must have at least one row");
  with_team([this] {
    judge();
    return false;
  });
  return !ended_;
}

template <class T>
TrainResult Trainer<T>::finish() {
  if (was_interrupted()) restore_epoch();
  if (result_.best_epoch > 0 && best_.size() > 0) executor_.write_parameters(best_);  // a state may claim an epoch
  executor_.store();
  if (!all_finite(network_.values())) result_.reason = StopReason::diverged;
  return result_;
}

template <class T>
void Trainer<T>::with_team(const std::function<bool()>& piece) {
  executor_.load();
  executor_.interrupted = interrupted;
  executor_.own_loss = own_loss;
  executor_.threads = threads;
  try {
    executor_.repeat(piece);
  } catch (...) {
    end(StopReason::interrupted);
    restore_epoch();
    executor_.store();
    throw;
  }
}

template <class T>
void Trainer<T>::keep_epoch() {
  executor_.read_parameters(last_epoch_);
  last_network_steps_ = network_.steps;
}

template <class T>
void Trainer<T>::restore_epoch() {
  executor_.write_parameters(last_epoch_);
  network_.steps = last_network_steps_;  // the optimiser's stay: its moments have seen them
}

template <class T>
void Trainer<T>::take(Dataset<T> window) {
  executor_.use(window);
  rows_ = std::move(window.rows);
  window_steps_ = ceil_div(static_cast<Index>(rows_.size()), options_.batch_size);
  order_.resize(options_.shuffle ? rows_.size() : 0);
  begin_window();
}

template <class T>
void Trainer<T>::begin_window() {
  done_ = 0;
  if (options_.shuffle) shuffle_rows();
}

template <class T>
bool Trainer<T>::end(StopReason reason) {
  result_.reason = reason;
  ended_ = true;
  return false;
}

template <class T>
bool Trainer<T>::advance() {
  const Index count = next_steps();
  plan_steps(count);
  const Clock::time_point start = Clock::now();
  const std::optional<WeightedMean> loss = executor_.run_steps(plan_);
  if (!loss) return end(StopReason::interrupted);
  step_seconds_ = seconds_since(start) / static_cast<double>(count);
  done_ += count;
  epoch_.steps += count;
  epoch_.rows += plan_.n_rows;
  epoch_.loss = *loss;
  epoch_.learning_rate = plan_.steps.back().learning_rate;
  network_.steps += plan_.steps.size();
  optimizer_.steps += plan_.steps.size();
  out_of_time_ = time_is_up();
  return !out_of_time_ && done_ < window_steps_;
}

template <class T>
bool Trainer<T>::judge() {
  if (ended_) return false;
  const Clock::time_point start = Clock::now();
  std::vector<Evaluation> evaluations;
  if (n_evaluated_ > 0) {
    std::optional<std::vector<Evaluation>> evaluated = executor_.evaluate();
    if (!evaluated) return end(StopReason::interrupted);
    evaluations = std::move(*evaluated);
  }
  const bool whole = !out_of_time_ || static_cast<double>(epoch_.steps) >= options_.steps_per_epoch;
  const bool last = record_epoch(evaluations);
  evaluation_seconds_ = seconds_since(start);  // the caller's metric included
  rows_seen_ += static_cast<double>(epoch_.rows);
  epoch_ = {};
  if (last || (whole && result_.n_iter >= options_.max_iter)) return end(result_.reason);
  if (out_of_time_ || time_is_up()) return end(StopReason::time_limit);
  if (between_epochs) {
    const DenormalMode keep(false);  // the caller's own arithmetic is not ours to flush
    if (!between_epochs()) return end(StopReason::callback);
  }
  return true;
}

template <class T>
Index Trainer<T>::next_steps() const {
  constexpr double kSeconds = 0.05;
  constexpr Index kFirst = 16;
  const Index left = window_steps_ - done_;
  // How long a step takes is not known yet.
  if (step_seconds_ == 0) return std::isfinite(options_.time_limit) ? 1 : std::min(left, kFirst);
  const double most = std::max(1.0, std::min(kSeconds / step_seconds_, static_cast<double>(left)));
  return ceil_div(left, ceil_div(left, static_cast<Index>(most)));  // parts of equal length
}

template <class T>
void Trainer<T>::plan_steps(Index count) {
  const Index first = done_ * options_.batch_size, n_rows = static_cast<Index>(rows_.size());
  plan_.order = (options_.shuffle ? order_.data() : rows_.data()) + first;
  plan_.n_rows = std::min(count * options_.batch_size, n_rows - first);
  plan_.steps.resize(static_cast<std::size_t>(count));
  plan_.network_steps = network_.steps;
  plan_.optimizer_steps = optimizer_.steps;
  plan_.loss = epoch_.loss;
  const double samples = options_.samples_seen + rows_seen_;
  std::uint64_t step = steps();
  for (StepSettings& settings : plan_.steps) {
    settings.learning_rate = learning_rate_.at(step, samples);
    settings.share = options_.anneals ? flat_cos(learning_rate_.progress(step)) : 1;
    ++step;
  }
}

// Fisher and Yates, from the given order every time: the order depends on (seed, epoch) alone.
template <class T>
void Trainer<T>::shuffle_rows() {
  std::copy(rows_.begin(), rows_.end(), order_.begin());
  RandomSequence random(random_key(options_.seed, Stream::shuffling, network_.steps));
  for (std::size_t i = order_.size(); i > 1; --i)
    std::swap(order_[i - 1], order_[random.below(static_cast<std::uint32_t>(i))]);
}

template <class T>
bool Trainer<T>::record_epoch(const std::vector<Evaluation>& evaluations) {
  const Index epoch = ++result_.n_iter;
  const double loss = epoch_.loss.value(), rate = epoch_.learning_rate;
  const Evaluation validation =
      has_validation() ? evaluations.front() : Evaluation{std::numeric_limits<double>::quiet_NaN(), {}};
  const double validation_loss = validation.loss;
  result_.n_steps += epoch_.steps;
  if (has_validation()) result_.validation_curve.push_back(validation_loss);
  result_.loss_curve.push_back(loss);
  result_.learning_rates.push_back(rate);
  EpochAnswer answer;
  if (on_epoch) {
    const DenormalMode keep(false);  // the caller's own arithmetic is not ours to flush
    const std::span others(evaluations);
    answer = on_epoch({epoch, loss, rate, seconds(), validation, others.subspan(has_validation() ? 1 : 0)});
  }
  if (answer.watched) result_.watched_curve.push_back(*answer.watched);
  const bool watches_validation = options_.early_stopping && has_validation();
  const double watched = watches_validation ? answer.watched.value_or(validation_loss) : loss;

  bool done = false;
  if (!std::isfinite(loss) || (has_validation() && !std::isfinite(validation_loss))) {
    result_.reason = StopReason::diverged;
    done = true;
  } else {
    without_progress_ = watched < best_loss_ - options_.tol ? 0 : without_progress_ + 1;  // NaN is no progress
    if (watched <= best_loss_) {  // of equals the latest: it has been trained for longer
      if (watched < best_loss_) best_epoch_ = epoch;
      best_loss_ = watched;
      if (watches_validation) {
        executor_.read_evaluated(best_);
        result_.best_epoch = epoch;
      }
    }
    const double patience =
        static_cast<double>(options_.n_iter_no_change) + options_.patience_growth * static_cast<double>(best_epoch_);
    if (static_cast<double>(without_progress_) > patience) {
      if (learning_rate_.lower()) {
        without_progress_ = 0;
      } else {
        result_.reason = StopReason::no_improvement;
        done = true;
      }
    }
  }
  if (answer.stops && !done) {
    result_.reason = StopReason::callback;
    done = true;
  }
  keep_epoch();
  return done;
}

template <class T>
bool Trainer<T>::time_is_up() {
  if (!std::isfinite(options_.time_limit)) return false;
  const double spent = seconds(), left = options_.time_limit - evaluation_seconds();
  const double done = static_cast<double>(steps());
  // At the pace so far. Never later than first laid out, nor earlier than now.
  learning_rate_.set_total(std::max(done, std::min(done * left / spent, most_steps_)));
  return spent >= left;
}

template <class T>
double Trainer<T>::evaluation_seconds() const {
  if (evaluation_seconds_ > 0) return evaluation_seconds_;
  constexpr double kOfTraining = 1.0 / 3;  // per row: there is no backward pass
  return kOfTraining * step_seconds_ * static_cast<double>(n_evaluated_) / static_cast<double>(options_.batch_size);
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace fastmlp
