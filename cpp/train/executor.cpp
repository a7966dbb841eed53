#include "train/executor.h"

#include <algorithm>
#include <chrono>

#include "core/denormals.h"

namespace fastmlp {

template <class T>
Executor<T>::Executor(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs,
                      std::vector<Dataset<T>> evaluated, const ExecutorOptions& options)
    : network_(network),
      optimizer_(optimizer),
      inputs_(inputs),
      options_(options),
      evaluated_loss_(options.step.loss),
      team_(Step<T>::team_size(network.stack(), options.batch_size, options.n_threads)),
      step_(network, inputs, {}, options.step, options.batch_size, team_.next()) {
  evaluated_loss_.label_smoothing = 0;  // which is for training alone
  if (options.augmentation.any()) {
    const Index most_rows = std::min(step_.block_rows(), options.batch_size);
    step_.augmentation =
        &augmentation_.emplace(options.augmentation, network.stack(), inputs.n_filled(), most_rows, team_.next());
  }
  if (options.average_steps > 0) step_.average = &average_.emplace(network, options.average_steps);
  const bool keeps = options.keeps_outputs || options.step.loss.kind == LossKind::own;
  for (Dataset<T>& data : evaluated) {
    const Index n_rows = data.n_rows();
    most_rows_ = std::max(most_rows_, n_rows);
    EvaluatedSet& set = sets_.emplace_back();
    set.data = std::move(data);
    set.losses.resize(static_cast<std::size_t>(n_rows));
    if (keeps) set.outputs = Buffer<double>(checked_product(n_rows, network.stack().outputs(), "outputs"));
  }
}

template <class T>
void Executor<T>::prepare_evaluation(int team) {
  constexpr Index kMostBytes = Index{1} << 24;  // of all threads' blocks
  if (most_rows_ == 0 || static_cast<std::size_t>(team) <= workspaces_.size()) return;
  const Index most = kMostBytes / (team * Workspace<T>::bytes_per_row(network_.stack(), false));
  block_rows_ = std::min({step_.block_rows(), most_rows_, std::max<Index>(1, most)});
  workspaces_.clear();
  for (int i = 0; i < team; ++i) workspaces_.emplace_back(network_.stack(), block_rows_, false);
}

template <class T>
void Executor<T>::repeat(const std::function<bool()>& piece) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kTogether{20};
  step_.interrupted = interrupted;
  step_.own_loss = own_loss;
  step_.resume();
  bool goes_on = true;
  while (goes_on) {
    if (threads) {
      const int limit = std::min(threads(), options_.n_threads);
      team_.set_full(Step<T>::team_size(network_.stack(), options_.batch_size, limit));
    }
    prepare_evaluation(team_.next());
    int pieces = 0;
    const Index steps = steps_;
    const auto start = Clock::now();
    const TeamReport report = run_team(team_.next(), [&](Member& member) {
      if (!member.leads()) return follow(member);
      leader_ = &member;
      do {
        goes_on = piece();
        ++pieces;
      } while (goes_on && Clock::now() - start <= kTogether);
      command(Command::leave);
    });
    team_.went(report, std::max(1, pieces), static_cast<double>(std::max<Index>(1, steps_ - steps)));
  }
}

template <class T>
void Executor<T>::command(Command next) {
  command_ = next;
  leader_->barrier();
}

template <class T>
void Executor<T>::follow(Member& member) {
  for (;;) {
    member.barrier();
    switch (command_) {
      case Command::steps: steps_part(member); break;
      case Command::evaluation: evaluation_part(member); break;
      case Command::leave: return;
    }
  }
}

template <class T>
std::optional<WeightedMean> Executor<T>::run_steps(const StepsPlan& plan) {
  plan_ = &plan;
  command(Command::steps);
  if (!steps_part(*leader_)) return {};
  steps_ += static_cast<Index>(plan.steps.size());
  return loss_;
}

template <class T>
bool Executor<T>::steps_part(Member& member) {
  const StepsPlan& plan = *plan_;
  const std::size_t n_steps = plan.steps.size();  // after the last step the leader may plan others
  // Sums over minibatches; locals, since the other threads read this object's cache lines in every step.
  WeightedMean loss = plan.loss;
  Index first = 0;
  for (std::size_t i = 0; i < n_steps; ++i, first += options_.batch_size) {
    const StepSettings& settings = plan.steps[i];
    const typename Step<T>::Minibatch batch{plan.order + first, std::min(options_.batch_size, plan.n_rows - first),
                                            settings.share};
    auto rate = optimizer_.rate(settings.learning_rate, plan.optimizer_steps + i + 1);
    rate.decay_share = settings.share;
    if (!step_.run(member, batch, plan.network_steps + i, &optimizer_, rate)) return false;
    if (member.leads()) loss.add(step_.loss(), step_.weight());
  }
  if (member.leads()) loss_ = loss;
  return true;
}

template <class T>
std::optional<std::vector<Evaluation>> Executor<T>::evaluate() {
  if (average_) average_->prepare();
  command(Command::evaluation);
  if (!evaluation_part(*leader_)) return {};
  std::vector<Evaluation> evaluations;
  for (const EvaluatedSet& set : sets_) {
    const std::optional<double> loss = mean_loss(set);
    if (!loss) return {};
    evaluations.push_back({*loss, options_.keeps_outputs ? outputs_of(set) : Matrix<const double>{}});
  }
  return evaluations;
}

template <class T>
bool Executor<T>::evaluation_part(Member& member) {
  for (EvaluatedSet& set : sets_) evaluate_rows(set, member);
  return !member.barrier(step_.stopping());
}

template <class T>
void Executor<T>::evaluate_rows(EvaluatedSet& set, Member& member) {
  const StackWeights<T> weights = average_ ? average_->weights() : network_.weights();
  const Dataset<T>& data = set.data;
  Workspace<T>& workspace = workspaces_[static_cast<std::size_t>(member.rank())];
  const Member::Range mine = member.share(data.n_rows(), kRowGrain);
  for (Index row = mine.first; row < mine.last; row += block_rows_) {
    const Index rows = std::min(block_rows_, mine.last - row);
    if (step_.poll(member, rows * network_.stack().work_per_row())) return;
    const std::uint32_t* picked = data.rows.data() + row;
    forward_rows(network_.stack(), weights, {&data.x, &inputs_, &data.sparse},
                 {picked, 0, rows, mine.last - row - rows}, workspace, 0, Pass{});
    const Matrix<T> output = workspace.output().slice(0, rows);
    if (data.offset) add_offset(data.offset, picked, output);
    if (evaluated_loss_.kind != LossKind::own)
      evaluate_loss<T>(evaluated_loss_, output, data.y, data.weights, picked, 1.0, set.losses.data() + row,
                       Matrix<T>{});
    if (set.outputs.size() == 0) continue;
    for (Index i = 0; i < rows; ++i)
      std::copy_n(output.row(i), output.cols, set.outputs.data() + (row + i) * output.cols);
  }
}

template <class T>
std::optional<double> Executor<T>::mean_loss(const EvaluatedSet& set) {
  const std::uint32_t* rows = set.data.rows.data();
  const Index n_rows = set.data.n_rows();
  if (evaluated_loss_.kind == LossKind::own) {
    const DenormalMode keep(false);  // the function's arithmetic is not ours to flush
    return own_loss(set.data, rows, outputs_of(set), {});
  }
  return ordered_sum(set.losses.data(), n_rows) / set.data.weight_of(rows, n_rows);
}

template <class T>
Matrix<const double> Executor<T>::outputs_of(const EvaluatedSet& set) const {
  const Index cols = network_.stack().outputs();
  return {set.outputs.data(), set.data.n_rows(), cols, cols};
}

template class Executor<float>;
template class Executor<double>;

}  // namespace fastmlp
