#include "train/step.h"

#include <algorithm>
#include <cmath>

namespace fastmlp {
namespace {

/** Rows whose activations in all layers take about `bytes`, within bounds. */
template <class T>
Index rows_for(const Stack<T>& stack, Index bytes, Index least, Index most) {
  return std::clamp(bytes / Workspace<T>::bytes_per_row(stack, true), least, most);
}

}  // namespace

double ordered_sum(const double* losses, Index count) {
  double sums[4] = {};
  Index i = 0;
  for (; i + 4 <= count; i += 4)
    for (int k = 0; k < 4; ++k) sums[k] += losses[i + k];
  for (; i < count; ++i) sums[0] += losses[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

template <class T>
Step<T>::Step(Network<T>& network, const Standardisation& inputs, const Dataset<T>& data, const StepOptions& options,
              Index max_rows, int n_threads)
    : network_(network),
      stack_(network.stack()),
      inputs_(inputs),
      data_(data),
      options_(options),
      chunk_rows_(std::min(max_rows, rows_for(stack_, Index{1} << 20, 1024, 16384))),
      block_rows_(rows_for(stack_, Index{1} << 19, 224, 1024)),
      workspace_(stack_, chunk_rows_, true),
      row_losses_(static_cast<std::size_t>(chunk_rows_)),
      penalties_(stack_.tasks().size()),
      norms_(stack_.tasks().size()) {
  for (int i = 0; i < n_threads; ++i) scratch_.emplace_back(stack_.scratch_size());
  double total = 0;
  for (const Task& task : stack_.tasks()) {
    work_.push_back(total);
    total += static_cast<double>(task.weights.rows * task.weights.cols);
  }
  work_.push_back(total);
}

template <class T>
std::pair<std::size_t, std::size_t> Step<T>::tasks_of(const Member& member) const {
  const auto cut = [&](int k) {
    const double at = work_.back() * k / member.size();
    return static_cast<std::size_t>(std::lower_bound(work_.begin(), work_.end() - 1, at) - work_.begin());
  };
  return {cut(member.rank()), cut(member.rank() + 1)};
}

template <class T>
bool Step<T>::poll(Member& member, Index work) {
  constexpr Index kWorkPerLook = 1'000'000;
  constexpr std::chrono::milliseconds kPatience{50};
  if (member.leads() && interrupted && (work_since_clock_ += work) >= kWorkPerLook) {
    work_since_clock_ = 0;
    const auto now = std::chrono::steady_clock::now();
    if (now - asked_ >= kPatience) {
      asked_ = now;
      const DenormalMode keep(false);  // the caller's own arithmetic is not ours to flush
      if (interrupted()) stopping_.store(true, std::memory_order_relaxed);
    }
  }
  return stopping();
}

template <class T>
bool Step<T>::run(Member& member, const Minibatch& batch, std::uint64_t step, Optimizer<T>* optimizer,
                  typename Optimizer<T>::Rate rate) {
  const Index chunks = ceil_div(batch.count, chunk_rows_);
  const Index chunk = ceil_div(batch.count, chunks);
  // Every member sums the weights itself: cheaper than handing the sum over.
  double weight = static_cast<double>(batch.count);
  if (data_.weights) {
    weight = 0;
    for (Index i = 0; i < batch.count; ++i) weight += static_cast<double>(data_.weights[batch.rows[i]]);
  }
  double loss = 0;
  for (Index first = 0; first < batch.count; first += chunk) {
    const Index count = std::min(chunk, batch.count - first);
    const bool last = first + count == batch.count;
    rows_phase(member, batch, first, count, weight, step);
    if (member.barrier(stopping())) return false;
    if (member.leads()) loss += ordered_sum(row_losses_.data(), count);
    weights_phase(member, count, first == 0, last, weight, optimizer, rate);
    if (member.barrier(stopping())) return false;
  }
  if (member.leads()) {
    weight_ = weight;
    double penalty = 0;
    for (const double part : penalties_) penalty += part;
    loss_ = (weight_ > 0 ? loss / weight_ : 0.0) + penalty;
  }
  return true;
}

template <class T>
void Step<T>::rows_phase(Member& member, const Minibatch& batch, Index first, Index count, double weight,
                         std::uint64_t step) {
  const double scale = weight > 0 ? 1 / weight : 0;
  const Member::Range mine = member.share(count, 2);
  for (Index row = mine.first; row < mine.last; row += block_rows_) {
    const Index rows = std::min(block_rows_, mine.last - row);
    if (poll(member, 2 * rows * stack_.work_per_row())) return;
    const std::uint32_t* picked = batch.rows + first + row;
    gather<T>(data_.x, inputs_, picked, 0, workspace_.input().slice(row, rows));
    const Pass pass{true, network_.seed(), step, first};
    stack_.forward(network_.weights(), workspace_, row, rows, pass);
    const Matrix<T> delta = workspace_.output_delta().slice(row, rows);
    if (given_delta.data) {
      for (Index i = 0; i < rows; ++i) std::copy_n(given_delta.row(first + row + i), delta.cols, delta.row(i));
    } else {
      evaluate_loss<T>(options_.loss, workspace_.output().slice(row, rows), data_.y, data_.weights, picked, scale,
                       row_losses_.data() + row, delta);
    }
    stack_.backward(network_.weights(), workspace_, row, rows, pass);
  }
}

template <class T>
void Step<T>::weights_phase(Member& member, Index count, bool first, bool last, double weight, Optimizer<T>* optimizer,
                            typename Optimizer<T>::Rate rate) {
  const auto [begin, end] = tasks_of(member);
  const bool clips = options_.max_grad_norm > 0;
  const bool penalised = options_.l1 > 0 || options_.l2 > 0;
  T* gradients = network_.gradients().data();
  T* scratch = scratch_[static_cast<std::size_t>(member.rank())].data();
  for (std::size_t i = begin; i < end; ++i) {
    const Task& task = stack_.tasks()[i];
    if (poll(member, count * task.weights.rows * task.weights.cols)) break;
    stack_.gradient(task, workspace_, count, gradients, !first, scratch);
    if (!last) continue;
    const Index offset = stack_.first_parameter(task.layer);
    ParameterBlock<T> weights{
        task.weights.in(network_.values().data() + offset), task.weights.in(gradients + offset), {}, {}};
    if (penalised)
      penalties_[i] = weight == 0 ? 0
                                  : add_penalty(weights, static_cast<T>(options_.l1 / weight),
                                                static_cast<T>(options_.l2 / weight));
    if (clips) {
      norms_[i] = squared_norm(weights.gradient);
      if (task.bias.rows > 0) norms_[i] += squared_norm(task.bias.in(gradients + offset));
    } else if (optimizer) {
      optimizer->update(task, optimizer->blocks(task, network_.values().data(), gradients), rate, 1.0);
      network_.prepare(task);
    }
  }
  if (!(clips && last && optimizer)) return;
  // The norm is of the whole gradient, so the update has to wait for all of it.
  if (member.barrier(stopping())) return;
  double squared = 0;
  for (const double part : norms_) squared += part;
  const double scale = std::min(1.0, options_.max_grad_norm / std::max(std::sqrt(squared), 1e-300));
  update_tasks(member, *optimizer, rate, scale);
}

template <class T>
void Step<T>::update_tasks(Member& member, Optimizer<T>& optimizer, typename Optimizer<T>::Rate rate, double scale) {
  const auto [begin, end] = tasks_of(member);
  for (std::size_t i = begin; i < end; ++i) {
    const Task& task = stack_.tasks()[i];
    optimizer.update(task, optimizer.blocks(task, network_.values().data(), network_.gradients().data()), rate, scale);
    network_.prepare(task);
  }
}

template class Step<float>;
template class Step<double>;

}  // namespace fastmlp
