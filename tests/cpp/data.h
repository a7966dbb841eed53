// Synthetic tables and networks for the tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/random.h"
#include "nn/network.h"
#include "train/step.h"

namespace fastmlp::testing {

/** Uniform in [-1, 1). */
template <class T>
void fill_uniform(T* to, Index n, std::uint64_t seed) {
  RandomSequence random(seed);
  for (Index i = 0; i < n; ++i) to[i] = static_cast<T>(2 * random.uniform() - 1);
}

template <class T>
Table table_of(const T* x, Index rows, Index cols) {
  return {reinterpret_cast<const char*>(x),
          sizeof(T) == 4 ? Scalar::f32 : Scalar::f64,
          rows,
          cols,
          cols * static_cast<Index>(sizeof(T)),
          static_cast<Index>(sizeof(T))};
}

/** Rows with smooth targets that a small network can learn, in the form that the loss wants. */
template <class T>
struct Data {
  Index rows, inputs, outputs;
  std::vector<T> x, y, weights;
  std::vector<std::int32_t> labels;
  std::vector<std::uint32_t> order;  // 0, 1, 2, ...

  Data(Index rows_, Index inputs_, Index outputs_, LossKind loss = LossKind::squared_error, std::uint64_t seed = 1)
      : rows(rows_),
        inputs(inputs_),
        outputs(outputs_),
        x(static_cast<std::size_t>(rows * inputs)),
        y(static_cast<std::size_t>(rows * outputs)),
        weights(static_cast<std::size_t>(rows)),
        labels(static_cast<std::size_t>(rows)),
        order(static_cast<std::size_t>(rows)) {
    fill_uniform(x.data(), rows * inputs, seed);
    fill_uniform(weights.data(), rows, seed + 1);
    for (T& weight : weights) weight += T(1.25);
    for (Index i = 0; i < rows; ++i) {
      order[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(i);
      double largest = -1e9;
      for (Index j = 0; j < outputs; ++j) {
        double sum = 0.3 * static_cast<double>(j);
        for (Index k = 0; k < inputs; ++k)
          sum += static_cast<double>(x[static_cast<std::size_t>(i * inputs + k)]) *
                 std::cos(static_cast<double>(k + 3 * j));
        const double smooth = std::sin(2 * sum);
        if (smooth > largest) {
          largest = smooth;
          labels[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(j);
        }
        double target = smooth;
        if (loss == LossKind::poisson || loss == LossKind::tweedie) target = std::round(2 * std::exp(smooth));
        if (loss == LossKind::gamma) target = 2 * std::exp(smooth);
        if (loss == LossKind::binary_cross_entropy || loss == LossKind::binary_focal) target = smooth > 0;
        y[static_cast<std::size_t>(i * outputs + j)] = static_cast<T>(target);
      }
    }
  }

  Table table() const { return table_of(x.data(), rows, inputs); }
  Dataset<T> dataset(bool weighted = false) const {
    Dataset<T> all{{table(), {y.data(), labels.data(), outputs}, weighted ? weights.data() : nullptr}, {}};
    all.use_all_rows();
    return all;
  }
};

/** Dense layers of these sizes, a dropout after every hidden one where the rate is not 0; the last is linear. */
inline std::vector<LayerSpec> mlp(std::initializer_list<Index> sizes, const std::string& activation, double rate = 0) {
  std::vector<LayerSpec> specs;
  const std::vector<Index> all(sizes);
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    const bool last = i + 2 == all.size();
    specs.push_back(DenseSpec{all[i], all[i + 1], last ? Activation::identity : activation_from_name(activation)});
    if (!last && rate > 0) specs.push_back(DropoutSpec{rate});
  }
  return specs;
}

/** An embedding of numbers, flags and categories, a scale, parametric dense layers of these sizes and a linear one. */
inline std::vector<LayerSpec> tabular(Index n_numbers, Index n_flags, std::vector<Category> categories,
                                      std::initializer_list<Index> hidden, Index outputs, const std::string& activation,
                                      double rate = 0) {
  const std::vector<double> bin_edges{-1, -0.2, 0, 0, 0.7};
  const LayerSpec embedding = EmbeddingSpec{.n_numbers = n_numbers,
                                            .n_flags = n_flags,
                                            .periodic = true,
                                            .sigma = 0.5,
                                            .bin_edges = {static_cast<std::size_t>(n_numbers), bin_edges},
                                            .categories = std::move(categories)};
  Index width = Stack<double>({embedding}).outputs();
  std::vector<LayerSpec> specs{embedding, ScaleSpec{width}};
  for (const Index next : hidden) {
    specs.push_back(DenseSpec{width, next, activation_from_name(activation), true});
    if (rate > 0) specs.push_back(DropoutSpec{rate});
    width = next;
  }
  specs.push_back(DenseSpec{width, outputs});
  return specs;
}

/** Inputs of a network whose first layer is dense, and outputs of one whose last is. */
inline Index inputs_of(const std::vector<LayerSpec>& specs) { return std::get<DenseSpec>(specs.front()).inputs; }
inline Index outputs_of(const std::vector<LayerSpec>& specs) { return std::get<DenseSpec>(specs.back()).outputs; }

/** The same rows, but with codes 0 .. sizes[k] in column `first` + k. */
template <class T>
Data<T> with_codes(Data<T> data, Index first, const std::vector<std::uint32_t>& sizes) {
  RandomSequence random(3);
  for (Index i = 0; i < data.rows; ++i)
    for (std::size_t k = 0; k < sizes.size(); ++k)
      data.x[static_cast<std::size_t>(i * data.inputs + first) + k] = static_cast<T>(random.below(sizes[k] + 1));
  return data;
}

template <class T>
bool same_bits(const T* a, const T* b, Index n) {
  return n == 0 || std::memcmp(a, b, static_cast<std::size_t>(n) * sizeof(T)) == 0;  // null is no argument of it
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), static_cast<Index>(a.size()));
}

template <class T>
std::vector<T> copy_of(const Buffer<T>& buffer) {
  return {buffer.data(), buffer.data() + buffer.size()};
}

}  // namespace fastmlp::testing
