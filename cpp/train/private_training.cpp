#include "train/private_training.h"

#include <algorithm>
#include <cmath>

#include "core/checks.h"

namespace fastmlp {
namespace {

constexpr double kWords = 0x1p32;  // as many values as 32 random bits have

const PrivateTrainingOptions& checked(const PrivateTrainingOptions& options) {
  const double rate = options.sampling_rate;
  check_number(rate > 0 && rate <= 1, "sampling_rate", "in (0, 1]", rate);
  check_positive("max_row_norm", options.max_row_norm);
  check_not_negative("noise_multiplier", options.noise_multiplier);
  check_not_negative("average_steps", options.average_steps);
  if (options.n_steps < 1) invalid("n_steps", "must be at least 1; got " + std::to_string(options.n_steps));
  if (options.step.max_grad_norm != 0) invalid("max_grad_norm", "must be 0: each row's gradient is scaled down");
  if (options.schedule.kind == Schedule::adaptive)
    invalid("learning_rate", "must not be 'adaptive', which looks at the loss");
  return options;
}

/** The most rows that a minibatch will have, except perhaps once in a lifetime; more take longer, no more. */
Index usual_rows(Index n_rows, double rate) {
  if (n_rows < 1) invalid("rows", "must hold at least one row number");
  const double mean = rate * static_cast<double>(n_rows);
  return std::clamp(static_cast<Index>(mean + 5 * std::sqrt(mean)), Index{1}, n_rows);
}

}  // namespace

template <class T>
PrivateTraining<T>::PrivateTraining(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs,
                                    Dataset<T> table, const PrivateTrainingOptions& options)
    : network_(network),
      optimizer_(optimizer),
      table_rows_(std::move(table.rows)),
      options_(checked(options)),
      privacy_{options.max_row_norm, options.noise_multiplier,
               options.sampling_rate * static_cast<double>(table_rows_.size()), options.key},
      schedule_(options.schedule, static_cast<double>(options.n_steps)),
      most_rows_(usual_rows(static_cast<Index>(table_rows_.size()), options.sampling_rate)),
      n_threads_(Step<T>::team_size(network.stack(), most_rows_, options.n_threads)),
      step_(network, inputs, table, options.step, most_rows_, n_threads_) {
  step_.privacy = &privacy_;
  if (options.average_steps > 0) step_.average = &average_.emplace(network, options.average_steps);
}

template <class T>
bool PrivateTraining<T>::run(Index n_steps) {
  draw(n_steps);
  step_.interrupted = interrupted;
  step_.resume();
  network_.prepare();
  network_.team.set_full(n_threads_);
  const auto work = [&](Member& member) {
    for (Index i = 0; i < n_steps; ++i) {
      const std::size_t first = i > 0 ? ends_[static_cast<std::size_t>(i) - 1] : 0;
      const auto count = static_cast<Index>(ends_[static_cast<std::size_t>(i)] - first);
      typename Step<T>::Minibatch batch{drawn_.data() + first, count};
      // A row takes the place of none, and counts for nothing.
      if (count == 0) batch = {table_rows_.data(), 1, 1, false};
      const auto k = static_cast<std::uint64_t>(i);
      const double rate = schedule_.at(steps_ + k, 0);
      if (!step_.run(member, batch, network_.steps + k, &optimizer_, optimizer_.rate(rate, optimizer_.steps + k + 1)))
        return;
    }
  };
  network_.team.went(run_team(network_.team.next(), work));
  if (step_.stopping()) return false;
  const auto taken = static_cast<std::uint64_t>(n_steps);
  steps_ += taken;
  network_.steps += taken;
  optimizer_.steps += taken;
  last_rate_ = schedule_.at(steps_ - 1, 0);
  return true;
}

template <class T>
void PrivateTraining<T>::finish() {
  if (average_) network_.values().assign(average_->values());
  network_.prepare();
}

// A row is in a minibatch if its 32 random bits are below a threshold that is rounded down, so that the probability is
// at most the one that epsilon was computed for.
template <class T>
void PrivateTraining<T>::draw(Index n_steps) {
  constexpr std::size_t kAtOnce = kChaChaWords * kChaChaLanes;
  const auto threshold = static_cast<std::uint64_t>(options_.sampling_rate * kWords);
  drawn_.clear();
  ends_.clear();
  for (Index i = 0; i < n_steps; ++i) {
    const std::uint64_t stream = PrivateGradients::sampling_stream(network_.steps + static_cast<std::uint64_t>(i));
    for (std::size_t row = 0; row < table_rows_.size(); row += kAtOnce) {
      const ChaChaBlocks random = chacha20(options_.key, stream, row / kChaChaWords);
      const std::uint32_t* bits = &random.words[0][0];
      const std::size_t count = std::min(kAtOnce, table_rows_.size() - row);
      for (std::size_t k = 0; k < count; ++k)
        if (bits[k] < threshold) drawn_.push_back(table_rows_[row + k]);
    }
    ends_.push_back(drawn_.size());
  }
}

template class PrivateTraining<float>;
template class PrivateTraining<double>;

}  // namespace fastmlp
