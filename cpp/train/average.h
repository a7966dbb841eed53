// The running mean of a network's weights over its last steps (Polyak & Juditsky 1992, doi:10.1137/0330046): steadier
// than the weights of any one step, as if the learning rate had been lowered for a moment.
#pragma once

#include <algorithm>

#include "nn/network.h"

namespace fastmlp {

template <class T>
class WeightAverage {
 public:
  /** Over about `window` steps from the network's next one on; until there are enough of them over the last quarter
   * (polynomial-decay averaging, Shamir & Zhang 2013, arXiv:1212.1824), so that the start is soon forgotten. */
  WeightAverage(const Network<T>& network, double window)
      : stack_(network.shared_stack()),
        first_step_(network.steps),
        window_(window),
        values_(network.values().clone()),
        forward_copy_(stack_->forward_copy_size()) {}

  /** Adds one task's parameters after step `step` (of the network's whole life) to the mean; called once for every task
   * of a step. */
  void follow(const Task& task, T* parameters, std::uint64_t step) {
    const double count = static_cast<double>(step - first_step_) + 1;
    constexpr double kEta = 3;
    const T share = static_cast<T>(std::max((1 + kEta) / (count + kEta), 1 / window_));
    const Index first = stack_->first_parameter(task.layer);
    for (const Block& block : {task.weights, task.bias})
      move_towards<T>(block.in(parameters + first), block.in(values_.data() + first), share);
  }

  const Buffer<T>& values() const { return values_; }

  /** Refreshes the copy that the forward pass reads. */
  void prepare() { stack_->prepare(values_.data(), forward_copy_.data(), nullptr); }
  /** For forward passes. */
  StackWeights<T> weights() const { return {values_.data(), forward_copy_.data(), nullptr}; }

  template <class Visit>
  void visit_state(Visit&& visit) {
    visit("mean_parameters", values_);
    visit("mean_first_step", first_step_);
  }

 private:
  std::shared_ptr<const Stack<T>> stack_;
  std::uint64_t first_step_;
  double window_;
  Buffer<T> values_, forward_copy_;
};

}  // namespace fastmlp
