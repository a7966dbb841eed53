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

Index checked_batch_size(const TrainOptions& options, Index n_rows) {
  if (n_rows < 1) invalid("X", "must have at least one row");
  if (options.batch_size < 1) invalid("batch_size", "must be at least 1; got " + std::to_string(options.batch_size));
  if (!(options.average_epochs >= 0)) invalid("average_epochs", "must be a number >= 0");
  if (options.max_iter < 1) invalid("max_iter", "must be at least 1; got " + std::to_string(options.max_iter));
  return std::min(options.batch_size, n_rows);
}

}  // namespace

template <class T>
Trainer<T>::Trainer(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs, Dataset<T> train,
                    Dataset<T> validation, const TrainOptions& options)
    : network_(network),
      optimizer_(optimizer),
      inputs_(inputs),
      train_(std::move(train)),
      validation_(std::move(validation)),
      options_(options),
      validation_loss_(options.step.loss),
      batch_size_(checked_batch_size(options, train_.n_rows())),
      team_(Step<T>::team_size(network.stack(), batch_size_, options.n_threads)),
      order_(options.shuffle ? train_.rows : std::vector<std::uint32_t>{}),
      step_(network, inputs, train_, options.step, batch_size_, team_.next()),
      steps_per_epoch_(static_cast<double>(ceil_div(train_.n_rows(), batch_size_))),
      most_steps_(steps_per_epoch_ * static_cast<double>(options.max_iter)),
      learning_rate_(options.schedule, most_steps_),
      validation_losses_(validation_.rows.size()) {
  validation_loss_.label_smoothing = 0;  // which is for training alone
  if (has_validation()) {
    constexpr Index kMostBytes = Index{1} << 24;  // of all threads' blocks
    const Index most = kMostBytes / (team_.next() * Workspace<T>::bytes_per_row(network.stack(), false));
    validation_rows_ = std::min({step_.block_rows(), validation_.n_rows(), std::max<Index>(1, most)});
    for (int i = 0; i < team_.next(); ++i)
      validation_workspaces_.emplace_back(network.stack(), validation_rows_, false);
  }
  if (options.early_stopping && has_validation()) {
    best_ = network.values().clone();
    if (options.average_epochs > 0)
      step_.average = &average_.emplace(network, std::max(1.0, options.average_epochs * steps_per_epoch_));
  }
  if (options.reports_outputs)
    validation_outputs_ = Buffer<double>(checked_product(validation_.n_rows(), network.stack().outputs(), "outputs"));
}

template <class T>
TrainResult Trainer<T>::run() {
  start_ = std::chrono::steady_clock::now();
  network_.prepare();
  first_step_ = network_.steps;
  first_optimizer_step_ = optimizer_.steps;
  if (interrupted) {
    step_.interrupted = interrupted;
    last_epoch_ = network_.values().clone();
  }
  while (!finished_ && !step_.stopping()) {
    const Index before = result_.n_iter;
    const TeamReport report = run_team(team_.next(), [this](Member& member) { work(member); });
    team_.went(report, static_cast<int>(std::max<Index>(1, result_.n_iter - before)));
  }
  if (step_.stopping()) result_.reason = StopReason::interrupted;
  if (result_.reason == StopReason::interrupted) network_.values().assign(last_epoch_);
  if (result_.best_epoch > 0) network_.values().assign(best_);
  if (!all_finite(network_.values())) result_.reason = StopReason::diverged;
  network_.prepare();
  return std::move(result_);
}

template <class T>
void Trainer<T>::work(Member& member) {
  constexpr std::chrono::milliseconds kTogether{20};
  const auto start = std::chrono::steady_clock::now();
  const Index n = train_.n_rows();
  const std::uint32_t* order = options_.shuffle ? order_.data() : train_.rows.data();
  for (;;) {
    if (member.leads() && options_.shuffle) shuffle_rows();
    member.barrier();
    const double samples = options_.samples_seen + static_cast<double>(result_.n_iter) * static_cast<double>(n);
    std::uint64_t step = network_.steps - first_step_;
    double loss = 0, weight = 0, rate = 0;
    for (Index first = 0; first < n; first += batch_size_, ++step) {
      const double share = options_.anneals ? flat_cos(learning_rate_.progress(step)) : 1;
      const typename Step<T>::Minibatch batch{order + first, std::min(batch_size_, n - first), share};
      rate = learning_rate_.at(step, samples);
      auto step_rate = optimizer_.rate(rate, first_optimizer_step_ + step + 1);
      step_rate.decay_share = share;
      if (!step_.run(member, batch, first_step_ + step, &optimizer_, step_rate)) return;
      if (member.leads()) {
        loss += step_.loss() * step_.weight();
        weight += step_.weight();
      }
    }
    if (has_validation() && !evaluate_validation(member)) return;
    bool leaves = false;
    if (member.leads()) {
      network_.steps = first_step_ + step;
      optimizer_.steps = first_optimizer_step_ + step;
      finished_ =
          end_epoch(weight > 0 ? loss / weight : 0.0, rate) || result_.n_iter == options_.max_iter || time_is_up(step);
      leaves = finished_ || std::chrono::steady_clock::now() - start > kTogether;
    }
    if (member.barrier(leaves)) return;
  }
}

template <class T>
bool Trainer<T>::evaluate_validation(Member& member) {
  if (average_) {
    if (member.leads()) average_->prepare();
    member.barrier();
  }
  const StackWeights<T> weights = average_ ? average_->weights() : network_.weights();
  Workspace<T>& workspace = validation_workspaces_[static_cast<std::size_t>(member.rank())];
  const Member::Range mine = member.share(validation_.n_rows(), kRowGrain);
  for (Index row = mine.first; row < mine.last; row += validation_rows_) {
    const Index rows = std::min(validation_rows_, mine.last - row);
    if (step_.poll(member, rows * network_.stack().work_per_row())) break;
    const std::uint32_t* picked = validation_.rows.data() + row;
    forward_rows(network_.stack(), weights, {&validation_.x, &inputs_}, {picked, 0, rows, mine.last - row - rows},
                 workspace, 0, Pass{});
    evaluate_loss<T>(validation_loss_, workspace.output().slice(0, rows), validation_.y, validation_.weights, picked,
                     1.0, validation_losses_.data() + row, Matrix<T>{});
    if (validation_outputs_.size() == 0) continue;
    const Index outputs = network_.stack().outputs();
    for (Index i = 0; i < rows; ++i)
      std::copy_n(workspace.output().row(i), outputs, validation_outputs_.data() + (row + i) * outputs);
  }
  return !member.barrier(step_.stopping());
}

// Fisher and Yates, from the given order every time: the order depends on (seed, epoch) alone.
template <class T>
void Trainer<T>::shuffle_rows() {
  std::copy(train_.rows.begin(), train_.rows.end(), order_.begin());
  RandomSequence random(random_key(options_.seed, Stream::shuffling, network_.steps));
  for (std::size_t i = order_.size(); i > 1; --i)
    std::swap(order_[i - 1], order_[random.below(static_cast<std::uint32_t>(i))]);
}

template <class T>
bool Trainer<T>::end_epoch(double loss, double rate) {
  const Index epoch = ++result_.n_iter;
  double validation_loss = std::numeric_limits<double>::quiet_NaN();
  if (has_validation()) {
    double weight = static_cast<double>(validation_.n_rows());
    if (validation_.weights) {
      weight = 0;
      for (const std::uint32_t row : validation_.rows) weight += static_cast<double>(validation_.weights[row]);
    }
    validation_loss = ordered_sum(validation_losses_.data(), validation_.n_rows()) / weight;
    result_.validation_curve.push_back(validation_loss);
  }
  result_.loss_curve.push_back(loss);
  result_.learning_rates.push_back(rate);
  EpochAnswer answer;
  if (on_epoch) {
    const DenormalMode keep(false);  // the caller's own arithmetic is not ours to flush
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    Matrix<const double> outputs;
    if (validation_outputs_.size() > 0) {
      const Index cols = network_.stack().outputs();
      outputs = {validation_outputs_.data(), validation_.n_rows(), cols, cols};
    }
    answer = on_epoch({epoch, loss, validation_loss, rate, seconds, outputs});
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
        best_.assign(average_ ? average_->values() : network_.values());
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
  if (last_epoch_.size() > 0) last_epoch_.assign(network_.values());
  return done;
}

template <class T>
bool Trainer<T>::time_is_up(std::uint64_t steps) {
  if (!std::isfinite(options_.time_limit)) return false;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double done = static_cast<double>(steps);
  // At the pace so far. Never later than first laid out, nor earlier than now.
  learning_rate_.set_total(std::clamp(done * options_.time_limit / seconds, done, most_steps_));
  if (seconds < options_.time_limit) return false;
  result_.reason = StopReason::time_limit;
  return true;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace fastmlp
