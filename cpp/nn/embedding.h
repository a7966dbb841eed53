// The first layer of networks on raw tables: turns each column into numbers that dense layers can use. A row is read as
// [numbers | flags | codes of categories] and becomes
//   [waves of the numbers (kWaves times as many) | pieces of them (kPieces times) | numbers | flags |
//    categories, one-hot or looked up].
// Waves are there if the embedding is periodic, pieces if it has knots. Code 0 is an unknown category: no one-hot
// column, row 0 of a table.
#pragma once

#include "kernels/periodic.h"
#include "kernels/piecewise.h"
#include "nn/layer.h"

namespace fastmlp {

/** A column of category codes 0 .. size. */
struct Category {
  Index size = 0;
  Index width = 0;  // of its vectors in a table that is learnt; 0: one-hot
};

struct EmbeddingSpec {
  Index n_numbers = 0, n_flags = 0;
  bool periodic = false;
  double sigma = 0;                                 // deviation of the initial frequencies
  std::vector<std::vector<double>> bin_edges = {};  // of each number, ascending, as many for all; none: no pieces
  std::vector<Category> categories = {};
};

template <class T>
class Embedding final : public Layer<T> {
 public:
  explicit Embedding(EmbeddingSpec spec);

  Index inputs() const override { return plain() + static_cast<Index>(spec_.categories.size()); }
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
    return outputs_ + spec_.n_numbers * (wave_weights_.rows + piece_weights_.rows);
  }
  void gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                Matrix<const T> saved, const TaskGradient<T>& gradient, bool add) const override;

 private:
  enum Part : Index { kWavesPart, kPiecesPart, kFirstTable };  // of tasks; a table of vectors for each category

  /** Columns that are passed on as they are. */
  Index plain() const { return spec_.n_numbers + spec_.n_flags; }
  void lay_out_steps();
  template <class U>
  Matrix<U> steps_from(U* first) const {
    return {first, n_steps_, spec_.n_numbers, padded<T>(spec_.n_numbers)};
  }
  Steps<T> steps() const { return {steps_from(steps_.data()), steps_from(steps_.data() + steps_.size() / 2)}; }

  EmbeddingSpec spec_;  // less the bin edges, which are the steps
  // Where the parameters lie; without rows where there are none
  Block wave_weights_, wave_bias_, piece_weights_;
  std::vector<Block> tables_;                // one for each category
  Index first_piece_ = 0, first_plain_ = 0;  // output columns
  std::vector<Index> places_;                // the first one of each category
  Index n_parameters_ = 0, outputs_ = 0, n_steps_ = 0;
  Buffer<T> steps_;  // see Steps: starts, then slopes
};

}  // namespace fastmlp
