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

TrainOptions checked(TrainOptions options, Index n_rows) {
  if (n_rows < 1) invalid("X", "must have at least one row");
  if (options.batch_size < 1) invalid("batch_size", "must be at least 1; got " + std::to_string(options.batch_size));
  if (!(options.average_epochs >= 0)) invalid("average_epochs", "must be a number >= 0");
  if (options.max_iter < 1) invalid("max_iter", "must be at least 1; got " + std::to_string(options.max_iter));
  options.batch_size = std::min(options.batch_size, n_rows);
  return options;
}

ExecutorOptions executor_options(const TrainOptions& options, bool has_validation, double steps_per_epoch) {
  ExecutorOptions to;
  to.step = options.step;
  to.batch_size = options.batch_size;
  if (options.early_stopping && has_validation && options.average_epochs > 0)
    to.average_steps = std::max(1.0, options.average_epochs * steps_per_epoch);
  to.keeps_outputs = options.reports_outputs;
  to.n_threads = options.n_threads;
  return to;
}

}  // namespace

template <class T>
Trainer<T>::Trainer(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs, Dataset<T> train,
                    Dataset<T> validation, const TrainOptions& options)
    : network_(network),
      optimizer_(optimizer),
      options_(checked(options, train.n_rows())),
      rows_(std::move(train.rows)),
      n_validation_(validation.n_rows()),
      steps_per_epoch_(ceil_div(static_cast<Index>(rows_.size()), options_.batch_size)),
      most_steps_(static_cast<double>(steps_per_epoch_) * static_cast<double>(options.max_iter)),
      learning_rate_(options.schedule, most_steps_),
      executor_(network, optimizer, inputs, train, std::move(validation),
                executor_options(options_, has_validation(), static_cast<double>(steps_per_epoch_))),
      order_(options.shuffle ? rows_ : std::vector<std::uint32_t>{}) {
  if (options.early_stopping && has_validation()) best_ = Buffer<T>(executor_.n_parameters());
}

template <class T>
TrainResult Trainer<T>::run() {
  start_ = std::chrono::steady_clock::now();
  first_step_ = network_.steps;
  executor_.load();
  executor_.interrupted = interrupted;
  executor_.threads = threads;
  last_epoch_ = Buffer<T>(executor_.n_parameters());
  keep_epoch();
  try {
    executor_.repeat([this] { return advance(); });
  } catch (...) {
    restore_epoch();
    executor_.store();
    throw;
  }
  if (result_.reason == StopReason::interrupted) restore_epoch();
  if (result_.best_epoch > 0) executor_.write_parameters(best_);
  executor_.store();
  if (!all_finite(network_.values())) result_.reason = StopReason::diverged;
  return std::move(result_);
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
bool Trainer<T>::advance() {
  if (done_ == 0 && options_.shuffle) shuffle_rows();
  const Index count = next_steps();
  plan_steps(count);
  const Clock::time_point start = Clock::now();
  const std::optional<WeightedMean> loss = executor_.run_steps(plan_);
  if (!loss) {
    result_.reason = StopReason::interrupted;
    return false;
  }
  step_seconds_ = seconds_since(start) / static_cast<double>(count);
  loss_ = *loss;
  done_ += count;
  network_.steps += plan_.steps.size();
  optimizer_.steps += plan_.steps.size();
  const bool out_of_time = time_is_up();
  if (done_ < steps_per_epoch_ && !out_of_time) return true;

  const Clock::time_point evaluation = Clock::now();
  double validation_loss = std::numeric_limits<double>::quiet_NaN();
  if (has_validation()) {
    const std::optional<double> evaluated = executor_.evaluate();
    if (!evaluated) {
      result_.reason = StopReason::interrupted;
      return false;
    }
    validation_loss = *evaluated;
  }
  const bool whole = done_ == steps_per_epoch_;
  const bool last = end_epoch(loss_.value(), validation_loss, plan_.steps.back().learning_rate);
  evaluation_seconds_ = seconds_since(evaluation);  // the caller's metric included
  done_ = 0;
  loss_ = {};
  if (last || (whole && result_.n_iter == options_.max_iter)) return false;
  if (!out_of_time && !time_is_up()) return true;
  result_.reason = StopReason::time_limit;
  return false;
}

template <class T>
Index Trainer<T>::next_steps() const {
  constexpr double kSeconds = 0.05;
  constexpr Index kFirst = 16;
  const Index left = steps_per_epoch_ - done_;
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
  plan_.loss = loss_;
  const double samples = options_.samples_seen + static_cast<double>(result_.n_iter) * static_cast<double>(n_rows);
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
bool Trainer<T>::end_epoch(double loss, double validation_loss, double rate) {
  const Index epoch = ++result_.n_iter;
  result_.n_steps += done_;
  if (has_validation()) result_.validation_curve.push_back(validation_loss);
  result_.loss_curve.push_back(loss);
  result_.learning_rates.push_back(rate);
  EpochAnswer answer;
  if (on_epoch) {
    const DenormalMode keep(false);  // the caller's own arithmetic is not ours to flush
    answer = on_epoch({epoch, loss, validation_loss, rate, seconds_since(start_), executor_.outputs()});
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
  const double seconds = seconds_since(start_), left = options_.time_limit - evaluation_seconds();
  const double done = static_cast<double>(steps());
  // At the pace so far. Never later than first laid out, nor earlier than now.
  learning_rate_.set_total(std::clamp(done * left / seconds, done, most_steps_));
  return seconds >= left;
}

template <class T>
double Trainer<T>::evaluation_seconds() const {
  if (evaluation_seconds_ > 0) return evaluation_seconds_;
  constexpr double kOfTraining = 1.0 / 3;  // per row: there is no backward pass
  return kOfTraining * step_seconds_ * static_cast<double>(n_validation_) / static_cast<double>(options_.batch_size);
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace fastmlp
