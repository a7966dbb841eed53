// The activations of a block of rows on their way through a stack of layers, and where in memory they lie.
#pragma once

#include <memory>
#include <vector>

#include "nn/layer.h"

namespace fastmlp {

/** Where the matrices of a stack's workspace lie, in elements for each of its rows. In training every layer has its
 * own; in prediction the layers take turns in two. Inputs that are sparse need no room. */
class WorkspaceLayout {
 public:
  template <class T>
  WorkspaceLayout(const std::vector<std::unique_ptr<Layer<T>>>& layers, bool training);

  /** One matrix; without rows' elements (stride 0) where there is none. */
  struct Place {
    Index first = 0;  // elements that all matrices before it have in a row
    Index cols = 0, stride = 0;
  };
  const Place& input() const { return input_; }
  const Place& output(Index layer) const { return outputs_[static_cast<std::size_t>(layer)]; }
  const Place& saved(Index layer) const { return saved_[static_cast<std::size_t>(layer)]; }
  const Place& delta(Index layer) const { return deltas_[static_cast<std::size_t>(layer)]; }
  Index last_layer() const { return static_cast<Index>(outputs_.size()) - 1; }
  /** Elements of all of them together. */
  Index size() const { return size_; }

 private:
  template <class T>
  Place take(Index cols);

  Place input_;
  std::vector<Place> outputs_, saved_, deltas_;  // of each layer
  Index size_ = 0;
};

template <class T>
class Stack;

template <class T>
class Workspace {
 public:
  /** Memory for `rows` rows, in the stack's layout for training or prediction, which must outlive the workspace. */
  Workspace(const Stack<T>& stack, Index rows, bool training);
  /** For prediction, in memory of the caller's, on a cache line. The inputs come first: where stacks take turns in the
   * same memory, they read the same ones. */
  Workspace(const Stack<T>& stack, Index rows, T* memory);

  /** Bytes that the constructor takes for each row. */
  static Index bytes_per_row(const Stack<T>& stack, bool training);

  Matrix<T> input() const { return at(layout_->input()); }
  Matrix<T> output() const { return output(layout_->last_layer()); }
  Matrix<T> output_delta() const { return delta(layout_->last_layer()); }
  /** Of one layer: its outputs, what it keeps for the way back, and the loss's derivative by what was before its
   * activation. The last two have no memory where there is nothing to keep, and in prediction. */
  Matrix<T> output(Index layer) const { return at(layout_->output(layer)); }
  Matrix<T> saved(Index layer) const { return at(layout_->saved(layer)); }
  Matrix<T> delta(Index layer) const { return at(layout_->delta(layer)); }

 private:
  Matrix<T> at(const WorkspaceLayout::Place& place) const {
    if (place.stride == 0) return {};
    return {first_ + rows_ * place.first, rows_, place.cols, place.stride};
  }

  const WorkspaceLayout* layout_;
  Index rows_;
  Buffer<T> memory_;  // empty where it is the caller's
  T* first_;          // the first element: matrices can be written to in a constant workspace
};

}  // namespace fastmlp
