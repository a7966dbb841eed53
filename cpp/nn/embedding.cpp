#include "nn/embedding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/checks.h"
#include "kernels/packet.h"

namespace fastmlp {
namespace {

constexpr Index kTaskFeatures = 64;
constexpr Index kTaskTable = Index{1} << 16;  // most parameters of one task of a table, but at least one row

/** The code in a table's cell; 0, an unknown category, where the cell holds no code. */
template <class T>
Index code_of(T cell, const Category& category) {
  return cell >= 0 && cell <= static_cast<T>(category.size) ? static_cast<Index>(cell) : 0;
}

/** A few packets instead of calls of the C library, which take longer than the copy. */
template <class T>
void copy_vector(const T* from, Index width, T* to) {
  using namespace simd;
  for (Index j = 0; j < width; j += kWidth<T>)
    store_first<T>(to + j, load(from + j), std::min<Index>(kWidth<T>, width - j));
}

/** to[code - 1] <- 1, and 0 at the other of `size` places. */
template <class T>
void write_one_hot(Index code, Index size, T* to) {
  using namespace simd;
  const Packet<T> places = Eigen::internal::plset<Packet<T>>(T(1)), one = set<T>(1), zero = set<T>(0);
  for (Index j = 0; j < size; j += kWidth<T>) {
    const Packet<T> hot = set<T>(static_cast<T>(code - j));
    store_first<T>(to + j, pselect(pcmp_eq(places, hot), one, zero), std::min<Index>(kWidth<T>, size - j));
  }
}

}  // namespace

template <class T>
Embedding<T>::Embedding(EmbeddingSpec spec) : spec_(std::move(spec)) {
  const Index n = spec_.n_numbers;
  if (n < 0 || spec_.n_flags < 0) invalid("Embedding", "must have numbers of columns >= 0");
  check_not_negative("Embedding.sigma", spec_.sigma);
  const char* what = "the number of values of an Embedding layer";
  // Codes are exact in float up to 2^24.
  constexpr Index kMostCodes = Index{1} << 24;
  checked_product(checked_sum(n, spec_.n_flags, what), 128, what);
  const auto block = [&](Index rows, Index cols) {
    const Block next{n_parameters_, cols > 0 ? rows : 0, cols, padded<T>(cols)};
    n_parameters_ = checked_sum(n_parameters_, checked_product(next.rows, next.stride, what), what);
    return next;
  };
  if (spec_.periodic) {
    periodic_weights_ = block(PeriodicParameters<T>::weight_rows, n);
    periodic_bias_ = block(PeriodicParameters<T>::bias_rows, n);
    first_piecewise_ = kPeriodicFeatures * n;
  }
  first_plain_ = first_piecewise_;
  if (!spec_.bin_edges.empty()) {
    lay_out_steps();
    piecewise_weights_ = block(kPiecewiseFeatures * n_steps_, n);
    first_plain_ += kPiecewiseFeatures * n;
  }
  if (!spec_.signs.empty()) {
    if (static_cast<Index>(spec_.signs.size()) != n || piecewise_weights_.rows == 0)
      invalid("Embedding.signs", "must hold a sign for each number that has piecewise-linear features, or none");
    std::string signs;  // one for each weight
    for (Index row = 0; row < piecewise_weights_.rows; ++row) signs += spec_.signs;
    signs_ = SignConstraints<T>("Embedding.signs", signs, piecewise_weights_.rows, n, piecewise_weights_,
                                piecewise_weights_.stride, 1);
  }
  outputs_ = first_plain_ + plain();
  for (const Category& category : spec_.categories) {
    if (category.size < 0 || category.size > kMostCodes || category.width < 0 || category.width > kMostCodes)
      invalid("Embedding.categories", "must have sizes and widths from 0 to 2^24");
    places_.push_back(outputs_);
    outputs_ = checked_sum(outputs_, category.width > 0 ? category.width : category.size, what);
    tables_.push_back(block(category.size + 1, category.width));
  }
  if (outputs_ < 1) invalid("Embedding", "must have at least one output");
}

/** Turns the bin edges into steps. */
template <class T>
void Embedding<T>::lay_out_steps() {
  const auto& edges = spec_.bin_edges;
  if (static_cast<Index>(edges.size()) != spec_.n_numbers)
    invalid("Embedding.bin_edges", "must hold a sequence for each of the " + std::to_string(spec_.n_numbers) +
                                       " numbers; got " + std::to_string(edges.size()));
  for (const std::vector<double>& own : edges) {
    if (own.size() < 2 || own.size() != edges[0].size())
      invalid("Embedding.bin_edges", "must hold at least two bin edges for each number, and as many for all");
    for (const double edge : own)
      if (!std::isfinite(edge)) invalid("Embedding.bin_edges", "must be finite");
    if (!std::is_sorted(own.begin(), own.end())) invalid("Embedding.bin_edges", "must ascend");
  }
  n_steps_ = static_cast<Index>(edges[0].size()) - 1;
  steps_ = Buffer<T>(2 * n_steps_ * padded<T>(spec_.n_numbers));
  const Matrix<T> starts = steps_from(steps_.data()), slopes = steps_from(steps_.data() + steps_.size() / 2);
  // No difference of two edges overflows, nor does its inverse vanish.
  constexpr double kLargest = std::numeric_limits<T>::max() / 16;
  const auto as_t = [&](double edge) { return static_cast<T>(std::clamp(edge, -kLargest, kLargest)); };
  for (Index j = 0; j < spec_.n_numbers; ++j)
    for (Index s = 0; s < n_steps_; ++s) {
      const auto edge = edges[static_cast<std::size_t>(j)].begin() + s;
      const T start = as_t(edge[0]), width = as_t(edge[1]) - start;
      if (!(width > 0)) continue;  // edges that are equal in T count once
      starts.row(s)[j] = start;
      slopes.row(s)[j] = std::min(1 / width, std::numeric_limits<T>::max());
    }
  spec_.bin_edges = {};
}

template <class T>
std::vector<ParameterArray> Embedding<T>::arrays() const {
  std::vector<ParameterArray> all;
  const auto matrix = [&](const char* name, const Block& b) {
    if (b.rows > 0) all.push_back({name, b.offset, {b.rows, b.cols}, {b.stride, 1}});
  };
  matrix("periodic weights", periodic_weights_);
  matrix("periodic bias", periodic_bias_);
  matrix("piecewise-linear weights", piecewise_weights_);
  for (const Block& table : tables_) matrix("vectors", table);
  return all;
}

template <class T>
void Embedding<T>::initialise(T* values, RandomSequence& random) const {
  const auto uniform = [&](double bound) { return static_cast<T>(bound * (2 * random.uniform() - 1)); };
  const Matrix<T> weights = periodic_weights_.in(values), bias = periodic_bias_.in(values);
  const double bound = 1 / std::sqrt(static_cast<double>(kFrequencies));
  for (Index j = 0; j < weights.cols; ++j) {
    for (Index f = 0; f < weights.rows; ++f)
      weights.row(f)[j] = f < kFrequencies ? static_cast<T>(spec_.sigma * random.normal()) : uniform(bound);
    for (Index f = 0; f < bias.rows; ++f)
      bias.row(f)[j] = f < kFrequencies ? uniform(std::numbers::pi) : uniform(bound);
  }
  const Matrix<T> piecewise = piecewise_weights_.in(values);
  const double piecewise_bound = 1 / std::sqrt(static_cast<double>(n_steps_));
  for (Index s = 0; s < piecewise.rows; ++s)
    for (Index j = 0; j < piecewise.cols; ++j) piecewise.row(s)[j] = uniform(piecewise_bound);
  signs_.project(piecewise_weights_, values);
  for (const Block& table : tables_)
    for (Index row = 0; row < table.rows; ++row)
      for (Index j = 0; j < table.cols; ++j) table.in(values).row(row)[j] = static_cast<T>(random.normal());
}

template <class T>
void Embedding<T>::forward(LayerWeights<T> own, const LayerInput<T>& in, Matrix<T> out, Matrix<T>, const Pass&) const {
  if (periodic_weights_.rows > 0)
    periodic<T>({periodic_weights_.in(own.values), periodic_bias_.in(own.values)}, in.dense, out);
  if (piecewise_weights_.rows > 0)
    piecewise<T>(steps(), piecewise_weights_.in(own.values), in.dense,
                 out.columns(first_piecewise_, first_plain_ - first_piecewise_));
  for (Index i = 0; i < out.rows; ++i) {
    T* to = out.row(i);
    std::copy_n(in.dense.row(i), plain(), to + first_plain_);
    std::fill(to + outputs_, to + padded<T>(outputs_), T(0));
  }
  for (std::size_t c = 0; c < places_.size(); ++c) {
    const Category& category = spec_.categories[c];
    const Index column = plain() + static_cast<Index>(c), place = places_[c];
    const auto codes = [&](Index i) { return code_of(in.dense.row(i)[column], category); };
    if (category.width > 0) {
      const Matrix<const T> table = tables_[c].in(own.values);
      for (Index i = 0; i < out.rows; ++i) copy_vector(table.row(codes(i)), category.width, out.row(i) + place);
    } else {
      for (Index i = 0; i < out.rows; ++i) write_one_hot(codes(i), category.size, out.row(i) + place);
    }
  }
}

template <class T>
std::vector<Task> Embedding<T>::tasks() const {
  std::vector<Task> tasks;
  const auto add = [&](Index part, Index row, Index column, const Block& weights, const Block& bias) {
    if (weights.rows == 0) return;
    Task task;
    task.part = part;
    task.first_row = row;
    task.first_column = column;
    task.weights = weights;
    task.bias = bias;
    tasks.push_back(task);
  };
  for (Index j = 0; j < spec_.n_numbers; j += kTaskFeatures) {
    const auto features = [&](const Block& all) {
      return Block{all.offset + j, all.rows, std::min(kTaskFeatures, spec_.n_numbers - j), all.stride};
    };
    add(kPeriodicPart, 0, j, features(periodic_weights_), features(periodic_bias_));
    add(kPiecewisePart, 0, j, features(piecewise_weights_), {});
  }
  for (std::size_t c = 0; c < tables_.size(); ++c) {
    const Block& all = tables_[c];
    if (all.rows == 0) continue;
    const Index parts = ceil_div(all.rows, std::max<Index>(1, kTaskTable / all.stride));
    const Index most = ceil_div(all.rows, parts);
    for (Index row = 0; row < all.rows; row += most)
      add(kFirstTable + static_cast<Index>(c), row, 0,
          {all.offset + row * all.stride, std::min(most, all.rows - row), all.cols, all.stride}, {});
  }
  return tasks;
}

template <class T>
void Embedding<T>::gradient(const Task& task, const T* values, const LayerInput<T>& in, Matrix<const T> delta,
                            Matrix<const T>, const TaskGradient<T>& gradient, bool add) const {
  if (task.part == kPeriodicPart) {
    const PeriodicParameters<const T> all{periodic_weights_.in(values), periodic_bias_.in(values)};
    return periodic_gradient<T>(all, in.dense, delta, task.first_column, spec_.n_numbers,
                                {gradient.weights, gradient.bias}, add);
  }
  if (task.part == kPiecewisePart)
    return piecewise_gradient<T>(steps(), in.dense, delta.columns(first_piecewise_, first_plain_ - first_piecewise_),
                                 task.first_column, gradient.weights, add);
  const auto c = static_cast<std::size_t>(task.part - kFirstTable);
  const Matrix<T> table = gradient.weights;
  if (!add)
    for (Index row = 0; row < table.rows; ++row) std::fill_n(table.row(row), padded<T>(table.cols), T(0));
  const Index column = plain() + static_cast<Index>(c);
  for (Index i = 0; i < delta.rows; ++i) {
    const Index row = code_of(in.dense.row(i)[column], spec_.categories[c]) - task.first_row;
    if (row < 0 || row >= table.rows) continue;  // another task's
    T* sums = table.row(row);
    const T* d = delta.row(i) + places_[c];
    for (Index j = 0; j < table.cols; ++j) sums[j] += d[j];
  }
}

template <class T>
void Embedding<T>::add_squared_norms(const T* values, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T>,
                                     double* norms) const {
  if (periodic_weights_.rows > 0)
    add_periodic_norms<T>({periodic_weights_.in(values), periodic_bias_.in(values)}, in.dense, delta, norms);
  if (piecewise_weights_.rows > 0)
    add_piecewise_norms<T>(steps(), in.dense, delta.columns(first_piecewise_, first_plain_ - first_piecewise_), norms);
  for (std::size_t c = 0; c < tables_.size(); ++c)
    if (const Index width = tables_[c].rows > 0 ? tables_[c].cols : 0)
      for (Index i = 0; i < delta.rows; ++i) norms[i] += squared_norm(delta.row(i) + places_[c], width);
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace fastmlp
