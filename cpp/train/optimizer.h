// Optimisers: SGD with momentum, Adam and RMSprop, all with decoupled weight decay.
#pragma once

#include <vector>

#include "core/names.h"
#include "kernels/optimizers/parameter_block.h"
#include "nn/network.h"

namespace fastmlp {

enum class Solver { sgd, adam, rmsprop };
inline constexpr std::array kSolverNames = {"sgd", "adam", "rmsprop"};

/** On the learning rate of one layer's weights and of its biases. */
struct RateFactors {
  double weights = 1, bias = 1;
};

struct OptimizerOptions {
  Solver solver = Solver::adam;
  double momentum = 0.9;  // sgd
  bool nesterov = true;   // sgd
  double beta_1 = 0.9;    // adam
  double beta_2 = 0.999;  // adam, rmsprop
  double epsilon = 1e-8;  // adam, rmsprop
  double weight_decay = 0;
  // One per layer with parameters; empty: all 1.
  std::vector<RateFactors> learning_rate_factors;
  std::vector<double> weight_decay_factors;
};

OptimizerOptions optimizer_options(const std::string& solver, double momentum, bool nesterov, double beta_1,
                                   double beta_2, double epsilon, double weight_decay,
                                   std::vector<RateFactors> learning_rate_factors,
                                   std::vector<double> weight_decay_factors);

/** What to multiply a gradient with so that its norm is at most max_norm. */
double clipping_factor(double squared_norm, double max_norm);

template <class T>
class Optimizer {
 public:
  Optimizer(OptimizerOptions options, const Stack<T>& stack);

  /** Refuses a network whose layers are not those that the optimiser was made for. */
  void check(const Stack<T>& stack) const {
    if (&stack != &stack_) invalid("network", "must be the one that the optimizer was made for");
  }
  const Stack<T>& stack() const { return stack_; }
  /** Running means of the gradients and of their squares, as flat as the parameters; empty where not used. */
  Buffer<T>& first() { return first_; }
  Buffer<T>& second() { return second_; }
  std::uint64_t steps = 0;

  template <class Visit>
  void visit_state(Visit&& visit) {
    visit("first_moments", first_);
    visit("second_moments", second_);
    visit("optimizer_steps", steps);
  }

  /** The learning rate of step `step` (from 1), the same with Adam's bias correction, and a schedule's share of the
   * weight decay. */
  struct Rate {
    double plain, corrected, decay_share = 1;
  };
  Rate rate(double learning_rate, std::uint64_t step) const;

  /** Moves one task's parameters, of a network with these values, to where the layer allows; called once for every task
   * of a step. */
  void update(const Task& task, T* values, const TaskGradient<T>& gradient, Rate rate, double gradient_scale);

  /** A whole step along the network's gradients, on the calling thread; returns their norm before clipping. The copies
   * that the passes read are not refreshed. */
  double step(Network<T>& network, double learning_rate, double max_grad_norm);

 private:
  /** The parameters of one task and all that lies beside them: weights, then bias (no rows where there is none). */
  struct Blocks {
    ParameterBlock<T> weights, bias;
  };
  Blocks blocks(const Task& task, T* values, const TaskGradient<T>& gradient);
  template <class Step>
  void apply(Step step, const Blocks& blocks, double decay, double bias_rate) const;

  OptimizerOptions options_;
  const Stack<T>& stack_;
  std::vector<RateFactors> factors_;  // one per layer, as are the next
  std::vector<double> decay_factors_;
  Buffer<T> first_, second_;
};

}  // namespace fastmlp
