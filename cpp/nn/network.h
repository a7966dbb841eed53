// A network under training: a stack of layers with its parameters, their gradients, and the prepared copies.
#pragma once

#include <memory>
#include <optional>

#include "core/team_size.h"
#include "nn/stack.h"

namespace fastmlp {

template <class T>
class Network {
 public:
  /** Without a seed all parameters are zero: the caller fills them. */
  Network(const std::vector<LayerSpec>& specs, std::optional<std::uint64_t> seed)
      : stack_(std::make_shared<const Stack<T>>(specs)),
        values_(stack_->n_parameters()),
        gradients_(stack_->n_parameters()),
        forward_copy_(stack_->forward_copy_size()),
        backward_copy_(stack_->backward_copy_size()),
        seed_(seed.value_or(0)) {
    if (!seed) return;
    stack_->initialise(values_.data(), *seed);
    prepare();
  }

  const Stack<T>& stack() const { return *stack_; }
  std::shared_ptr<const Stack<T>> shared_stack() const { return stack_; }
  Buffer<T>& values() { return values_; }
  const Buffer<T>& values() const { return values_; }
  Buffer<T>& gradients() { return gradients_; }
  StackWeights<T> weights() const { return {values_.data(), forward_copy_.data(), backward_copy_.data()}; }

  /** Brings the prepared copies up to date with the parameters: all of them, or one task's. */
  void prepare() { stack_->prepare(values_.data(), forward_copy_.data(), backward_copy_.data()); }
  void prepare(const Task& task) { stack_->prepare(task, values_.data(), forward_copy_.data(), backward_copy_.data()); }

  std::uint64_t seed() const { return seed_; }
  /** For successive calls that each do a similar amount of training, such as an epoch. */
  TeamSize team{1};
  /** Counts training steps over the network's whole life: part of the key of every dropout mask. */
  std::uint64_t steps = 0;

 private:
  std::shared_ptr<const Stack<T>> stack_;
  Buffer<T> values_, gradients_, forward_copy_, backward_copy_;
  std::uint64_t seed_;
};

}  // namespace fastmlp
