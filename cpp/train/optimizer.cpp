#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/checks.h"
#include "core/denormals.h"
#include "kernels/optimizers/adam.h"
#include "kernels/optimizers/rmsprop.h"
#include "kernels/optimizers/sgd.h"

namespace fastmlp {

OptimizerOptions optimizer_options(const std::string& solver, double momentum, bool nesterov, double beta_1,
                                   double beta_2, double epsilon, double weight_decay,
                                   std::vector<RateFactors> learning_rate_factors,
                                   std::vector<double> weight_decay_factors) {
  OptimizerOptions options;
  options.solver = value_of<Solver>(solver, kSolverNames, "solver");
  check_number(momentum >= 0 && momentum <= 1, "momentum", "in [0, 1]", momentum);
  check_below_one("beta_1", beta_1);
  check_below_one("beta_2", beta_2);
  check_positive("epsilon", epsilon);
  check_not_negative("weight_decay", weight_decay);
  const auto check_factor = [](const char* name, double factor) {
    check_number(factor >= 0 && std::isfinite(factor), name, "numbers >= 0", factor);
  };
  for (const auto& [weights, bias] : learning_rate_factors)
    for (const double factor : {weights, bias}) check_factor("learning_rate_factors", factor);
  for (const double factor : weight_decay_factors) check_factor("weight_decay_factors", factor);
  options.momentum = momentum;
  options.nesterov = nesterov;
  options.beta_1 = beta_1;
  options.beta_2 = beta_2;
  options.epsilon = epsilon;
  options.weight_decay = weight_decay;
  options.learning_rate_factors = std::move(learning_rate_factors);
  options.weight_decay_factors = std::move(weight_decay_factors);
  return options;
}

double clipping_factor(double squared_norm, double max_norm) {
  return std::min(1.0, max_norm / std::max(std::sqrt(squared_norm), 1e-300));
}

template <class T>
Optimizer<T>::Optimizer(OptimizerOptions options, const Stack<T>& stack) : options_(std::move(options)), stack_(stack) {
  // From one per layer with parameters to one per layer.
  const auto spread = [&]<class Factor>(const char* name, const std::vector<Factor>& values, Factor none) {
    std::vector<Factor> factors(static_cast<std::size_t>(stack.n_layers()), none);
    std::size_t next = 0;
    for (Index i = 0; i < stack.n_layers(); ++i) {
      if (stack.layer(i).n_parameters() == 0) continue;
      if (next < values.size()) factors[static_cast<std::size_t>(i)] = values[next];
      ++next;
    }
    if (!values.empty() && values.size() != next)
      invalid(name, "must hold one number for each of the " + std::to_string(next) + " layers with parameters; got " +
                        std::to_string(values.size()));
    return factors;
  };
  factors_ = spread("learning_rate_factors", options_.learning_rate_factors, RateFactors{});
  decay_factors_ = spread("weight_decay_factors", options_.weight_decay_factors, 1.0);
  if (options_.solver != Solver::rmsprop) first_ = Buffer<T>(stack.n_parameters());
  if (options_.solver != Solver::sgd) second_ = Buffer<T>(stack.n_parameters());
}

template <class T>
typename Optimizer<T>::Blocks Optimizer<T>::blocks(const Task& task, T* values, const TaskGradient<T>& gradient) {
  const Index first = stack_.first_parameter(task.layer);
  const auto of = [&](const Block& block, Matrix<T> part) {
    const auto in = [&](T* flat) { return flat ? block.in(flat + first) : Matrix<T>{}; };
    return ParameterBlock<T>{in(values), part, in(first_.data()), in(second_.data())};
  };
  return {of(task.weights, gradient.weights), of(task.bias, gradient.bias)};
}

template <class T>
template <class Step>
void Optimizer<T>::apply(Step step, const Blocks& blocks, double decay, double bias_rate) const {
  step.decay = static_cast<T>(std::min(decay, 1.0));
  step(blocks.weights);
  step.decay = 0;
  step.rate = static_cast<T>(bias_rate);
  step(blocks.bias);
}

template <class T>
typename Optimizer<T>::Rate Optimizer<T>::rate(double learning_rate, std::uint64_t step) const {
  if (options_.solver != Solver::adam) return {learning_rate, learning_rate};
  const double t = static_cast<double>(step);
  return {learning_rate,
          learning_rate * std::sqrt(1 - std::pow(options_.beta_2, t)) / (1 - std::pow(options_.beta_1, t))};
}

template <class T>
void Optimizer<T>::update(const Task& task, T* values, const TaskGradient<T>& gradient, Rate step_rate,
                          double gradient_scale) {
  const RateFactors factors = factors_[static_cast<std::size_t>(task.layer)];
  const double rate = factors.weights * step_rate.corrected, bias_rate = factors.bias * step_rate.corrected;
  const double decay = factors.weights * step_rate.plain * options_.weight_decay * step_rate.decay_share *
                       decay_factors_[static_cast<std::size_t>(task.layer)];
  const T scale = static_cast<T>(gradient_scale);
  const auto as = [](double x) { return static_cast<T>(x); };
  // One that T cannot hold would be flushed to zero, and 0 / 0 is what dead units would then get.
  const T epsilon = std::max(as(options_.epsilon), std::numeric_limits<T>::min());
  const Blocks own = blocks(task, values, gradient);
  switch (options_.solver) {
    case Solver::sgd:
      apply(SgdStep<T>{as(rate), as(options_.momentum), 0, scale, options_.nesterov}, own, decay, bias_rate);
      break;
    case Solver::adam:
      apply(AdamStep<T>{options_.beta_1, options_.beta_2, as(rate), epsilon, 0, scale}, own, decay, bias_rate);
      break;
    case Solver::rmsprop:
      apply(RmsPropStep<T>{options_.beta_2, as(rate), epsilon, 0, scale}, own, decay, bias_rate);
      break;
  }
  stack_.layer(task.layer).project(task, values + stack_.first_parameter(task.layer));
}

template <class T>
double Optimizer<T>::step(Network<T>& network, double learning_rate, double max_grad_norm) {
  check(network.stack());
  const DenormalMode flush(true);
  T* gradients = network.gradients().data();
  double squared = 0;
  for (const Task& task : stack_.tasks()) squared += stack_.place(task, gradients).squared_norm();
  const double scale = max_grad_norm > 0 ? clipping_factor(squared, max_grad_norm) : 1.0;
  ++steps;
  ++network.steps;
  const Rate now = rate(learning_rate, steps);
  for (const Task& task : stack_.tasks())
    update(task, network.values().data(), stack_.place(task, gradients), now, scale);
  return std::sqrt(squared);
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace fastmlp
