// The first layer of networks on raw tables: turns each column into numbers that dense layers can use. A row is read as
// [numbers | flags | codes of categories] and becomes
//   [waves of the numbers (kWaves times as many) | numbers | flags | categories, one-hot or looked up].
// Without `periodic` there are no waves. Code 0 is an unknown category: no one-hot column, row 0 of a table.
#pragma once

#include "kernels/periodic.h"
#include "nn/layer.h"

namespace fastmlp {

/** A column of category codes 0 .. size. */
struct Category {
  Index size = 0;
  Index width = 0;  // of its vectors in a table that is learnt; 0: one-hot
};

template <class T>
class Embedding final : public Layer<T> {
 public:
  /** sigma: deviation of the initial frequencies. */
  Embedding(Index n_numbers, Index n_flags, bool periodic, double sigma, std::vector<Category> categories);

  Index inputs() const override { return n_numbers_ + n_flags_ + static_cast<Index>(categories_.size()); }
  Index outputs() const override { return outputs_; }

  Index n_parameters() const override { return n_parameters_; }
  std::vector<ParameterArray> arrays() const override;
  void initialise(T* values, RandomSequence& random) const override;

  void forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved, const Pass&) const override;
  /** Nothing lies below. */
  void backward(LayerWeights<T>, Matrix<const T>, const Activated<T>&, Matrix<T>, const Pass&) const override {}

  std::vector<Task> tasks() const override;
  /** Of a table of vectors one is read. */
  Index work_per_row() const override {
    return outputs_ + (periodic_ ? PeriodicParameters<T>::weight_rows * n_numbers_ : 0);
  }
  void gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                Matrix<const T> saved, const TaskGradient<T>& gradient, bool add) const override;

 private:
  /** Where the waves' parameters lie; a table of category c is block tables_[c]. */
  Block periodic_weights() const;
  Block periodic_bias() const;
  PeriodicParameters<const T> periodic_parameters(const T* values) const {
    return {periodic_weights().in(values), periodic_bias().in(values)};
  }

  Index n_numbers_, n_flags_;
  bool periodic_;
  double sigma_;
  std::vector<Category> categories_;
  std::vector<Block> tables_;  // no rows for one-hot categories
  std::vector<Index> places_;  // the first output column of each category
  Index n_parameters_ = 0, outputs_ = 0;
};

}  // namespace fastmlp
