// The first layer of networks on raw tables: turns each column into numbers that dense layers can use. A row is read as
// [numbers | flags | codes of categories] and becomes
//   [periodic embedding of the numbers, kPeriodicFeatures each | piecewise-linear one, kPiecewiseFeatures each |
//    numbers | flags | categories, one-hot or as learnt vectors].
// Code 0 is an unknown category: it has no one-hot column, and row 0 of a table of vectors.
#pragma once

#include "kernels/periodic.h"
#include "kernels/piecewise.h"
#include "nn/layer.h"
#include "nn/sign_constraints.h"

namespace fastmlp {

/** A column of category codes 0 .. size. */
struct Category {
  Index size = 0;
  Index width = 0;  // of its learnt vectors; 0: one-hot
};

struct EmbeddingSpec {
  Index n_numbers = 0, n_flags = 0;
  bool periodic = false;
  double sigma = 0;  // standard deviation of the initial frequencies
  /** Of each number, ascending, as many for all; without them there is no piecewise-linear embedding. */
  std::vector<std::vector<double>> bin_edges = {};
  std::vector<Category> categories = {};
  std::string signs = {};  // of each number's piecewise-linear weights; see SignConstraints
};

template <class T>
class Embedding final : public Layer<T> {
 public:
  explicit Embedding(EmbeddingSpec spec);

  Index inputs() const override { return plain() + n_codes(); }
  Index n_codes() const override { return static_cast<Index>(spec_.categories.size()); }
  Index outputs() const override { return outputs_; }

  Index n_parameters() const override { return n_parameters_; }
  std::vector<ParameterArray> arrays() const override;
  void initialise(T* values, RandomSequence& random) const override;

  void forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved, const Pass&) const override;
  /** There is no layer below. */
  Fused backward(LayerWeights<T>, Matrix<const T>, const Activated<T>&, Matrix<T>, const Pass&, T*,
                 bool) const override {
    return {};
  }

  std::vector<Task> tasks() const override;
  void project(const Task& task, T* values) const override {
    if (task.part == kPiecewisePart) signs_.project(task.weights, values);
  }
  /** Of a table of vectors only one is read. */
  Index work_per_row() const override {
    return outputs_ + spec_.n_numbers * (periodic_weights_.rows + piecewise_weights_.rows);
  }
  void gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                Matrix<const T> saved, const TaskGradient<T>& gradient, bool add) const override;
  void add_squared_norms(const T* values, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T> saved,
                         double* norms) const override;

 private:
  enum Part : Index { kPeriodicPart, kPiecewisePart, kFirstTable };  // of tasks; the tables of vectors come last

  /** Columns that also appear unchanged in the output. */
  Index plain() const { return spec_.n_numbers + spec_.n_flags; }
  void lay_out_steps();
  template <class U>
  Matrix<U> steps_from(U* first) const {
    return {first, n_steps_, spec_.n_numbers, padded<T>(spec_.n_numbers)};
  }
  Steps<T> steps() const { return {steps_from(steps_.data()), steps_from(steps_.data() + steps_.size() / 2)}; }

  EmbeddingSpec spec_;  // without the bin edges, from which steps_ is made
  // Where the parameters lie; without rows where there are none
  Block periodic_weights_, periodic_bias_, piecewise_weights_;
  std::vector<Block> tables_;                    // one for each category
  Index first_piecewise_ = 0, first_plain_ = 0;  // output columns
  std::vector<Index> places_;                    // the first one of each category
  Index n_parameters_ = 0, outputs_ = 0, n_steps_ = 0;
  Buffer<T> steps_;  // see Steps: starts, then slopes
  SignConstraints<T> signs_;
};

}  // namespace fastmlp
