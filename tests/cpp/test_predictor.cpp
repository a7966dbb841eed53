// The predictor: the network's forward pass, from any number of threads at once, row by row.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <thread>

#include "check.h"
#include "data.h"
#include "predict/decoding.h"
#include "predict/predictor.h"

namespace fastmlp {
namespace {

using testing::Data;
using testing::mlp;
using testing::same_bits;

template <class T>
std::vector<T> predict(const Predictor<T>& predictor, const Table& table, int max_threads) {
  std::vector<T> out(static_cast<std::size_t>(table.rows * predictor.outputs()));
  predictor.predict(table, out.data(), max_threads);
  return out;
}

Table rows_of(const Table& table, Index first, Index count) {
  Table part = table;
  part.data += first * table.row_stride;
  part.rows = count;
  return part;
}

template <class T>
void check_forward(const std::vector<LayerSpec>& specs) {
  const Data<T> data(333, testing::inputs_of(specs), 1);
  const Network<T> network(specs, 2);
  const Predictor<T> predictor(network, {}, Link::identity);
  const std::vector<T> out = predict(predictor, data.table(), 1);
  Workspace<T> workspace(network.stack(), data.rows, false);
  gather<T>(data.table(), {}, nullptr, 0, workspace.input());
  network.stack().forward(network.weights(), workspace, 0, data.rows, {});
  const Index outputs = predictor.outputs();
  for (Index i = 0; i < data.rows; ++i) CHECK(same_bits(out.data() + i * outputs, workspace.output().row(i), outputs));
}

TEST(predictions_equal_the_networks_forward_pass) {
  for (const auto& specs :
       {mlp({3, 1}, "relu"), mlp({7, 20, 130, 5}, "gelu", 0.5), mlp({40, 300, 2, 64, 1}, "tanh", 0.1)}) {
    check_forward<float>(specs);
    check_forward<double>(specs);
  }
}

TEST(offsets_are_added_to_raw_outputs) {
  const Data<double> data(300, 3, 2);
  const Network<double> network(mlp({3, 8, 2}, "tanh"), 2);
  const Predictor<double> raw(network, {}, Link::identity), counts(network, {}, Link::exponential);
  const std::vector<double> without = predict(raw, data.table(), 1);
  std::vector<double> with(without.size()), twice(without.size());
  raw.predict(data.table(), with.data(), 1, {}, without.data());
  counts.predict(data.table(), twice.data(), 2, {}, without.data());
  for (std::size_t i = 0; i < without.size(); ++i) {
    CHECK(with[i] == 2 * without[i]);
    CHECK(std::abs(twice[i] - std::exp(with[i])) <= 1e-12 * twice[i]);
  }
}

TEST(a_predictor_keeps_its_snapshot) {
  const Data<float> data(20, 3, 1);
  Network<float> network(mlp({3, 8, 8, 1}, "relu"), 2);
  const Predictor<float> predictor(network, {}, Link::identity);
  const std::vector<float> before = predict(predictor, data.table(), 1);
  for (Index i = 0; i < network.values().size(); ++i) network.values()[i] *= 2;
  network.prepare();
  CHECK(same_bits(predict(predictor, data.table(), 1), before));
}

template <class T>
void check_concurrency() {
  const Data<T> data(2000, 30, 1);
  const Network<T> network(mlp({30, 200, 100, 3}, "silu"), 2);
  const Predictor<T> predictor(network, {}, Link::softmax);
  const std::vector<T> serial = predict(predictor, data.table(), 1);
  for (const int max_threads : testing::team_sizes())
    CHECK(same_bits(predict(predictor, data.table(), max_threads), serial));
  std::vector<std::thread> threads;
  for (int k = 0; k < 8; ++k)
    threads.emplace_back([&, k] {
      for (int repeat = 0; repeat < (testing::kSanitized ? 1 : 3); ++repeat)
        CHECK(same_bits(predict(predictor, data.table(), 1 + k % 2), serial));
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(many_threads_may_predict_at_once) {
  check_concurrency<float>();
  check_concurrency<double>();
}

template <class T>
void check_rows(const std::vector<LayerSpec>& specs) {
  const Data<T> data(230, testing::inputs_of(specs), 1);
  const Network<T> network(specs, 2);
  const Predictor<T> predictor(network, {}, Link::identity);
  const Index outputs = predictor.outputs();
  const std::vector<T> whole = predict(predictor, data.table(), 1);
  for (const Index count : {1, 2, 3, 8, 13, 111, 113})
    for (Index first = 0; first + count <= data.rows; first += count)
      CHECK(same_bits(predict(predictor, rows_of(data.table(), first, count), 1).data(), whole.data() + first * outputs,
                      count * outputs));
  CHECK(predict(predictor, rows_of(data.table(), 0, 0), 2).empty());
}

TEST(a_rows_bits_do_not_depend_on_its_batch) {
  for (const auto& specs : {mlp({5, 33, 17, 1}, "gelu"), mlp({70, 40, 9}, "mish")}) {
    check_rows<float>(specs);
    check_rows<double>(specs);
  }
}

/** Any element type and any strides give the same numbers, standardised alike. */
TEST(tables_may_lie_in_any_way) {
  constexpr Index rows = 50, cols = 6;
  std::vector<std::int16_t> x(rows * cols);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<std::int16_t>(mix32(static_cast<std::uint32_t>(i)) % 200);
  const std::vector<double> as_double(x.begin(), x.end());
  std::vector<double> by_columns(x.size());
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j)
      by_columns[static_cast<std::size_t>(j * rows + i)] = as_double[static_cast<std::size_t>(i * cols + j)];
  const auto inputs =
      std::make_shared<const Standardisation>(std::vector<double>(cols, 100), std::vector<double>(cols, 1.0 / 64));
  const Network<double> network(mlp({cols, 12, 2}, "tanh"), 2);
  const Predictor<double> predictor(network, inputs, Link::identity);
  const auto out = predict(predictor, testing::table_of(as_double.data(), rows, cols), 1);
  const Table shorts{reinterpret_cast<const char*>(x.data()), Scalar::i16, rows, cols, cols * 2, 2};
  CHECK(same_bits(predict(predictor, shorts, 1), out));
  const Table columns{reinterpret_cast<const char*>(by_columns.data()), Scalar::f64, rows, cols, 8, rows * 8};
  CHECK(same_bits(predict(predictor, columns, 1), out));
  const Table backwards{
      reinterpret_cast<const char*>(as_double.data() + (rows - 1) * cols), Scalar::f64, rows, cols, -cols * 8, 8};
  const auto reversed = predict(predictor, backwards, 1);
  for (Index i = 0; i < rows; ++i) CHECK(same_bits(reversed.data() + i * 2, out.data() + (rows - 1 - i) * 2, 2));
}

/** The mean of networks on rows that are standardised alike: what single predictors give, added up in their order. */
template <class T>
void check_mean(const std::vector<std::vector<LayerSpec>>& networks, Link link, Index n_inputs) {
  const Data<T> data(300, n_inputs, 1);
  const auto columns = static_cast<std::size_t>(n_inputs);
  const auto inputs = std::make_shared<const Standardisation>(std::vector<double>(columns, 0.1),
                                                              std::vector<double>(columns, 1.5), n_inputs, true);
  std::vector<Predictor<T>> single;
  std::vector<T> weights, expected;
  T total = 0;
  for (std::size_t k = 0; k < networks.size(); ++k) {
    single.emplace_back(Network<T>(networks[k], k), inputs, link);
    weights.push_back(T(1) / static_cast<T>(k + 2));
    const std::vector<T> own = predict(single[k], data.table(), 1);
    expected.resize(own.size());
    for (std::size_t i = 0; i < own.size(); ++i) {
      const volatile T weighted = weights[k] * own[i];  // rounded before it is added
      expected[i] = k == 0 ? T(weighted) : expected[i] + weighted;
    }
    total += weights[k];
  }
  for (T& mean : expected) mean /= total;
  std::vector<const Predictor<T>*> all;
  for (const Predictor<T>& own : single) all.push_back(&own);
  const auto mean = Predictor<T>::mean_of(all, weights);
  for (const int max_threads : {1, 3}) CHECK(same_bits(predict(mean, data.table(), max_threads), expected));
  const Index outputs = mean.outputs();
  for (Index row = 0; row < 20; ++row)
    CHECK(same_bits(predict(mean, rows_of(data.table(), row, 1), 1).data(), expected.data() + row * outputs, outputs));
}

TEST(a_mean_of_predictors_is_that_of_their_predictions) {
  const auto embedded = testing::tabular(3, 0, {}, {8, 40}, 2, "silu");
  check_mean<float>({embedded, mlp({3, 70, 2}, "relu"), mlp({3, 130, 33, 2}, "gelu", 0.5)}, Link::softmax, 3);
  check_mean<double>({mlp({20, 4, 1}, "tanh"), mlp({20, 1}, "tanh")}, Link::exponential, 20);
}

TEST(only_predictors_alike_have_a_mean) {
  const Network<float> network(mlp({3, 2, 1}, "relu"), 1), wider(mlp({4, 2, 1}, "relu"), 1);
  const Predictor<float> one(network, {}, Link::identity), other(network, {}, Link::logistic),
      of_more(wider, {}, Link::identity);
  CHECK_THROWS(Predictor<float>::mean_of({&one, &other}, {1, 1}), "predictors");
  CHECK_THROWS(Predictor<float>::mean_of({&one, &of_more}, {1, 1}), "predictors");
  CHECK_THROWS(Predictor<float>::mean_of({&one}, {1, 1}), "weights");
  CHECK_THROWS(Predictor<float>::mean_of({}, {}), "predictors");
}

TEST(inputs_fit_the_network) {
  const Network<float> network(mlp({3, 2, 1}, "relu"), 1);
  const auto of_two = std::make_shared<const Standardisation>(std::vector<double>(2, 0), std::vector<double>(2, 1));
  CHECK_THROWS(Predictor<float>(network, of_two, Link::identity), "inputs");
}

TEST(numbers_fit_the_outputs) {
  using Decoding = NumberDecoding;
  for (const auto& good : {Decoding{{2}, {1}}, Decoding{{2, 3}, {1}, {0}, {1}}, Decoding{{1}, {0, 1}, {0, 1}, {2, 3}}})
    CHECK(good.fits(2));
  for (const auto& bad : {Decoding{}, Decoding{{2, 3, 4}, {1}}, Decoding{{2}, {1}, {0}, {}},
                          Decoding{{2}, {1}, {}, {0}}, Decoding{{2}, {1}, {0, 1, 2}, {0, 1, 2}}})
    CHECK(!bad.fits(2));
}

TEST(labels_that_last_bits_decide_are_left_to_others) {
  const double gap = 1e-9, nan = std::numeric_limits<double>::quiet_NaN();
  const auto of = [](const std::vector<double>& outputs) {
    return most_probable(outputs.data(), static_cast<Index>(outputs.size()));
  };
  CHECK(of({0.2, 0.5, 0.3}) == 1 && of({0.5, 0.2, 0.3}) == 0 && of({0.2, 0.3, 0.5}) == 2);
  CHECK(of({0.4, 0.4 + gap, 0.2}) == -1 && of({0.2, 0.4, 0.4 - gap}) == -1 && of({0.4 + gap, 0.2, 0.4}) == -1);
  CHECK(of({0.6}) == 1 && of({0.4}) == 0 && of({0.5 + gap}) == -1 && of({0.5}) == -1);
  CHECK(of({nan}) == -1 && of({0.9, nan}) == -1 && of({nan, 0.9}) == -1);
  CHECK(is_probable(0.7) == 1 && is_probable(0.3) == 0 && is_probable(0.5 - gap) == -1 && is_probable(nan) == -1);
}

/** The memory that a thread keeps for its predictions may hold anything, and what is predicted for one row does not
 * depend on it. */
TEST(what_earlier_rows_left_in_memory_is_not_read) {
  const std::vector<float> missing(40, std::numeric_limits<float>::quiet_NaN());
  const Data<float> data(1, 5, 1);
  for (const auto& specs : {mlp({5, 1}, "relu"), mlp({5, 18, 3}, "mish"), testing::tabular(5, 0, {}, {9}, 1, "silu")}) {
    const Predictor<float> predictor(Network<float>(specs, 2), {}, Link::identity);
    const Predictor<float> wide(Network<float>(mlp({40, 50, 40}, "tanh"), 2), {}, Link::identity);
    const std::vector<float> before = predict(predictor, data.table(), 1);
    CHECK(std::isnan(predict(wide, testing::table_of(missing.data(), 1, 40), 1)[0]));
    CHECK(same_bits(predict(predictor, data.table(), 1), before));
  }
}

TEST(a_long_prediction_can_be_interrupted) {
  // The same row over and over, for minutes.
  const std::vector<float> row(64, 0.5f);
  Table table = testing::table_of(row.data(), Index{1} << 24, 64);
  table.row_stride = 0;
  const Network<float> network(mlp({64, 512, 512, 1}, "tanh"), 2);
  const Predictor<float> predictor(network, {}, Link::identity);
  const std::unique_ptr<float[]> out(new float[std::size_t{1} << 24]);
  for (const int n_threads : {1, 2})
    CHECK_THROWS(predictor.predict(table, out.get(), n_threads, [] { throw std::invalid_argument("on purpose"); }),
                 "on purpose");
}

TEST(links_turn_outputs_into_predictions) {
  const Data<double> data(40, 4, 1);
  Network<double> network(mlp({4, 10, 3}, "relu"), 2);
  for (Index i = 0; i < network.values().size(); ++i) network.values()[i] *= 30;  // far into both tails
  network.prepare();
  const auto by = [&](const char* link) {
    return predict(Predictor<double>(network, {}, link_from_name(link)), data.table(), 1);
  };
  const std::vector<double> z = by("identity"), logistic = by("logistic"), softmax = by("softmax"),
                            exponential = by("exponential");
  for (std::size_t i = 0; i < z.size(); ++i) {
    CHECK_NEAR(logistic[i], 1 / (1 + std::exp(-z[i])), 1e-15);
    const double e = std::exp(z[i]);  // denormals are flushed, or are the least normal number
    CHECK_NEAR(exponential[i], e, std::max(1e-15 * e, 2 * std::numeric_limits<double>::min()));
  }
  for (std::size_t i = 0; i < z.size(); i += 3) {
    CHECK_NEAR(softmax[i] + softmax[i + 1] + softmax[i + 2], 1, 4e-16);
    CHECK_NEAR(softmax[i], 1 / (1 + std::exp(z[i + 1] - z[i]) + std::exp(z[i + 2] - z[i])), 1e-14);
  }
  CHECK_THROWS(link_from_name("logit"), "link");
}

TEST(links_of_several_kinds_of_outputs) {
  const Data<double> data(40, 4, 1);
  Network<double> network(mlp({4, 10, 6}, "relu"), 2);
  for (Index i = 0; i < network.values().size(); ++i) network.values()[i] *= 30;
  network.prepare();
  const auto by = [&](const Link& link) { return predict(Predictor<double>(network, {}, link), data.table(), 1); };
  const std::vector<double> z = by(Link::identity), gaussian = by(Link::gaussian),
                            heads = by({Link::softmax, {1, 3, 2}}), in_order = by(Link::continuation_ratio);
  for (std::size_t row = 0; row < 40; ++row) {
    const double *raw = &z[6 * row], *classes = &in_order[7 * row];
    double reached = 1;
    for (std::size_t k = 0; k < 6; ++k) {
      const double goes_on = 1 / (1 + std::exp(-raw[k])), stops = 1 / (1 + std::exp(raw[k]));
      CHECK_NEAR(classes[k], reached * stops, 1e-14 * reached * stops + 1e-300);
      reached *= goes_on;
    }
    CHECK_NEAR(classes[6], reached, 1e-14 * reached + 1e-300);
    for (std::size_t k = 0; k < 3; ++k) {
      const double deviation = std::log1p(std::exp(-std::abs(raw[3 + k]))) + std::max(raw[3 + k], 0.0) + 1e-3;
      CHECK(gaussian[6 * row + k] == raw[k]);
      CHECK_NEAR(gaussian[6 * row + 3 + k], deviation * deviation, 1e-14 * deviation * deviation);
    }
    CHECK(heads[6 * row] == 1);
    CHECK_NEAR(heads[6 * row + 1], 1 / (1 + std::exp(raw[2] - raw[1]) + std::exp(raw[3] - raw[1])), 1e-14);
    CHECK_NEAR(heads[6 * row + 4], 1 / (1 + std::exp(raw[5] - raw[4])), 1e-14);
  }
  CHECK_THROWS(by({Link::softmax, {1, 3}}), "link");
  CHECK_THROWS(link_from_name("softmax", {2, 0}), "heads");
  CHECK_THROWS(link_from_name("logistic", {2}), "heads");
  // Of which the sum would be 3 again if it were computed.
  constexpr Index kHuge = Index{1} << 62;
  CHECK(!Link(Link::softmax, {kHuge, kHuge, kHuge, kHuge, 3}).fits(3));
  CHECK_THROWS(Predictor<double>(Network<double>(mlp({4, 3}, "relu"), 2), {}, Link::gaussian), "link");
}

TEST(the_variance_of_a_mixture_has_that_of_its_means) {
  const std::vector<double> of_networks = {1, 0.5, 4, 0.25}, weights = {0.25, 0.75};  // mean and variance of each
  double mixture[2];
  weighted_mean(of_networks.data(), 2, weights, mixture);
  add_variance_of_means(of_networks.data(), 1, 1, weights, mixture);
  CHECK_NEAR(mixture[0], 3.25, 1e-15);
  CHECK_NEAR(mixture[1], 0.3125 + 0.25 * 2.25 * 2.25 + 0.75 * 0.75 * 0.75, 1e-15);
}

}  // namespace
}  // namespace fastmlp
