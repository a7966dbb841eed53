#include "nn/stack.h"

#include <algorithm>

#include "kernels/row_gradients.h"

namespace fastmlp {
namespace {

/** Where layer i's part of a buffer lies whose parts start at `starts`; null where the part is empty, or there is no
 * buffer. */
template <class T>
T* place_of(const std::vector<Index>& starts, std::size_t i, T* buffer) {
  return buffer && starts[i + 1] > starts[i] ? buffer + starts[i] : nullptr;
}

/** Makes the next layer of each kind, where it may stand there. */
template <class T>
struct LayerMaker {
  const std::vector<std::unique_ptr<Layer<T>>>& below;

  std::string where() const { return "layers[" + std::to_string(below.size()) + "]"; }
  void check_inputs(Index inputs) const {
    if (!below.empty() && below.back()->outputs() != inputs)
      invalid(where(), "takes " + std::to_string(inputs) + " inputs, but the layer before it gives " +
                           std::to_string(below.back()->outputs()));
  }

  std::unique_ptr<Layer<T>> operator()(const DenseSpec& spec) const {
    check_inputs(spec.inputs);
    if (!below.empty() && spec.sparse) invalid(where(), "must not take sparse rows: only the first layer can");
    return std::make_unique<Dense<T>>(spec);
  }
  std::unique_ptr<Layer<T>> operator()(const ScaleSpec& spec) const {
    check_inputs(spec.width);
    return std::make_unique<Scale<T>>(spec);
  }
  std::unique_ptr<Layer<T>> operator()(const EmbeddingSpec& spec) const {
    if (!below.empty()) invalid(where(), "must not be an embedding: only the first layer can be one");
    return std::make_unique<Embedding<T>>(spec);
  }
  std::unique_ptr<Layer<T>> operator()(const DropoutSpec& spec) const {
    if (below.empty()) invalid(where(), "must not be a dropout: it needs a layer before it");
    return std::make_unique<Dropout<T>>(spec, below.back()->outputs(), static_cast<Index>(below.size()));
  }
};

}  // namespace

template <class T>
Stack<T>::Stack(const std::vector<LayerSpec>& specs) {
  if (specs.empty()) invalid("layers", "must hold at least one layer");
  for (const LayerSpec& spec : specs) layers_.push_back(std::visit(LayerMaker<T>{layers_}, spec));
  const char* what = "the number of parameters";
  parameters_ = forward_copies_ = backward_copies_ = {0};
  for (Index i = 0; i < n_layers(); ++i) {
    parameters_.push_back(checked_sum(parameters_.back(), layer(i).n_parameters(), what));
    forward_copies_.push_back(checked_sum(forward_copies_.back(), layer(i).forward_copy_size(Use::training), what));
    backward_copies_.push_back(checked_sum(backward_copies_.back(), i > 0 ? layer(i).backward_copy_size() : 0, what));
  }
  // Far beyond any machine's memory; the list of tasks below would itself be large.
  constexpr Index kMostParameters = Index{1} << 34;
  if (n_parameters() > kMostParameters)
    invalid("layers", "must have at most 2^34 parameters together; these have " + std::to_string(n_parameters()));
  for (Index i = 0; i < n_layers(); ++i) {
    for (Task task : layer(i).tasks()) {
      task.layer = i;
      tasks_.push_back(task);
    }
    work_per_row_ += layer(i).work_per_row();
  }
  for (const bool training : {false, true}) workspace_layouts_.emplace_back(layers_, training);
}

template <class T>
void Stack<T>::initialise(T* values, std::uint64_t seed) const {
  for (Index i = 0; i < n_layers(); ++i) {
    RandomSequence random(random_key(seed, Stream::initialisation, static_cast<std::uint64_t>(i)));
    layer(i).initialise(values + first_parameter(i), random);
  }
}

template <class T>
void Stack<T>::initialise_from(Matrix<const T> rows, T* values, std::uint64_t seed) const {
  Buffer<T> forward_copy(forward_copy_size());
  Workspace<T> workspace(*this, rows.rows, false);
  Matrix<const T> in = rows;
  for (Index i = 0; i < n_layers(); ++i) {
    const Layer<T>& own = layer(i);
    if (!own.acts_in_prediction()) continue;
    RandomSequence random(random_key(seed, Stream::initialisation, static_cast<std::uint64_t>(i)));
    own.initialise_from(in, values + first_parameter(i), random);
    for (const Task& task : tasks_)
      if (task.layer == i) prepare(task, values, forward_copy.data(), nullptr);
    const Matrix<T> out = workspace.output(i);
    own.forward(weights_of({values, forward_copy.data(), nullptr}, i), {in, {}}, out, {}, Pass{});
    in = out;
  }
}

template <class T>
void Stack<T>::prepare(const Task& task, const T* values, T* forward_copy, T* backward_copy) const {
  const auto i = static_cast<std::size_t>(task.layer);
  layers_[i]->prepare(task, values + parameters_[i], place_of(forward_copies_, i, forward_copy),
                      place_of(backward_copies_, i, backward_copy));
}

template <class T>
void Stack<T>::prepare(const T* values, T* forward_copy, T* backward_copy) const {
  for (const Task& task : tasks_) prepare(task, values, forward_copy, backward_copy);
}

template <class T>
LayerWeights<T> Stack<T>::weights_of(StackWeights<T> weights, Index i) const {
  const auto k = static_cast<std::size_t>(i);
  return {weights.values + parameters_[k], place_of(forward_copies_, k, weights.forward_copy),
          place_of(backward_copies_, k, weights.backward_copy)};
}

template <class T>
void Stack<T>::run(const auto& weights, Workspace<T>& workspace, Index first, Index count, const Pass& pass,
                   const SparseRows<T>& sparse) const {
  const auto rows = [&](Matrix<T> m) { return m.data ? m.slice(first, count) : m; };
  LayerInput<T> in{rows(workspace.input()), sparse};
  for (Index i = 0; i < n_layers(); ++i) {
    if (!pass.training && !layer(i).acts_in_prediction()) continue;
    const Matrix<T> out = rows(workspace.output(i));
    layer(i).forward(weights_of(weights, i), in, out, rows(workspace.saved(i)), pass);
    in = {out, {}};
  }
}

template <class T>
void Stack<T>::forward(StackWeights<T> weights, Workspace<T>& workspace, Index first, Index count, const Pass& pass,
                       const SparseRows<T>& sparse) const {
  run(weights, workspace, first, count, pass, sparse);
}

template <class T>
void Stack<T>::forward(const std::vector<LayerWeights<T>>& weights, Workspace<T>& workspace, Index first, Index count,
                       const Pass& pass, const SparseRows<T>& sparse) const {
  run(weights, workspace, first, count, pass, sparse);
}

template <class T>
void Stack<T>::backward(StackWeights<T> weights, Workspace<T>& workspace, Index first, Index count, const Pass& pass,
                        T* gradients, bool add) const {
  const auto rows = [&](Matrix<T> m) { return m.data ? m.slice(first, count) : m; };
  const auto activated = [&](Index i) {
    return Activated<T>{layer(i).activation(), layer(i).is_parametric(), rows(workspace.output(i)),
                        rows(workspace.saved(i))};
  };
  activated(n_layers() - 1).multiply(rows(workspace.output_delta()));
  // Layer by layer, while its delta is in the first caches.
  auto task = tasks_.rbegin();
  for (Index i = n_layers() - 1; i >= 0; --i) {
    Fused fused;
    if (i > 0) {
      const Activated<T> in = activated(i - 1);
      const Matrix<T> d_in = rows(workspace.delta(i - 1));
      fused = layer(i).backward(weights_of(weights, i), rows(workspace.delta(i)), in, d_in, pass,
                                gradients ? gradients + first_parameter(i) : nullptr, add);
      if (!fused.derivative) in.multiply(d_in);
    }
    for (; gradients && task != tasks_.rend() && task->layer == i; ++task)
      if (!fused.gradient) gradient(*task, weights.values, workspace, first, count, place(*task, gradients), add);
  }
}

template <class T>
TaskGradient<T> Stack<T>::place(const Task& task, T* gradients) const {
  T* own = gradients + first_parameter(task.layer);
  return {task.weights.in(own), task.bias.in(own)};
}

template <class T>
void Stack<T>::gradient(const Task& task, const T* values, const Workspace<T>& workspace, Index first, Index count,
                        const TaskGradient<T>& gradient, bool add, const SparseRows<T>& sparse) const {
  const Index i = task.layer;
  const auto rows = [&](Matrix<T> m) -> Matrix<const T> { return m.data ? m.slice(first, count) : m; };
  layer(i).gradient(task, values + first_parameter(i),
                    {rows(i > 0 ? workspace.output(i - 1) : workspace.input()), sparse}, rows(workspace.delta(i)),
                    rows(workspace.saved(i)), gradient, add);
}

template <class T>
void Stack<T>::gradients(const T* values, const Workspace<T>& workspace, Index first, Index count, T* gradients,
                         bool add) const {
  for (const Task& task : tasks_) gradient(task, values, workspace, first, count, place(task, gradients), add);
}

template <class T>
void Stack<T>::squared_norms(const T* values, const Workspace<T>& workspace, Index first, Index count, double* norms,
                             const SparseRows<T>& sparse) const {
  const auto rows = [&](Matrix<T> m) -> Matrix<const T> { return m.data ? m.slice(first, count) : m; };
  std::fill_n(norms, count, 0.0);
  for (Index i = 0; i < n_layers(); ++i)
    layer(i).add_squared_norms(values + first_parameter(i),
                               {rows(i > 0 ? workspace.output(i - 1) : workspace.input()), sparse},
                               rows(workspace.delta(i)), rows(workspace.saved(i)), norms);
}

template <class T>
void Stack<T>::scale_rows(const Workspace<T>& workspace, Index first, Index count, const double* factors) const {
  const auto scale = [&](Matrix<T> m, bool is_linear) {
    if (!m.data) return;
    for (Index i = 0; i < count; ++i) {
      T* row = m.row(first + i);
      if (factors[i] == 0)
        std::fill_n(row, m.cols, T(0));
      else if (is_linear)
        scale_row(static_cast<T>(factors[i]), m.cols, row);
    }
  };
  // Gradients are linear in the deltas, and in what parametric activations have saved.
  scale(workspace.input(), false);
  for (Index i = 0; i < n_layers(); ++i) {
    scale(workspace.output(i), false);
    scale(workspace.delta(i), true);
    scale(workspace.saved(i), true);
  }
}

template class Stack<float>;
template class Stack<double>;

}  // namespace fastmlp
