// Fully connected layer with its activation: out = f(in W + b), of dense or of sparse rows. A parametric activation
// has a slope of its own for each unit: z + slope (f(z) - z) (Holzmueller et al. 2024, arXiv:2407.04491).
#pragma once

#include <algorithm>

#include "nn/layer.h"
#include "nn/sign_constraints.h"

namespace fastmlp {

struct DenseSpec {
  Index inputs = 0, outputs = 0;
  Activation activation = Activation::identity;
  bool parametric = false;
  bool sparse = false;     // reads sparse rows
  std::string signs = {};  // of the weights, inputs x outputs; see SignConstraints
};

template <class T>
class Dense final : public Layer<T> {
 public:
  explicit Dense(const DenseSpec& spec);

  Index inputs() const override { return inputs_; }
  Index outputs() const override { return outputs_; }
  Activation activation() const override { return activation_; }
  bool takes_sparse() const override { return sparse_; }
  bool is_parametric() const override { return parametric_; }
  Index saved_per_row() const override {
    if (parametric_) return 2 * padded<T>(outputs_);
    return saves_derivative(activation_) ? outputs_ : 0;
  }

  Index n_parameters() const override;
  std::vector<ParameterArray> arrays() const override;
  void initialise(T* values, RandomSequence& random) const override;
  /** Outputs of variance one over the rows of `in`, with their kinks inside the data (Holzmueller et al. 2024,
   * arXiv:2407.04491). */
  void initialise_from(Matrix<const T> in, T* values, RandomSequence& random) const override;

  Block main_weights() const override { return output_major() ? Block{} : weights(); }
  Index forward_copy_size(Use use) const override;
  Index backward_copy_size() const override;
  void prepare(const Task& task, const T* values, T* forward_copy, T* backward_copy) const override;

  void forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved, const Pass&) const override;
  Fused backward(LayerWeights<T>, Matrix<const T> delta, const Activated<T>& in, Matrix<T> d_in, const Pass&,
                 T* gradients, bool add) const override;

  std::vector<Task> tasks() const override;
  void project(const Task& task, T* values) const override;
  Index work_per_row() const override {
    constexpr Index kEntries = 64;  // about as many as a row of text has; a layer knows no table
    return (sparse_ ? std::min(inputs_, kEntries) : inputs_) * outputs_;
  }
  void gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                Matrix<const T> saved, const TaskGradient<T>& gradient, bool add) const override;
  void add_squared_norms(const T* values, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T> saved,
                         double* norms) const override;

 private:
  // W is stored row-major, inputs x outputs. With few outputs padding would take more than the weights; W is then
  // stored outputs x inputs, if there are enough inputs, and every product runs along them. Sparse rows read single
  // rows of W, which must lie inputs x outputs.
  bool output_major() const { return !sparse_ && outputs_ <= 4 && inputs_ > 8 * outputs_; }
  /** Whether products read copies of W. */
  bool prepares() const { return !sparse_ && !output_major() && !on_unit_; }
  bool can_rectify() const { return on_unit_ || prepares(); }
  /** out <- in W + b; with `relu`, in a layer that can_rectify(), negative elements then become zero. */
  void product_of(LayerWeights<T> own, const LayerInput<T>& in, bool relu, Matrix<T> out) const;
  /** Makes random weights allowed ones. Those of the wrong sign begin at zero, so that units differ in what they read,
   * except where a unit would read nothing: there all signs are turned. */
  void begin_with_signs(T* values) const;
  Block weights() const;
  Block bias() const;  // with the slopes in a second row
  /** Those rows among what a pass is given. */
  Matrix<const T> bias_rows(LayerWeights<T> own) const {
    const Block place = bias();
    return {own.values + (own.small ? 0 : place.offset), place.rows, place.cols, place.stride};
  }

  Index inputs_;
  Index outputs_;
  Activation activation_;
  bool parametric_;
  bool sparse_;
  bool on_unit_;  // products run on the matrix unit, which in training reads W as stored
  SignConstraints<T> signs_;
  // With a slope above 1 a unit would fall somewhere: of units whose weights have a sign they are at most 1.
  Buffer<T> least_slopes_, most_slopes_;
};

}  // namespace fastmlp
