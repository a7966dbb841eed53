// Sparse rows: the kernels against sums in double, and whole steps and predictions against dense ones.
#include <limits>
#include <utility>

#include "check.h"
#include "data.h"
#include "predict/predictor.h"
#include "train/epochs.h"

namespace fastmlp {
namespace {

using testing::Data;
using testing::fill_uniform;
using testing::mlp;
using testing::same_bits;

/** A table in which about one number in five is not zero, dense and sparse; some rows are empty. */
template <class T>
struct Sparse {
  std::vector<T> values;
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> starts{0};
  Index rows, cols;

  explicit Sparse(std::vector<T>& dense, Index n_rows, Index n_cols) : rows(n_rows), cols(n_cols) {
    RandomSequence random(9);
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j) {
        T& value = dense[static_cast<std::size_t>(i * cols + j)];
        if (i % 7 == 3 || random.uniform() > 0.2) value = 0;
        if (value == 0) continue;
        values.push_back(value);
        columns.push_back(static_cast<std::int32_t>(j));
      }
      starts.push_back(static_cast<std::int64_t>(values.size()));
    }
  }
  SparseTable<T> table() const {
    return {values.data(), columns.data(), starts.data(), rows, cols, static_cast<Index>(values.size())};
  }
};

template <class T>
void check_products(Index cols, Index width) {
  constexpr Index kRows = 23;
  std::vector<T> dense(static_cast<std::size_t>(kRows * cols));
  fill_uniform(dense.data(), kRows * cols, 4);
  const Sparse<T> sparse(dense, kRows, cols);
  const SparseTable<T> table = sparse.table();
  const std::vector<std::uint32_t> picked = {22, 3, 3, 0, 17, 10};
  const SparseRows<T> rows{&table, picked.data(), 0, static_cast<Index>(picked.size())};
  const auto at = [&](Index i, Index k) {
    return static_cast<double>(
        dense[picked[static_cast<std::size_t>(i)] * static_cast<std::size_t>(cols) + static_cast<std::size_t>(k)]);
  };
  const auto matrix = [&](Buffer<T>& memory, Index n, std::uint64_t seed) {
    memory = Buffer<T>(n * padded<T>(width));
    for (Index i = 0; i < n; ++i) fill_uniform(memory.data() + i * padded<T>(width), width, seed + 100 * i);
    return Matrix<T>{memory.data(), n, width, padded<T>(width)};
  };
  Buffer<T> w_memory, bias_memory, out_memory, c_memory;
  const Matrix<T> w = matrix(w_memory, cols, 5), bias = matrix(bias_memory, 1, 6);
  const Matrix<T> out = matrix(out_memory, rows.count, 7);
  const double unit = std::numeric_limits<T>::epsilon() * static_cast<double>(cols + 2);
  sparse_product_bias<T>(rows, w, bias.data, out);
  for (Index i = 0; i < out.rows; ++i)
    for (Index j = 0; j < padded<T>(width); ++j) {
      double sum = j < width ? static_cast<double>(bias.data[j]) : 0;
      for (Index k = 0; k < cols; ++k) sum += at(i, k) * static_cast<double>(w.row(k)[j]);
      CHECK_NEAR(out.row(i)[j], sum, unit);
    }
  // A part of the transposed product, twice: the second time on top of the first.
  const Index first = cols / 3, n = cols - first - (cols > 2 ? 1 : 0);
  const Matrix<T> c = matrix(c_memory, n, 8);
  for (const bool add : {false, true}) {
    sparse_transposed_product<T>(rows, first, out, c, add);
    for (Index k = 0; k < n; ++k)
      for (Index j = 0; j < padded<T>(width); ++j) {
        double sum = 0;
        for (Index i = 0; i < out.rows; ++i) sum += at(i, first + k) * static_cast<double>(out.row(i)[j]);
        CHECK_NEAR(c.row(k)[j], (add ? 2 : 1) * sum, 20 * unit);
      }
  }
}

TEST(sparse_products_equal_dense_sums) {
  for (const Index width : {1, 2, 7, 8, 9, 16, 17, 31, 40, 63, 64, 65, 100, 129, 200, 257})
    for (const Index cols : {1, 2, 5, 40}) {
      check_products<float>(cols, width);
      check_products<double>(cols, width);
    }
}

/** The parameters of `from` in `to`, whose layers lay them out otherwise. */
template <class T>
void copy_parameters(Network<T>& from, Network<T>& to) {
  for (Index l = 0; l < from.stack().n_layers(); ++l)
    for (std::size_t k = 0; k < from.stack().layer(l).arrays().size(); ++k) {
      const ParameterArray a = from.stack().layer(l).arrays()[k], b = to.stack().layer(l).arrays()[k];
      for (Index i = 0; i < a.shape[0]; ++i)
        for (Index j = 0; j < (k == 0 ? a.shape[1] : 1); ++j)
          to.values()[to.stack().first_parameter(l) + b.offset + i * b.strides[0] + (k == 0 ? j * b.strides[1] : 0)] =
              from.values()[from.stack().first_parameter(l) + a.offset + i * a.strides[0] +
                            (k == 0 ? j * a.strides[1] : 0)];
    }
  to.prepare();
}

template <class T>
void check_training(std::initializer_list<Index> sizes, Index rows, Index batch_size) {
  const std::vector<Index> all(sizes);
  Data<T> data(rows, all.front(), all.back());
  const Sparse<T> sparse(data.x, rows, all.front());
  std::vector<LayerSpec> specs = mlp(sizes, "tanh");
  Network<T> dense_network(specs, 3);
  std::get<DenseSpec>(specs[0]).sparse = true;
  std::vector<T> first_bits;
  const StepOptions options{.loss = canonical_loss("identity"), .l2 = 0.1};
  Samples<T> dense_samples = data.dataset(true), sparse_samples = dense_samples;
  sparse_samples.x = {};
  sparse_samples.sparse = sparse.table();
  std::vector<std::uint32_t> order = data.order;
  std::swap(order.front(), order.back());
  const int epochs_each = testing::kSanitized ? 1 : 3;
  double dense_loss = 0;
  std::vector<T> expected(static_cast<std::size_t>(rows * all.back())), got(expected.size());
  {
    Network<T> network(mlp(sizes, "tanh"), 3);
    Optimizer<T> optimizer({}, network.stack());
    Epochs<T> epochs(network, dense_samples, options, batch_size, 2);
    for (int epoch = 0; epoch < epochs_each; ++epoch) dense_loss = *epochs.run(order.data(), rows, optimizer, 1e-2);
    Predictor<T>(network, {}, Link::identity).predict(data.table(), expected.data(), 1);
  }
  for (const int n_threads : testing::kSanitized ? std::vector{1, 3} : std::vector{1, 2, 3}) {
    Network<T> network(specs, std::nullopt);
    copy_parameters(dense_network, network);
    Optimizer<T> optimizer({}, network.stack());
    Epochs<T> epochs(network, sparse_samples, options, batch_size, n_threads);
    double loss = 0;
    for (int epoch = 0; epoch < epochs_each; ++epoch) loss = *epochs.run(order.data(), rows, optimizer, 1e-2);
    const double tolerance = 200 * std::numeric_limits<T>::epsilon();
    CHECK_NEAR(loss, dense_loss, tolerance);
    const Predictor<T> predictor(network, {}, Link::identity);
    predictor.predict(sparse.table(), got.data(), n_threads);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK_NEAR(got[i], expected[i], 10 * tolerance);
    if (first_bits.empty()) first_bits = got;
    CHECK(same_bits(first_bits.data(), got.data(), static_cast<Index>(got.size())));
  }
}

TEST(sparse_training_equals_dense_training) {
  check_training<float>({40, 1}, 70, 16);
  check_training<double>({40, 1}, 70, 16);
  check_training<double>({60, 33, 2}, 130, 130);
  check_training<float>({300, 600, 3}, 260, 200);         // several tasks across and along
  check_training<double>({12, 70, 70, 1}, 17000, 17000);  // a minibatch of several chunks
}

/** What another thread writes to the arrays is an error, not an address. */
template <class T>
void check_changes() {
  constexpr Index kRows = 4000, kCols = 12;
  Data<T> data(kRows, kCols, 1);
  Sparse<T> sparse(data.x, kRows, kCols);
  std::vector<LayerSpec> specs = mlp({kCols, 200, 1}, "tanh");
  std::get<DenseSpec>(specs[0]).sparse = true;
  Network<T> network(specs, 3);
  CHECK(Step<T>::team_size(network.stack(), kRows, 2) == 2);
  const Predictor<T> predictor(network, {}, Link::identity);
  Samples<T> samples = data.dataset();
  samples.x = {};
  samples.sparse = sparse.table();
  Optimizer<T> optimizer({}, network.stack());
  std::vector<T> out(kRows);
  const auto check = [&](auto& number, auto value) {
    const auto before = std::exchange(number, value);
    for (const int n_threads : {1, 2}) {
      Epochs<T> epochs(network, samples, {}, kRows, n_threads);
      CHECK_THROWS(epochs.run(data.order.data(), kRows, optimizer, 1e-3), "X must not be changed");
      CHECK_THROWS(predictor.predict(sparse.table(), out.data(), n_threads), "X must not be changed");
    }
    number = before;
  };
  const std::vector<T> weights = testing::copy_of(network.values());
  check(sparse.columns[50], -1);
  check(sparse.columns[50], static_cast<std::int32_t>(kCols));
  check(sparse.columns.back(), std::numeric_limits<std::int32_t>::max());
  check(sparse.starts[7], -1);
  check(sparse.starts[7], sparse.starts.back());
  check(sparse.starts.back(), sparse.starts.back() + 1);
  check(sparse.starts.back(), std::numeric_limits<std::int64_t>::max());
  CHECK(same_bits(weights, testing::copy_of(network.values())));
  predictor.predict(sparse.table(), out.data(), 1);
}

TEST(sparse_tables_may_change_without_harm) {
  check_changes<float>();
  check_changes<double>();
}

TEST(only_the_first_layer_takes_sparse_rows) {
  std::vector<LayerSpec> specs = mlp({4, 5, 1}, "relu");
  std::get<DenseSpec>(specs[1]).sparse = true;
  CHECK_THROWS(Network<double>(specs, 1), "only the first layer");
}

}  // namespace
}  // namespace fastmlp
