#include "train/step.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/denormals.h"
#include "core/team_size.h"
#include "kernels/normal_noise.h"
#include "kernels/penalty.h"

namespace fastmlp {
namespace {

// Networks up to this size have their gradient taken by each thread over its own rows, in the backward pass:
// to add up whole gradients is cheaper than to read the other cores' activations.
constexpr Index kMostForLeaves = Index{1} << 17;  // parameters
constexpr Index kMostLeaves = 16;
constexpr Index kMostChunkRows = Index{1} << 14;
constexpr Index kMostBlockRows = 1024;

constexpr Index kMegabyte = Index{1} << 20;

/** Rows whose activations in all layers take about `bytes`; from `least` on if they take no more than `limit`. */
template <class T>
Index rows_for(const Stack<T>& stack, Index bytes, Index least, Index most, Index limit) {
  const Index each = Workspace<T>::bytes_per_row(stack, true);
  const Index rows = std::min(std::clamp(bytes / each, least, most), limit / each);
  return rows >= kRowGrain ? rows / kRowGrain * kRowGrain : std::max<Index>(rows, 1);
}

/** Whether each thread takes the gradient of its own rows: of sparse ones it has few entries per weight. */
template <class T>
bool is_small(const Stack<T>& stack) {
  return stack.n_parameters() <= kMostForLeaves && !stack.takes_sparse();
}

/** Rows that go through all layers at once: of a small network so many that the calls cost little,
 * of a larger one what L2 holds; but so many that it is worth while to convert the weights for the matrix unit. */
template <class T>
Index rows_at_once(const Stack<T>& stack) {
  if (is_small(stack)) return rows_for(stack, Index{192} << 10, 64, kMostBlockRows, kMegabyte * 2);
  return rows_for(stack, Index{1} << 19, 256, kMostBlockRows, kMegabyte * 16);
}

/** Rows whose activations are kept until the tasks' owning threads have summed over them. */
template <class T>
Index rows_at_most(const Stack<T>& stack) {
  return rows_for(stack, kMegabyte, 1024, kMostChunkRows,
                  16 * kMegabyte + stack.n_parameters() * static_cast<Index>(sizeof(T)));
}

/** Multiply-adds of a step: forward, backward and gradient are one product each. Sparse rows have so few entries that
 * the update of all weights counts too. */
template <class T>
double work_of(const Stack<T>& stack, Index rows) {
  constexpr double kUpdate = 8;  // as many multiply-adds as the update of a weight takes time for
  const double products = 3.0 * static_cast<double>(rows) * static_cast<double>(stack.work_per_row());
  return stack.takes_sparse() ? products + kUpdate * static_cast<double>(stack.n_parameters()) : products;
}

/** The number of leaves of a chunk: a power of two. The more rows, the more of them a leaf has, or to add up the leaves
 * would take longer than it saves. */
template <class T>
Index leaves_of(const Stack<T>& stack, Index rows) {
  const Index worth = worthwhile_threads(work_of(stack, rows), kMostLeaves);
  Index leaves = 1;
  while (leaves < kMostLeaves && 64 * leaves * leaves <= rows && 2 * leaves <= worth) leaves *= 2;
  return leaves;
}

/** How many threads of a team are workers, which share the leaves: a power of two, so that each has a whole subtree. */
Index workers_of(Index leaves, int team) {
  return std::min(leaves, static_cast<Index>(std::bit_floor(static_cast<unsigned>(team))));
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
Step<T>::Step(Network<T>& network, const Standardisation& inputs, const Samples<T>& data, const StepOptions& options,
              Index max_rows, int n_threads)
    : network_(network),
      stack_(network.stack()),
      inputs_(inputs),
      block_rows_(rows_at_once(stack_)),
      max_rows_(max_rows),
      chunk_rows_(std::min(max_rows, is_small(stack_) ? kMostChunkRows : rows_at_most(stack_))),
      penalties_(stack_.tasks().size()),
      norms_(stack_.tasks().size()) {
  set_data(data, options);
  double total = 0;
  Index largest = 0;
  for (const Task& task : stack_.tasks()) {
    work_.push_back(total);
    total += static_cast<double>(task.weights.rows * task.weights.cols);
    largest = std::max(largest,
                       task.weights.rows * padded<T>(task.weights.cols) + task.bias.rows * padded<T>(task.bias.cols));
  }
  work_.push_back(total);
  for (int i = 0; i < n_threads; ++i) {
    scratch_.emplace_back(largest);
    if (is_small(stack_)) {
      const Index rows = std::min(block_rows_, chunk_rows_), leaves = leaves_of(stack_, chunk_rows_);
      workers_.push_back({Workspace<T>(stack_, rows, true), Buffer<double>(rows), Buffer<double>(leaves),
                          GradientTree<T>(stack_.n_parameters(), leaves)});
    }
  }
  if (by_owning_threads()) {
    workspace_.emplace(stack_, chunk_rows_, true);
    row_losses_ = Buffer<double>(chunk_rows_);
  }
}

template <class T>
void Step<T>::set_data(const Samples<T>& data, const StepOptions& options) {
  const auto quantiles = static_cast<Index>(options.loss.quantiles.size());
  if (quantiles > 1 && quantiles != stack_.outputs())
    invalid("quantile", "must hold one number for each of the " + std::to_string(stack_.outputs()) +
                            " outputs, or one for all; got " + std::to_string(quantiles));
  data_ = data;
  options_ = options;
  std::fill(penalties_.begin(), penalties_.end(), 0.0);
  if (options.loss.kind == LossKind::own && own_delta_.size() == 0) {
    const Index size = checked_product(max_rows_, stack_.outputs(), "outputs");
    own_outputs_ = Buffer<double>(size);
    own_delta_ = Buffer<T>(size);
    given_delta = {own_delta_.data(), max_rows_, stack_.outputs(), stack_.outputs()};
  }
}

template <class T>
int Step<T>::team_size(const Stack<T>& stack, Index max_rows, int limit) {
  const int team = worthwhile_threads(work_of(stack, max_rows), limit);
  if (!is_small(stack)) return team;
  return static_cast<int>(workers_of(leaves_of(stack, std::min(max_rows, kMostChunkRows)), team));
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
  if (member.leads() && interrupted && timer_.due(work)) {
    const DenormalMode keep(false);  // the caller's own arithmetic is not ours to flush
    if (interrupted()) stopping_.store(true, std::memory_order_relaxed);
  }
  member.leave_if_failed();
  return stopping();
}

template <class T>
bool Step<T>::run(Member& member, const Minibatch& batch, std::uint64_t step, Optimizer<T>* optimizer,
                  typename Optimizer<T>::Rate rate) {
  const Index chunks = ceil_div(batch.count, chunk_rows_);
  const Index chunk_rows = ceil_div(batch.count, chunks);
  // Every member sums the weights itself: cheaper than handing the sum over.
  const double weight = privacy ? privacy->expected_rows : data_.weight_of(batch.rows, batch.count);
  const bool own = options_.loss.kind == LossKind::own;
  if (own && !own_loss_phase(member, batch, step, weight)) return false;
  double loss = own && member.leads() ? own_value_ * weight : 0;
  for (Index first = 0; first < batch.count; first += chunk_rows) {
    const Index count = std::min(chunk_rows, batch.count - first);
    const Chunk chunk{batch, first, count, first + count == batch.count, weight, step};
    if (by_owning_threads())
      rows_phase(member, chunk);
    else
      leaves_phase(member, chunk);
    if (member.barrier(stopping())) return false;
    if (member.leads()) loss += loss_of(chunk, member.size());
    weights_phase(member, chunk, optimizer, rate);
    if (member.barrier(stopping())) return false;
  }
  if (member.leads()) {
    weight_ = weight;
    double penalty = 0;
    for (const double part : penalties_) penalty += part;
    loss_ = (weight_ != 0 ? loss / weight_ : 0.0) + penalty;
  }
  return true;
}

template <class T>
bool Step<T>::own_loss_phase(Member& member, const Minibatch& batch, std::uint64_t step, double weight) {
  Workspace<T>& workspace =
      by_owning_threads() ? *workspace_ : workers_[static_cast<std::size_t>(member.rank())].workspace;
  const Index cols = stack_.outputs();
  if (weight == 0) {  // a weighted mean, which users' functions give, has no value
    if (member.leads()) {
      own_value_ = 0;
      std::fill_n(own_delta_.data(), batch.count * cols, T(0));
    }
    return !member.barrier(stopping());
  }
  for (Index first = 0; first < batch.count; first += chunk_rows_) {
    const Member::Range mine = member.share(std::min(chunk_rows_, batch.count - first), kRowGrain);
    for (Index row = mine.first; row < mine.last; row += block_rows_) {
      const Index rows = std::min(block_rows_, mine.last - row), at = by_owning_threads() ? row : 0;
      if (poll(member, rows * stack_.work_per_row())) break;
      // The backward pass goes forward once more, with the same units left out.
      forward(member.rank(), batch, step, first + row, rows, mine.last - row - rows, workspace, at);
      const Matrix<T> output = workspace.output().slice(at, rows);
      for (Index i = 0; i < rows; ++i) std::copy_n(output.row(i), cols, own_outputs_.data() + (first + row + i) * cols);
    }
    // Shares of the next chunk may be other rows of the workspace.
    if (member.barrier(stopping())) return false;
  }
  if (member.leads()) {
    const DenormalMode keep(false);  // the function's arithmetic is not ours to flush
    const Matrix<const double> outputs{own_outputs_.data(), batch.count, cols, cols};
    const Matrix<T> derivative{own_delta_.data(), batch.count, cols, cols};
    const std::optional<double> value = augmentation ? augmentation->evaluate_loss(rows_of(batch, step, 0, batch.count),
                                                                                   own_loss, outputs, data_, derivative)
                                                     : own_loss(data_, batch.rows, outputs, derivative);
    own_value_ = value.value_or(0);
    if (!value) stopping_.store(true, std::memory_order_relaxed);
  }
  return !member.barrier(stopping());
}

template <class T>
void Step<T>::forward(int rank, const Minibatch& batch, std::uint64_t step, Index first, Index count, Index following,
                      Workspace<T>& workspace, Index at) {
  const std::uint32_t* picked = batch.rows + first;
  const Pass pass = pass_of(batch, step, first);
  const Matrix<T> output = workspace.output().slice(at, count);
  if (!augmentation) {
    forward_rows(stack_, network_.weights(), {&data_.x, &inputs_, &data_.sparse}, {picked, 0, count, following},
                 workspace, at, pass);
    if (data_.offset) add_offset(data_.offset, picked, output);
    return;
  }
  const RowsOfStep rows = rows_of(batch, step, first, count);
  augmentation->gather(rank, rows, data_, inputs_, workspace.input().slice(at, count));
  stack_.forward(network_.weights(), workspace, at, count, pass);
  if (data_.offset) augmentation->add_offset(rank, rows, data_.offset, output);
}

template <class T>
void Step<T>::rows_phase(Member& member, const Chunk& chunk) {
  const Member::Range mine = member.share(chunk.count, kRowGrain);
  for (Index row = mine.first; row < mine.last; row += block_rows_) {
    const Index rows = std::min(block_rows_, mine.last - row);
    if (poll(member, 2 * rows * stack_.work_per_row())) return;
    pass_rows(member.rank(), chunk, row, rows, *workspace_, row, row_losses_.data() + row);
  }
}

template <class T>
void Step<T>::leaves_phase(Member& member, const Chunk& chunk) {
  const Index leaves = leaves_of(stack_, chunk.count);
  const Index workers = workers_of(leaves, member.size());
  if (member.rank() >= workers) return;
  auto& [workspace, row_losses, leaf_losses, tree] = workers_[static_cast<std::size_t>(member.rank())];
  tree.clear();
  const auto row_of = [&](Index leaf) {
    return leaf == leaves ? chunk.count : chunk.count * leaf / leaves / kRowGrain * kRowGrain;
  };
  const Index each = leaves / workers;
  for (Index i = 0; i < each; ++i) {
    const Index leaf = member.rank() * each + i;
    const Index begin = row_of(leaf), end = row_of(leaf + 1);
    T* gradients = tree.next();
    leaf_losses[i] = 0;
    for (Index row = begin; row < end; row += block_rows_) {
      const Index rows = std::min(block_rows_, end - row);
      if (poll(member, 3 * rows * stack_.work_per_row())) return;
      pass_rows(member.rank(), chunk, row, rows, workspace, 0, row_losses.data(), gradients, row > begin);
      leaf_losses[i] += ordered_sum(row_losses.data(), rows);
    }
    tree.add_up();
  }
}

template <class T>
double Step<T>::loss_of(const Chunk& chunk, int team) const {
  if (by_owning_threads()) return ordered_sum(row_losses_.data(), chunk.count);
  const Index leaves = leaves_of(stack_, chunk.count);
  const Index each = leaves / workers_of(leaves, team);
  double loss = 0;
  for (Index leaf = 0; leaf < leaves; ++leaf)
    loss += workers_[static_cast<std::size_t>(leaf / each)].leaf_losses[leaf % each];
  return loss;
}

template <class T>
void Step<T>::pass_rows(int rank, const Chunk& chunk, Index row, Index count, Workspace<T>& workspace, Index at,
                        double* losses, T* gradients, bool add) {
  const Index first = chunk.first + row;
  const std::uint32_t* picked = chunk.batch.rows + first;
  const auto rows = [&](Matrix<T> m) { return m.slice(at, count); };
  forward(rank, chunk.batch, chunk.step, first, count, chunk.count - row - count, workspace, at);
  const Matrix<T> output = rows(workspace.output()), delta = rows(workspace.output_delta());
  if (given_delta.data) {
    for (Index i = 0; i < count; ++i) {
      std::copy_n(given_delta.row(first + i), delta.cols, delta.row(i));
      losses[i] = 0;
    }
  } else {
    const double scale = privacy ? 1 : chunk.weight != 0 ? 1 / chunk.weight : 0;
    if (augmentation)
      augmentation->evaluate_loss(rank, rows_of(chunk.batch, chunk.step, first, count), options_.loss, output, data_,
                                  scale, losses, delta);
    else
      evaluate_loss<T>(options_.loss, output, data_.y, data_.weights, picked, scale, losses, delta);
  }
  const Pass pass = pass_of(chunk.batch, chunk.step, first);
  if (!privacy) {
    stack_.backward(network_.weights(), workspace, at, count, pass, gradients, add);
  } else {
    stack_.backward(network_.weights(), workspace, at, count, pass);
    limit_rows(workspace, at, {&data_.sparse, picked, 0, count}, chunk.batch.counts);
    if (gradients) stack_.gradients(network_.values().data(), workspace, at, count, gradients, add);
  }
}

template <class T>
void Step<T>::limit_rows(const Workspace<T>& workspace, Index at, const SparseRows<T>& rows, bool counts) const {
  // What is added to the gradient is rounded: this much less makes up for it.
  constexpr double kRoom = 1 - 64.0 * std::numeric_limits<T>::epsilon();
  double factors[kMostBlockRows];  // first the squared norms
  stack_.squared_norms(network_.values().data(), workspace, at, rows.count, factors, rows);
  for (double* factor = factors; factor != factors + rows.count; ++factor)
    *factor = counts && std::isfinite(*factor)
                  ? clipping_factor(*factor, kRoom * privacy->max_norm) / privacy->expected_rows
                  : 0;
  stack_.scale_rows(workspace, at, rows.count, factors);
}

template <class T>
void Step<T>::add_noise(const Task& task, std::uint64_t step, const TaskGradient<T>& gradient) const {
  const double scale = privacy->noise_multiplier * privacy->max_norm / privacy->expected_rows;
  const auto add = [&](const Block& block, Matrix<T> to) {
    const Index first = stack_.first_parameter(task.layer) + block.offset;
    add_normal_noise<T>(privacy->key, PrivateGradients::noise_stream(step), first, block.stride, scale, to);
  };
  add(task.weights, gradient.weights);
  add(task.bias, gradient.bias);
}

template <class T>
void Step<T>::weights_phase(Member& member, const Chunk& chunk, Optimizer<T>* optimizer,
                            typename Optimizer<T>::Rate rate) {
  const auto [begin, end] = tasks_of(member);
  const bool clips = options_.max_grad_norm > 0;
  const bool penalised = options_.l1 > 0 || options_.l2 > 0;
  // A gradient that is not read again stays in this thread's cache.
  const bool passing = optimizer && !clips && chunk.first == 0 && chunk.last;
  T* scratch = scratch_[static_cast<std::size_t>(member.rank())].data();
  for (std::size_t i = begin; i < end; ++i) {
    const Task& task = stack_.tasks()[i];
    if (poll(member, chunk.count * task.weights.rows * task.weights.cols)) break;
    TaskGradient<T> own = stack_.place(task, network_.gradients().data());
    if (passing) {
      const Index stride = padded<T>(task.weights.cols);
      own.weights = {scratch, task.weights.rows, task.weights.cols, stride};
      own.bias = {scratch + task.weights.rows * stride, task.bias.rows, task.bias.cols, padded<T>(task.bias.cols)};
    }
    own = gradient(task, chunk, member.size(), own, !passing);
    if (!chunk.last) continue;
    if (privacy) add_noise(task, chunk.step, own);
    if (penalised) {
      const Matrix<T> weights = task.weights.in(network_.values().data() + stack_.first_parameter(task.layer));
      penalties_[i] = chunk.weight == 0
                          ? 0
                          : add_penalty<T>(weights, own.weights, static_cast<T>(options_.l1 / chunk.weight),
                                           static_cast<T>(options_.l2 / chunk.weight));
    }
    if (clips) {
      norms_[i] = own.squared_norm();
    } else if (optimizer) {
      update(task, own, chunk.step, *optimizer, rate, 1.0);
    }
  }
  if (!(clips && chunk.last && optimizer)) return;
  // The norm is of the whole gradient, so the update has to wait for all of it.
  if (member.barrier(stopping())) return;
  double squared = 0;
  for (const double part : norms_) squared += part;
  const double scale = clipping_factor(squared, options_.max_grad_norm);
  for (std::size_t i = begin; i < end; ++i) {
    const Task& task = stack_.tasks()[i];
    update(task, stack_.place(task, network_.gradients().data()), chunk.step, *optimizer, rate, scale);
  }
}

template <class T>
TaskGradient<T> Step<T>::gradient(const Task& task, const Chunk& chunk, int team, const TaskGradient<T>& to,
                                  bool keep) {
  const bool add = chunk.first > 0;
  if (by_owning_threads()) {
    stack_.gradient(task, network_.values().data(), *workspace_, 0, chunk.count, to, add,
                    {&data_.sparse, chunk.rows(), 0, chunk.count});
    return to;
  }
  const auto parts = static_cast<std::size_t>(workers_of(leaves_of(stack_, chunk.count), team));
  if (parts == 1 && !keep) return stack_.place(task, workers_[0].tree.total());
  Matrix<const T> weights[kMostLeaves], bias[kMostLeaves];
  for (std::size_t i = 0; i < parts; ++i) {
    const TaskGradient<T> part = stack_.place(task, workers_[i].tree.total());
    weights[i] = part.weights;
    bias[i] = part.bias;
  }
  add_as_tree<T>({weights, parts}, to.weights, add);
  add_as_tree<T>({bias, parts}, to.bias, add);
  return to;
}

template <class T>
void Step<T>::update(const Task& task, const TaskGradient<T>& gradient, std::uint64_t step, Optimizer<T>& optimizer,
                     typename Optimizer<T>::Rate rate, double scale) {
  optimizer.update(task, network_.values().data(), gradient, rate, scale);
  network_.prepare(task);
  if (average) average->follow(task, network_.values().data(), step);
}

template class Step<float>;
template class Step<double>;

}  // namespace fastmlp
