// One factor per feature: out = in * s. With a high learning rate it learns early which features are useful.
#pragma once

#include <algorithm>

#include "nn/layer.h"
#include "nn/sign_constraints.h"

namespace fastmlp {

struct ScaleSpec {
  Index width = 0;
  std::string signs = {};  // of the factors; see SignConstraints
};

template <class T>
class Scale final : public Layer<T> {
 public:
  explicit Scale(const ScaleSpec& spec) : width_(spec.width) {
    if (width_ < 1) invalid("Scale.width", "must be at least 1; got " + std::to_string(width_));
    checked_sum(width_, kLine<T>, "Scale.width");  // what padding may add
    signs_ = SignConstraints<T>("Scale.signs", spec.signs, 1, width_, {0, 1, width_, padded<T>(width_)}, 0, 1);
  }

  Index inputs() const override { return width_; }
  Index outputs() const override { return width_; }

  Index n_parameters() const override { return padded<T>(width_); }
  std::vector<ParameterArray> arrays() const override { return {{"scale", 0, {width_}, {1}}}; }
  void initialise(T* values, RandomSequence&) const override {
    std::fill_n(values, width_, T(1));
    project(tasks()[0], values);
  }

  void forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved, const Pass&) const override;
  Fused backward(LayerWeights<T>, Matrix<const T> delta, const Activated<T>& in, Matrix<T> d_in, const Pass&,
                 T* gradients, bool add) const override;

  std::vector<Task> tasks() const override;
  void project(const Task& task, T* values) const override { signs_.project(task.weights, values); }
  Index work_per_row() const override { return width_; }
  void gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                Matrix<const T> saved, const TaskGradient<T>& gradient, bool add) const override;
  void add_squared_norms(const T* values, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T> saved,
                         double* norms) const override;

 private:
  Index width_;
  SignConstraints<T> signs_;
};

}  // namespace fastmlp
