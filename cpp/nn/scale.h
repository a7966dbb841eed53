// One factor per feature: out = in * s. With a high learning rate it learns early which features are useful.
#pragma once

#include <algorithm>

#include "nn/layer.h"

namespace fastmlp {

struct ScaleSpec {
  Index width = 0;
};

template <class T>
class Scale final : public Layer<T> {
 public:
  explicit Scale(const ScaleSpec& spec) : width_(spec.width) {
    if (width_ < 1) invalid("Scale.width", "must be at least 1; got " + std::to_string(width_));
  }

  Index inputs() const override { return width_; }
  Index outputs() const override { return width_; }

  Index n_parameters() const override { return padded<T>(width_); }
  std::vector<ParameterArray> arrays() const override { return {{"scale", 0, {width_}, {1}}}; }
  void initialise(T* values, RandomSequence&) const override { std::fill_n(values, width_, T(1)); }

  void forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved, const Pass&) const override;
  Fused backward(LayerWeights<T>, Matrix<const T> delta, const Activated<T>& in, Matrix<T> d_in, const Pass&,
                 T* gradients, bool add) const override;

  std::vector<Task> tasks() const override;
  Index work_per_row() const override { return width_; }
  void gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                Matrix<const T> saved, const TaskGradient<T>& gradient, bool add) const override;
  void add_squared_norms(const T* values, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T> saved,
                         double* norms) const override;

 private:
  Index width_;
};

}  // namespace fastmlp
