#include "nn/dense.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/matrix_unit.h"
#include "kernels/product.h"
#include "kernels/row_gradients.h"
#include "kernels/sparse_product.h"
#include "kernels/vector_product.h"

namespace fastmlp {
namespace {

// A task's part of W: whole rows where they are not too long, since values, moments and copies are then read as long
// streams; tall enough to read the rows of both factors only a few times, small enough that its gradient stays in L2
// between product and update.
constexpr Index kTaskColumns = 512;
constexpr Index kFewestTaskRows = 32, kMostTaskRows = 128;
constexpr Index kTasks = 8;  // at least so many, for as many threads, unless they would be too small

// Inputs and outputs from which the matrix unit saves more than the conversions cost.
constexpr Index kUnitSide = 256;

/** The length of even parts of n, at most `most`; in huge layers a multiple of it, so that there are not too many
 * tasks. */
Index task_length(Index n, Index most, Index grain) {
  const Index parts = ceil_div(n, most * std::max<Index>(1, ceil_div(n, 4096 * most)));
  return ceil_div(ceil_div(n, parts), grain) * grain;
}

}  // namespace

template <class T>
Dense<T>::Dense(const DenseSpec& spec)
    : inputs_(spec.inputs),
      outputs_(spec.outputs),
      activation_(spec.activation),
      parametric_(spec.parametric),
      sparse_(spec.sparse),
      // The unit adds up parts of numbers, so that a sum may fall, in its last bits, where a term has risen.
      on_unit_(!sparse_ && spec.signs.empty() && std::min(inputs_, outputs_) >= kUnitSide && matrix_unit::in_use<T>()) {
  if (inputs_ < 1) invalid("Dense.inputs", "must be at least 1; got " + std::to_string(inputs_));
  if (outputs_ < 1) invalid("Dense.outputs", "must be at least 1; got " + std::to_string(outputs_));
  if (parametric_ && activation_ == Activation::identity)
    invalid("Dense.parametric", "must be false where the activation is 'identity', which has no bend to scale");
  // The packed copies are the largest things made of one layer; room for lines and for bytes.
  const char* what = "the number of weights of a Dense layer";
  checked_product(
      checked_product(checked_sum(inputs_, 2 * kLine<T>, what), checked_sum(outputs_, 2 * kLine<T>, what), what),
      kAlignment, what);
  const ParameterArray w = arrays()[0];
  signs_ = SignConstraints<T>("Dense.signs", spec.signs, inputs_, outputs_, weights(), w.strides[0], w.strides[1]);
  if (signs_.empty() || !parametric_) return;
  least_slopes_ = Buffer<T>(padded<T>(outputs_));
  most_slopes_ = Buffer<T>(padded<T>(outputs_));
  constexpr T kAny = std::numeric_limits<T>::infinity();
  for (Index j = 0; j < outputs_; ++j) {
    least_slopes_[j] = -kAny;
    most_slopes_[j] = kAny;
    for (Index i = 0; i < inputs_; ++i) {
      const char sign = spec.signs[static_cast<std::size_t>(i * outputs_ + j)];
      if (sign == '+' || sign == '-') most_slopes_[j] = 1;
    }
  }
}

template <class T>
Block Dense<T>::weights() const {
  if (output_major()) return {0, outputs_, inputs_, padded<T>(inputs_)};
  return {0, inputs_, outputs_, padded<T>(outputs_)};
}

template <class T>
Block Dense<T>::bias() const {
  const Block w = weights();
  return {w.rows * w.stride, parametric_ ? 2 : 1, outputs_, padded<T>(outputs_)};
}

template <class T>
Index Dense<T>::n_parameters() const {
  return bias().offset + bias().rows * bias().stride;
}

template <class T>
std::vector<ParameterArray> Dense<T>::arrays() const {
  const Index stride = weights().stride;
  const auto strides = output_major() ? std::vector<Index>{1, stride} : std::vector<Index>{stride, 1};
  std::vector<ParameterArray> all = {{"weights", 0, {inputs_, outputs_}, strides},
                                     {"bias", bias().offset, {outputs_}, {1}}};
  if (parametric_) all.push_back({"slopes", bias().offset + bias().stride, {outputs_}, {1}});
  return all;
}

template <class T>
void Dense<T>::begin_with_signs(T* values) const {
  if (signs_.empty()) return;
  const ParameterArray w = arrays()[0];
  const std::vector<T> drawn(values, values + weights().rows * weights().stride);
  signs_.project(weights(), values);
  for (Index j = 0; j < outputs_; ++j) {
    const auto place = [&](Index i) { return i * w.strides[0] + j * w.strides[1]; };
    bool reads = false;
    for (Index i = 0; i < inputs_; ++i) reads = reads || values[place(i)] != 0;
    if (reads) continue;
    for (Index i = 0; i < inputs_; ++i) values[place(i)] = -drawn[static_cast<std::size_t>(place(i))];
  }
  signs_.project(weights(), values);
}

// Uniform. Hidden layers start with variance 1 / (3 inputs), PyTorch's default: smaller than what keeps the signal's
// scale through rectifiers (He et al. 2015, arXiv:1502.01852, 2 / inputs), and better on small tables (docs/design.md).
// Self-normalising units need 1 / inputs (Klambauer et al. 2017, arXiv:1706.02515), saturating ones take 2 / (inputs +
// outputs) (Glorot & Bengio 2010, proceedings.mlr.press/v9/glorot10a). (initialise_from() has another rule.) Layers
// without activation, as a rule output layers, start near zero, so that training begins at the mean of the standardised
// target. Biases of hidden layers are spread over +-1 / sqrt(inputs), so that the kinks of few inputs do not all lie at
// the origin.
template <class T>
void Dense<T>::initialise(T* values, RandomSequence& random) const {
  const double n = static_cast<double>(inputs_);
  double variance = 1 / (3 * n);
  double bias_bound = 1 / std::sqrt(n);
  switch (activation_) {
    case Activation::identity:
      variance = 0.01 / n;
      bias_bound = 0;
      break;
    case Activation::selu: variance = 1 / n; break;
    case Activation::tanh:
    case Activation::logistic: variance = 2 / (n + static_cast<double>(outputs_)); break;
    default: break;
  }
  const auto uniform = [&](double bound) { return static_cast<T>(bound * (2 * random.uniform() - 1)); };
  const double bound = std::sqrt(3 * variance);
  // In the order of (input, output), however the matrix is stored.
  const ParameterArray w = arrays()[0];
  for (Index i = 0; i < inputs_; ++i)
    for (Index j = 0; j < outputs_; ++j) values[i * w.strides[0] + j * w.strides[1]] = uniform(bound);
  begin_with_signs(values);
  for (Index j = 0; j < outputs_; ++j) values[bias().offset + j] = uniform(bias_bound);
  if (parametric_) std::fill_n(values + bias().offset + bias().stride, outputs_, T(1));
}

template <class T>
void Dense<T>::initialise_from(Matrix<const T> in, T* values, RandomSequence& random) const {
  const ParameterArray w = arrays()[0];
  const auto weight = [&](Index i, Index j) -> T& { return values[i * w.strides[0] + j * w.strides[1]]; };
  for (Index i = 0; i < inputs_; ++i)
    for (Index j = 0; j < outputs_; ++j) weight(i, j) = static_cast<T>(random.normal());
  begin_with_signs(values);
  if (parametric_) std::fill_n(values + bias().offset + bias().stride, outputs_, T(1));
  std::fill_n(values + bias().offset, outputs_, T(0));

  Buffer<T> copy(forward_copy_size(Use::training)), memory(in.rows * row_stride<T>(outputs_));
  for (const Task& task : tasks()) prepare(task, values, copy.data(), nullptr);
  const Matrix<T> z{memory.data(), in.rows, outputs_, row_stride<T>(outputs_)};
  product_of({values, copy.data(), nullptr}, {in, {}}, false, z);
  const double n = static_cast<double>(in.rows);
  const auto variance = [&](const Matrix<const T>& m, Index j) {
    double mean = 0, square = 0;
    for (Index r = 0; r < in.rows; ++r) mean += static_cast<double>(m.row(r)[j]) / n;
    for (Index r = 0; r < in.rows; ++r) square += std::pow(static_cast<double>(m.row(r)[j]) - mean, 2) / n;
    return square;
  };
  std::vector<double> of_inputs;
  for (Index i = 0; i < inputs_; ++i) of_inputs.push_back(variance(in, i));
  // Where the rows do not differ, scaled as if their inputs had variance one. Where they differ in few directions, some
  // units' weights are nearly orthogonal to those. Scaled up without bound, such a unit would react strongly to
  // directions in which the rows do not differ yet.
  constexpr double kLeast = 0.5;
  const auto least_scale = [&](Index j) {
    double expected = 0;  // variance of the unit over its random weights
    for (Index i = 0; i < inputs_; ++i)
      if (signs_.may_differ_from_zero(i * w.strides[0] + j * w.strides[1]))
        expected += of_inputs[static_cast<std::size_t>(i)];
    return expected > 1e-20 ? kLeast * std::sqrt(expected) : std::sqrt(static_cast<double>(inputs_));
  };
  constexpr int kPoints = 5;
  for (Index j = 0; j < outputs_; ++j) {
    const double scale = std::max(std::sqrt(variance(z, j)), least_scale(j));
    for (Index i = 0; i < inputs_; ++i) weight(i, j) = static_cast<T>(static_cast<double>(weight(i, j)) / scale);
    double total = 0, point = 0;
    for (int k = 0; k < kPoints; ++k) {
      const double share = -std::log1p(-random.uniform());  // exponential: shares are uniform on the simplex
      total += share;
      point += share * static_cast<double>(z.row(random.below(static_cast<std::uint32_t>(in.rows)))[j]) / scale;
    }
    values[bias().offset + j] = static_cast<T>(-point / total);
  }
}

template <class T>
Index Dense<T>::forward_copy_size(Use use) const {
  if (on_unit_) return use == Use::prediction ? matrix_unit::packed_size<T>(inputs_, outputs_) : 0;
  return prepares() ? packed_size<T>(inputs_, outputs_) : 0;
}

template <class T>
Index Dense<T>::backward_copy_size() const {
  return prepares() ? packed_size<T>(outputs_, inputs_) : 0;
}

template <class T>
void Dense<T>::prepare(const Task& task, const T* values, T* forward_copy, T* backward_copy) const {
  const Matrix<const T> w = weights().in(values);
  const Index last_row = task.first_row + task.weights.rows;
  const Index last_column = task.first_column + task.weights.cols;
  if (on_unit_ && forward_copy)
    matrix_unit::pack(w, task.first_row, last_row, task.first_column, last_column, forward_copy);
  if (!prepares()) return;
  pack(w, task.first_row, last_row, task.first_column, last_column, forward_copy);
  if (backward_copy) pack_transposed(w, task.first_row, last_row, task.first_column, last_column, backward_copy);
}

template <class T>
void Dense<T>::product_of(LayerWeights<T> own, const LayerInput<T>& in, bool relu, Matrix<T> out) const {
  const T* b = bias_rows(own).row(0);
  if (own.small) {
    const SmallMatrix w = *own.small;
    if (on_unit_) return matrix_unit::product({in.dense}, {.m = {}, .small = &w}, {.bias = b, .relu = relu}, out);
    if (sparse_) return sparse_product_bias<T>(in.sparse, w, b, out);
    return product_bias<T>(in.dense, w, b, relu, out);
  }
  if (on_unit_)
    matrix_unit::product({in.dense}, {weights().in(own.values), false, own.forward_copy}, {.bias = b, .relu = relu},
                         out);
  else if (prepares())
    product_bias<T>(in.dense, Panels<T>::packed(own.forward_copy, inputs_), b, relu, out);
  else if (sparse_)
    sparse_product_bias<T>(in.sparse, weights().in(own.values), b, out);
  else
    dot_bias<T>(in.dense, weights().in(own.values), b, out);
}

template <class T>
void Dense<T>::forward(LayerWeights<T> own, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved,
                       const Pass&) const {
  const bool relu = can_rectify() && !parametric_ && activation_ == Activation::relu;
  product_of(own, in, relu, out);
  if (parametric_)
    activate_parametric<T>(activation_, bias_rows(own).row(1), out, saved, !signs_.empty());
  else if (!relu)
    activate(activation_, out, saved);
}

template <class T>
Fused Dense<T>::backward(LayerWeights<T> own, Matrix<const T> delta, const Activated<T>& in, Matrix<T> d_in,
                         const Pass&, T* gradients, bool add) const {
  // Products can end in the derivative of relu.
  const bool gated = in.activation == Activation::relu && !in.parametric;
  if (gradients && output_major() && outputs_ == 1 && !parametric_) {
    backward_of_one<T>(delta, own.values, in.values, gated, d_in, gradients, add);
    column_sums<T>(delta, gradients + bias().offset, add);
    return {.derivative = gated, .gradient = true};
  }
  const Matrix<const T> w = weights().in(own.values);
  const Panels<T> transposed = prepares() ? Panels<T>::packed(own.backward_copy, outputs_) : Panels<T>::row_major(w);
  if (on_unit_)
    matrix_unit::product({delta}, {w, true}, {.gate = gated ? in.values : Matrix<const T>{}}, d_in);
  else if (gated)
    product_gated<T>(delta, transposed, in.values, d_in);
  else
    product<T>(delta, transposed, d_in);
  return {.derivative = gated};
}

template <class T>
std::vector<Task> Dense<T>::tasks() const {
  std::vector<Task> tasks;
  const Block w = weights();
  const Index most_rows = std::clamp(w.rows / kTasks, kFewestTaskRows, kMostTaskRows);
  const Index task_rows =
      output_major() ? outputs_ : task_length(w.rows, most_rows, on_unit_ ? matrix_unit::kPartRows : kLine<T>);
  const Index task_columns = task_length(w.cols, output_major() ? kTaskColumns * 8 : kTaskColumns, kLine<T>);
  for (Index column = 0; column < w.cols; column += task_columns)
    for (Index row = 0; row < w.rows; row += task_rows) {
      Task task;
      task.first_row = row;
      task.first_column = column;
      task.weights = {row * w.stride + column, std::min(task_rows, w.rows - row),
                      std::min(task_columns, w.cols - column), w.stride};
      if (!output_major() && row == 0)
        task.bias = {bias().offset + column, bias().rows, task.weights.cols, bias().stride};
      else if (output_major() && column == 0)
        task.bias = bias();
      tasks.push_back(task);
    }
  return tasks;
}

template <class T>
void Dense<T>::project(const Task& task, T* values) const {
  signs_.project(task.weights, values);
  if (task.bias.rows < 2 || signs_.empty()) return;
  const Index first = task.bias.offset - bias().offset;
  const auto of_units = [&](const Buffer<T>& all) {
    return Matrix<const T>{all.data() + first, 1, task.bias.cols, task.bias.stride};
  };
  clamp<T>(task.bias.in(values).slice(1, 1), of_units(least_slopes_), of_units(most_slopes_));
}

template <class T>
void Dense<T>::gradient(const Task& task, const T*, const LayerInput<T>& in, Matrix<const T> delta,
                        Matrix<const T> saved, const TaskGradient<T>& gradient, bool add) const {
  // dW = in^T dZ, or its transpose dZ^T in; the bias sums the same columns of dZ.
  const Matrix<const T> right = (output_major() ? in.dense : delta).columns(task.first_column, task.weights.cols);
  const Matrix<const T> units = output_major() ? delta : right;
  T* const bias = task.bias.rows > 0 ? gradient.bias.row(0) : nullptr;
  bool summed = false;  // whether the bias came out of the weights' product
  if (sparse_) {
    sparse_transposed_product<T>(in.sparse, task.first_row, right, gradient.weights, add);
  } else {
    const Matrix<const T> left = (output_major() ? delta : in.dense).columns(task.first_row, task.weights.rows);
    if (on_unit_)
      matrix_unit::product({left, true}, {right}, {.add = add}, gradient.weights);
    else if (left.cols == 1)
      vector_product<T>(left.data, left.stride, right, gradient.weights.data, add);
    else if (output_major())
      transposed_product<T>(left, right, gradient.weights, nullptr, add);
    else {
      transposed_product<T>(left, right, gradient.weights, bias, add);
      summed = true;
    }
  }
  if (!bias) return;
  if (!summed) column_sums<T>(units, bias, add);
  // Of the slopes: see multiply_parametric().
  if (parametric_)
    column_sums<T>(saved.columns(padded<T>(outputs_) + (output_major() ? 0 : task.first_column), units.cols),
                   gradient.bias.row(1), add);
}

template <class T>
void Dense<T>::add_squared_norms(const T*, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T> saved,
                                 double* norms) const {
  for (Index i = 0; i < delta.rows; ++i) {
    double inputs;
    if (sparse_) {
      const auto [begin, end] = in.sparse.entries(i);
      inputs = squared_norm(in.sparse.table->values + begin, end - begin);
    } else {
      inputs = squared_norm(in.dense.row(i), inputs_);
    }
    add_outer_norm(inputs, delta.row(i), outputs_, norms[i]);
    if (parametric_) norms[i] += squared_norm(saved.row(i) + padded<T>(outputs_), outputs_);
  }
}

template class Dense<float>;
template class Dense<double>;

}  // namespace fastmlp
