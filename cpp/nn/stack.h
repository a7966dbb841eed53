// A stack of layers: their order, where each one's numbers lie in the flat buffers, and the passes through them all.
// It holds no numbers itself; networks under training and predictors share it.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "nn/dense.h"
#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/scale.h"
#include "nn/workspace.h"

namespace fastmlp {

/** One layer as the user describes it. */
using LayerSpec = std::variant<DenseSpec, DropoutSpec, ScaleSpec, EmbeddingSpec>;

/** The flat buffers of a whole stack. */
template <class T>
struct StackWeights {
  const T* values;
  const T* forward_copy;
  const T* backward_copy;  // null in prediction
};

template <class T>
class Stack {
 public:
  explicit Stack(const std::vector<LayerSpec>& specs);

  Index inputs() const { return layers_.front()->inputs(); }
  Index outputs() const { return layers_.back()->outputs(); }
  Index n_codes() const { return layers_.front()->n_codes(); }
  bool takes_sparse() const { return layers_.front()->takes_sparse(); }
  Index n_layers() const { return static_cast<Index>(layers_.size()); }
  const Layer<T>& layer(Index i) const { return *layers_[static_cast<std::size_t>(i)]; }

  Index n_parameters() const { return parameters_.back(); }
  /** The first parameter of layer i; layer n_layers() ends the buffer. */
  Index first_parameter(Index i) const { return parameters_[static_cast<std::size_t>(i)]; }
  /** In training; predictors hold their own. */
  Index forward_copy_size() const { return forward_copies_.back(); }
  Index backward_copy_size() const { return backward_copies_.back(); }
  const std::vector<Task>& tasks() const { return tasks_; }
  const WorkspaceLayout& workspace_layout(bool training) const { return workspace_layouts_[training]; }
  /** Multiply-adds of one row's forward pass. */
  Index work_per_row() const { return work_per_row_; }

  void initialise(T* values, std::uint64_t seed) const;
  /** The same from rows of inputs, layer by layer. */
  void initialise_from(Matrix<const T> rows, T* values, std::uint64_t seed) const;
  /** Refreshes one task's part of the copies that the passes read; backward_copy may be null. */
  void prepare(const Task& task, const T* values, T* forward_copy, T* backward_copy) const;
  /** Refreshes the whole of them. */
  void prepare(const T* values, T* forward_copy, T* backward_copy) const;

  /** Runs rows [first, first + count) of the workspace through all layers; in a stack that takes sparse rows, `sparse`
   * is what is read. */
  void forward(StackWeights<T> weights, Workspace<T>& workspace, Index first, Index count, const Pass& pass,
               const SparseRows<T>& sparse = {}) const;
  /** The same with the weights of each layer wherever they lie. */
  void forward(const std::vector<LayerWeights<T>>& weights, Workspace<T>& workspace, Index first, Index count,
               const Pass& pass, const SparseRows<T>& sparse = {}) const;
  /** From the loss's derivative by the last layer's outputs to the deltas of all layers, and where `gradients` is not
   * null, every task's gradient to its place in that flat buffer, with `add` onto what is there: not in a stack that
   * takes sparse rows. */
  void backward(StackWeights<T> weights, Workspace<T>& workspace, Index first, Index count, const Pass& pass,
                T* gradients = nullptr, bool add = false) const;
  /** The place of one task's gradient in a flat buffer. */
  TaskGradient<T> place(const Task& task, T* gradients) const;
  /** One task's gradient over rows [first, first + count) of the workspace, or those of `sparse`; of all the parameters
   * only the task's are read. */
  void gradient(const Task& task, const T* values, const Workspace<T>& workspace, Index first, Index count,
                const TaskGradient<T>& gradient, bool add, const SparseRows<T>& sparse = {}) const;

  /** Every task's gradient over those rows, to its place in a flat buffer. */
  void gradients(const T* values, const Workspace<T>& workspace, Index first, Index count, T* gradients,
                 bool add) const;

  /** After backward(), without its gradients: norms[i] <- the squared norm of what row first + i adds to them. */
  void squared_norms(const T* values, const Workspace<T>& workspace, Index first, Index count, double* norms,
                     const SparseRows<T>& sparse = {}) const;
  /** Multiplies what row first + i adds to the gradients by factors[i]. A factor of 0 leaves nothing of the row, even
   * where it holds NaN or infinity. */
  void scale_rows(const Workspace<T>& workspace, Index first, Index count, const double* factors) const;

 private:
  LayerWeights<T> weights_of(StackWeights<T> weights, Index i) const;
  static LayerWeights<T> weights_of(const std::vector<LayerWeights<T>>& weights, Index i) {
    return weights[static_cast<std::size_t>(i)];
  }
  void run(const auto& weights, Workspace<T>& workspace, Index first, Index count, const Pass& pass,
           const SparseRows<T>& sparse) const;

  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<Index> parameters_;                        // first parameter of each layer, and the end
  std::vector<Index> forward_copies_, backward_copies_;  // the same for the copies
  std::vector<Task> tasks_;
  std::vector<WorkspaceLayout> workspace_layouts_;  // for prediction, for training
  Index work_per_row_ = 0;
};

}  // namespace fastmlp
