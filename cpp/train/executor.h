// What training computes, on this machine's processors: epochs of steps, the losses of held-out rows, and the way in
// and out for parameters. What to do next is the Trainer's business; another device would have an executor of its own.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/team_size.h"
#include "train/step.h"

namespace fastmlp {

/** What a schedule says for one step. */
struct StepSettings {
  double learning_rate;
  double share = 1;  // of every layer's dropout rate, and of the weight decay
};

/** A mean of values with weights, to which more can be added. */
struct WeightedMean {
  double sum = 0, weight = 0;

  void add(double value, double of_weight) {
    // Rounded before it is added: else the compiler would fuse the two or not, according to what it inlines.
    const volatile double product = value * of_weight;
    sum += product;
    weight += of_weight;
  }
  double value() const { return weight > 0 ? sum / weight : 0.0; }
};

/** An epoch or a part of it: minibatches of rows in this order, with settings for each. */
struct StepsPlan {
  const std::uint32_t* order = nullptr;
  Index n_rows = 0;
  std::vector<StepSettings> steps;
  std::uint64_t network_steps = 0, optimizer_steps = 0;  // that came before, over their whole lives
  WeightedMean loss;  // of the epoch's steps before these, so that its sum does not depend on where parts end
};

struct ExecutorOptions {
  StepOptions step;
  AugmentationOptions augmentation;
  Index batch_size = 200;
  double average_steps = 0;    // evaluates the mean of the weights over this number of steps (0: the weights)
  bool keeps_outputs = false;  // of evaluated rows
  int n_threads = 1;           // the most
};

/** What a network is worth on some rows. */
struct Evaluation {
  double loss;                   // the mean
  Matrix<const double> outputs;  // raw, rows x outputs; no rows where they are not kept
};

template <class T>
class Executor {
 public:
  /** `evaluated` may be empty. */
  Executor(Network<T>& network, Optimizer<T>& optimizer, const Standardisation& inputs,
           std::vector<Dataset<T>> evaluated, const ExecutorOptions& options);

  /** Takes the samples that the next steps' rows are of. */
  void use(const Samples<T>& train) { step_.set_data(train, options_.step); }

  /** Called on the calling thread every 50 ms or so; true ends the steps or the evaluation under way. */
  std::function<bool()> interrupted;
  /** What LossKind::own stands for; called on the calling thread. */
  OwnLoss<T> own_loss;
  /** Threads to take now; asked whenever the threads come together. Without it n_threads. */
  std::function<int()> threads;

  /** Calls `piece`, which does a piece of the training, on this thread until it returns false, which it must after an
   * interruption. Only in there may run_steps() and evaluate() be called: their threads stay together for several
   * pieces, since to start them can take longer than an epoch. */
  void repeat(const std::function<bool()>& piece);

  /** The mean of the minibatches' losses, penalty included, and of the plan's `loss`; nothing when interrupted: the
   * parameters are then partly updated. */
  std::optional<WeightedMean> run_steps(const StepsPlan& plan);
  /** Of each set of evaluated rows, until the next evaluation; nothing when interrupted. */
  std::optional<std::vector<Evaluation>> evaluate();

  Index n_parameters() const { return network_.values().size(); }
  /** Of the optimiser's last step, or those that evaluate() looks at. */
  void read_parameters(Buffer<T>& to) const { to.assign(network_.values()); }
  void read_evaluated(Buffer<T>& to) const { to.assign(average_ ? average_->values() : network_.values()); }
  void write_parameters(const Buffer<T>& from) { network_.values().assign(from); }
  /** To be called before the first epoch and after the last: takes parameters and moments from the network and the
   * optimiser, and hands them back. Here they stay where they are, and only the copies that the passes read are made.
   */
  void load() { network_.prepare(); }
  void store() { network_.prepare(); }

  template <class Visit>
  void visit_state(Visit&& visit) {
    if (average_) average_->visit_state(visit);
  }

 private:
  enum class Command { steps, evaluation, leave };
  struct EvaluatedSet {
    Dataset<T> data;
    std::vector<double> losses;  // one per row
    Buffer<double> outputs;      // rows x outputs, where they are kept or own_loss needs them
  };
  /** Gives the waiting threads their next command. */
  void command(Command next);
  /** What those threads do: carry out commands until one is to leave. */
  void follow(Member& member);
  /** Memory for evaluations by a team of this size. */
  void prepare_evaluation(int team);
  /** One thread's part in steps and in an evaluation; false when interrupted. */
  bool steps_part(Member& member);
  bool evaluation_part(Member& member);
  void evaluate_rows(EvaluatedSet& set, Member& member);
  /** The mean loss of a set whose rows have been evaluated; nothing when own_loss has failed. */
  std::optional<double> mean_loss(const EvaluatedSet& set);
  Matrix<const double> outputs_of(const EvaluatedSet& set) const;

  Network<T>& network_;
  Optimizer<T>& optimizer_;
  const Standardisation& inputs_;
  std::vector<EvaluatedSet> sets_;
  Index most_rows_ = 0;  // of a set
  ExecutorOptions options_;
  LossOptions evaluated_loss_;
  TeamSize team_;
  Step<T> step_;
  std::optional<Augmentation<T>> augmentation_;
  std::optional<WeightAverage<T>> average_;
  std::vector<Workspace<T>> workspaces_;  // for evaluations, one per thread, each of block_rows_
  Index block_rows_ = 0;
  // Of the pieces under way
  Member* leader_ = nullptr;
  Command command_ = Command::leave;
  const StepsPlan* plan_ = nullptr;
  WeightedMean loss_;  // of the steps, written by the leader
  Index steps_ = 0;    // of all pieces so far
};

}  // namespace fastmlp
