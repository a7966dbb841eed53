#include "nn/embedding.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fastmlp {
namespace {

constexpr Index kTaskFeatures = 64;

/** The code in a table's cell: 0 where it is none. */
template <class T>
Index code_of(T cell, const Category& category) {
  return cell >= 0 && cell <= static_cast<T>(category.size) ? static_cast<Index>(cell) : 0;
}

}  // namespace

template <class T>
Embedding<T>::Embedding(Index n_numbers, Index n_flags, bool periodic, double sigma, std::vector<Category> categories)
    : n_numbers_(n_numbers),
      n_flags_(n_flags),
      periodic_(periodic && n_numbers > 0),
      sigma_(sigma),
      categories_(std::move(categories)) {
  if (n_numbers < 0 || n_flags < 0) invalid("Embedding", "must have numbers of columns >= 0");
  if (!(sigma >= 0 && std::isfinite(sigma)))
    invalid("Embedding.sigma", "must be a number >= 0; got " + std::to_string(sigma));
  const char* what = "the number of values of an Embedding layer";
  // Codes are exact in float up to 2^24.
  constexpr Index kMostCodes = Index{1} << 24;
  checked_product(checked_sum(n_numbers, n_flags, what), 128, what);
  if (periodic_)
    n_parameters_ = (PeriodicParameters<T>::weight_rows + PeriodicParameters<T>::bias_rows) * padded<T>(n_numbers);
  outputs_ = n_numbers * (periodic_ ? 1 + kWaves : 1) + n_flags;
  for (const Category& category : categories_) {
    if (category.size < 0 || category.size > kMostCodes || category.width < 0 || category.width > kMostCodes)
      invalid("Embedding.categories", "must have sizes and widths from 0 to 2^24");
    places_.push_back(outputs_);
    outputs_ = checked_sum(outputs_, category.width > 0 ? category.width : category.size, what);
    tables_.push_back(
        {n_parameters_, category.width > 0 ? category.size + 1 : 0, category.width, padded<T>(category.width)});
    n_parameters_ = checked_sum(n_parameters_, checked_product(tables_.back().rows, tables_.back().stride, what), what);
  }
  if (outputs_ < 1) invalid("Embedding", "must have at least one output");
}

template <class T>
Block Embedding<T>::periodic_weights() const {
  return {0, PeriodicParameters<T>::weight_rows, n_numbers_, padded<T>(n_numbers_)};
}

template <class T>
Block Embedding<T>::periodic_bias() const {
  const Block weights = periodic_weights();
  return {weights.rows * weights.stride, PeriodicParameters<T>::bias_rows, n_numbers_, weights.stride};
}

template <class T>
std::vector<ParameterArray> Embedding<T>::arrays() const {
  std::vector<ParameterArray> all;
  const auto matrix = [&](const char* name, const Block& b) {
    all.push_back({name, b.offset, {b.rows, b.cols}, {b.stride, 1}});
  };
  if (periodic_) {
    matrix("waves", periodic_weights());
    matrix("wave biases", periodic_bias());
  }
  for (const Block& table : tables_)
    if (table.rows > 0) matrix("vectors", table);
  return all;
}

template <class T>
void Embedding<T>::initialise(T* values, RandomSequence& random) const {
  const auto uniform = [&](double bound) { return static_cast<T>(bound * (2 * random.uniform() - 1)); };
  if (periodic_) {
    const Matrix<T> weights = periodic_weights().in(values), bias = periodic_bias().in(values);
    const double bound = 1 / std::sqrt(static_cast<double>(kFrequencies));
    for (Index j = 0; j < n_numbers_; ++j) {
      for (Index f = 0; f < weights.rows; ++f)
        weights.row(f)[j] = f < kFrequencies ? static_cast<T>(sigma_ * random.normal()) : uniform(bound);
      for (Index f = 0; f < bias.rows; ++f)
        bias.row(f)[j] = f < kFrequencies ? uniform(std::numbers::pi) : uniform(bound);
    }
  }
  for (const Block& table : tables_)
    for (Index row = 0; row < table.rows; ++row)
      for (Index j = 0; j < table.cols; ++j) table.in(values).row(row)[j] = static_cast<T>(random.normal());
}

template <class T>
void Embedding<T>::forward(LayerWeights<T> own, const LayerInput<T>& in, Matrix<T> out, Matrix<T>, const Pass&) const {
  if (periodic_) periodic<T>(periodic_parameters(own.values), in.dense, out);
  const Index plain = n_numbers_ + n_flags_;
  const Index first = periodic_ ? kWaves * n_numbers_ : 0;
  for (Index i = 0; i < out.rows; ++i) {
    const T* from = in.dense.row(i);
    T* to = out.row(i);
    std::copy_n(from, plain, to + first);
    for (std::size_t c = 0; c < categories_.size(); ++c) {
      const Index code = code_of(from[plain + static_cast<Index>(c)], categories_[c]);
      T* place = to + places_[c];
      if (categories_[c].width > 0) {
        std::copy_n(tables_[c].in(own.values).row(code), categories_[c].width, place);
      } else {
        std::fill_n(place, categories_[c].size, T(0));
        if (code > 0) place[code - 1] = 1;
      }
    }
    std::fill(to + outputs_, to + padded<T>(outputs_), T(0));
  }
}

template <class T>
std::vector<Task> Embedding<T>::tasks() const {
  std::vector<Task> tasks;
  if (periodic_)
    for (Index j = 0; j < n_numbers_; j += kTaskFeatures) {
      const auto part = [&](Block block) {
        return Block{block.offset + j, block.rows, std::min(kTaskFeatures, n_numbers_ - j), block.stride};
      };
      Task task;
      task.first_column = j;
      task.weights = part(periodic_weights());
      task.bias = part(periodic_bias());
      tasks.push_back(task);
    }
  for (const Block& table : tables_) {
    if (table.rows == 0) continue;
    Task task;
    task.weights = table;
    tasks.push_back(task);
  }
  return tasks;
}

template <class T>
void Embedding<T>::gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                            Matrix<const T>, const TaskGradient<T>& gradient, bool add) const {
  if (task.bias.rows > 0) {  // waves
    periodic_gradient<T>(periodic_parameters(values), in.dense, delta, task.first_column, n_numbers_,
                         {gradient.weights, gradient.bias}, add);
    return;
  }
  const auto c = static_cast<std::size_t>(
      std::find_if(tables_.begin(), tables_.end(),
                   [&](const Block& b) { return b.rows > 0 && b.offset == task.weights.offset; }) -
      tables_.begin());
  const Matrix<T> table = gradient.weights;
  if (!add)
    for (Index row = 0; row < table.rows; ++row) std::fill_n(table.row(row), padded<T>(table.cols), T(0));
  const Index column = n_numbers_ + n_flags_ + static_cast<Index>(c);
  for (Index i = 0; i < delta.rows; ++i) {
    T* sums = table.row(code_of(in.dense.row(i)[column], categories_[c]));
    const T* d = delta.row(i) + places_[c];
    for (Index j = 0; j < table.cols; ++j) sums[j] += d[j];
  }
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace fastmlp
