// What raw tables need: filling and clipping of gathered rows, the layers in front of the dense ones, starts that are
// fitted to data, schedules, fits under a time limit.
#include <limits>
#include <numbers>

#include "check.h"
#include "data.h"
#include "kernels/periodic.h"
#include "kernels/piecewise.h"
#include "matrices.h"
#include "nn/embedding.h"
#include "predict/predictor.h"
#include "train/trainer.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::kNan;
using testing::mlp;
using testing::Owned;
using testing::tabular;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/** Gathers one row of doubles into a network's row. */
template <class T>
std::vector<T> gathered(const std::vector<double>& row, const Standardisation& inputs) {
  const Index n = static_cast<Index>(row.size());
  Buffer<T> to(row_stride<T>(n));
  const Matrix<T> out{to.data(), 1, n, row_stride<T>(n)};
  gather<T>(testing::table_of(row.data(), 1, n), inputs, nullptr, 0, out);
  return {to.data(), to.data() + n};
}

template <class T>
void check_filling() {
  // Numbers in the first columns, as many as make whole packets and some; a code at the end.
  std::vector<double> row, shift, scale;
  constexpr Index kNumbers = 37;
  for (Index j = 0; j < kNumbers; ++j) {
    row.push_back(j % 5 == 3 ? kNaN : 0.7 * static_cast<double>(j) - 9);
    shift.push_back(1);
    scale.push_back(2);
  }
  row.push_back(5);
  shift.push_back(0);
  scale.push_back(1);
  row[0] = 1e30;
  row[1] = -1e30;
  for (const bool clips : {false, true}) {
    const std::vector<T> got = gathered<T>(row, {shift, scale, kNumbers, clips});
    for (Index j = 0; j < kNumbers; ++j) {
      const double x = (row[static_cast<std::size_t>(j)] - 1) * 2;
      const double clipped = clips ? x / std::sqrt(1 + x * x / 9) : x;
      const double expected = std::isnan(x) ? 0 : clipped;
      CHECK_NEAR(got[static_cast<std::size_t>(j)], expected,
                 4 * std::numeric_limits<T>::epsilon() * std::max(1.0, std::abs(expected)));
    }
    CHECK(got.back() == 5);
  }
  // Without a scale, columns stay as they are except for missing values; without filling NaN stays.
  const std::vector<T> filled = gathered<T>({kNaN, 2, kNaN}, {{}, {}, 2, false});
  CHECK(filled[0] == 0 && filled[1] == 2 && std::isnan(filled[2]));
}

TEST(missing_numbers_are_filled_and_outliers_drawn_in) {
  check_filling<float>();
  check_filling<double>();
  CHECK_THROWS(Standardisation({1}, {1}, -1, false), "n_filled");
  CHECK((Standardisation({1, 2}, {1, 1}, 2, false).fits(2)));
  CHECK(!(Standardisation({1, 2}, {1, 1}, 2, false).fits(3)));
  CHECK(!(Standardisation({}, {}, 4, false).fits(3)));
}

/** Rows of every kind of length, with NaN everywhere and memory behind them that nobody may touch. */
template <class T>
void check_filling_of_rows(Index rows, Index cols, Index filled, bool clips) {
  constexpr T kUntouched = T(-77);
  const Index stride = row_stride<T>(cols);
  std::vector<T> table(static_cast<std::size_t>(rows * cols));
  testing::fill_uniform(table.data(), rows * cols, 5);
  for (std::size_t i = 0; i < table.size(); i += 3) table[i] = static_cast<T>(kNaN);
  Buffer<T> to((rows + 1) * stride);
  std::fill_n(to.data(), to.size(), kUntouched);
  gather<T>(testing::table_of(table.data(), rows, cols), {{}, {}, filled, clips}, nullptr, 0,
            {to.data(), rows, cols, stride});
  for (Index i = 0; i <= rows; ++i)
    for (Index j = 0; j < stride; ++j) {
      const T got = to.data()[i * stride + j];
      if (i == rows || j >= cols) {
        CHECK(got == kUntouched);
        continue;
      }
      const T x = table[static_cast<std::size_t>(i * cols + j)];
      if (j >= filled)
        CHECK(std::isnan(x) ? std::isnan(got) : got == x);
      else if (std::isnan(x))
        CHECK(got == 0);
      else if (clips)
        CHECK_NEAR(got, x / std::sqrt(1 + x * x / 9), 2 * std::numeric_limits<T>::epsilon());
      else
        CHECK(got == x);
    }
}

TEST(numbers_are_filled_and_what_lies_beside_them_stays) {
  for (const Index rows : {1, 15, 16, 17, 40})
    for (Index cols = 1; cols <= 40; ++cols)
      for (const Index filled : {Index{0}, Index{1}, cols / 2, cols - 1, cols})
        for (const bool clips : {false, true}) {
          check_filling_of_rows<float>(rows, cols, filled, clips);
          check_filling_of_rows<double>(rows, cols, filled, clips);
        }
}

template <class T>
void check_embedding(Index n_numbers) {
  std::vector<std::vector<double>> bin_edges;
  for (Index j = 0; j < n_numbers; ++j) {
    const double first = -0.5 - 0.01 * static_cast<double>(j);
    bin_edges.push_back({first, first + 0.3, first + 0.3, 0.9});  // the second step is empty
  }
  const Embedding<T> layer({n_numbers, 1, true, 0.7, bin_edges, {{3, 0}, {4, 2}}});
  Buffer<T> values(layer.n_parameters());
  RandomSequence random(7);
  layer.initialise(values.data(), random);
  const Index n = layer.inputs(), outputs = layer.outputs();
  CHECK(outputs == (1 + kPeriodicFeatures + kPiecewiseFeatures) * n_numbers + 1 + 3 + 2);
  constexpr Index kRows = 5;
  Buffer<T> in_memory(kRows * row_stride<T>(n)), out_memory(kRows * row_stride<T>(outputs));
  const Matrix<T> in{in_memory.data(), kRows, n, row_stride<T>(n)};
  const Matrix<T> out{out_memory.data(), kRows, outputs, row_stride<T>(outputs)};
  for (Index i = 0; i < kRows; ++i) {
    testing::fill_uniform(in.row(i), n, static_cast<std::uint64_t>(i) + 1);
    // Codes: unknown, known, the last, too large, none at all.
    const double codes[] = {0, 2, 3, 99, kNaN};
    in.row(i)[n - 2] = in.row(i)[n - 1] = static_cast<T>(codes[i]);
  }
  layer.forward({values.data(), nullptr, nullptr}, {in, {}}, out, {}, {});
  const auto array = [&](std::size_t a) {
    const ParameterArray p = layer.arrays()[a];
    return Matrix<const T>{values.data() + p.offset, p.shape[0], p.shape[1], p.strides[0]};
  };
  const Matrix<const T> periodic = array(0), biases = array(1), piecewise = array(2), vectors = array(3);
  for (Index i = 0; i < kRows; ++i) {
    for (Index j = 0; j < n_numbers; ++j) {
      const double x = static_cast<double>(in.row(i)[j]);
      for (Index k = 0; k < kPeriodicFeatures; ++k) {
        double sum = static_cast<double>(biases.row(kFrequencies + k)[j]);
        for (Index f = 0; f < kFrequencies; ++f)
          sum += static_cast<double>(periodic.row((1 + k) * kFrequencies + f)[j]) *
                 std::cos(2 * std::numbers::pi * static_cast<double>(periodic.row(f)[j]) * x +
                          static_cast<double>(biases.row(f)[j]));
        CHECK_NEAR(out.row(i)[k * n_numbers + j], sum, 40 * std::numeric_limits<T>::epsilon());
      }
    }
    for (Index j = 0; j < n_numbers; ++j) {
      const std::vector<double>& own = bin_edges[static_cast<std::size_t>(j)];
      for (Index k = 0; k < kPiecewiseFeatures; ++k) {
        double sum = 0;
        for (std::size_t s = 0; s < 3; ++s)
          if (own[s] < own[s + 1])
            sum += static_cast<double>(piecewise.row(k * 3 + static_cast<Index>(s))[j]) *
                   std::clamp((static_cast<double>(in.row(i)[j]) - own[s]) / (own[s + 1] - own[s]), 0.0, 1.0);
        CHECK_NEAR(out.row(i)[(kPeriodicFeatures + k) * n_numbers + j], sum, 10 * std::numeric_limits<T>::epsilon());
      }
    }
    for (Index j = 0; j < n_numbers + 1; ++j)
      CHECK(out.row(i)[(kPeriodicFeatures + kPiecewiseFeatures) * n_numbers + j] == in.row(i)[j]);
    const Index one_hot = (1 + kPeriodicFeatures + kPiecewiseFeatures) * n_numbers + 1, code = i == 1   ? 2
                                                                                               : i == 2 ? 3
                                                                                                        : 0;
    for (Index c = 1; c <= 3; ++c) CHECK(out.row(i)[one_hot + c - 1] == T(c == code));
    for (Index j = 0; j < 2; ++j) CHECK(out.row(i)[one_hot + 3 + j] == vectors.row(code)[j]);
    for (Index j = outputs; j < padded<T>(outputs); ++j) CHECK(out.row(i)[j] == 0);
  }
}

TEST(embeddings_equal_their_definition) {
  for (const Index n_numbers : {1, 8, 37}) {
    check_embedding<float>(n_numbers);
    check_embedding<double>(n_numbers);
  }
}

/** Both embeddings of numbers and their gradients by naive loops in double. Among NaN: nothing but the features of a
 * task may be read or written, and no row but those asked for. */
template <class T>
void check_kernels(Index rows, Index n) {
  using Parameters = PeriodicParameters<T>;
  constexpr Index kSteps = 3;
  const auto random = [](Index height, Index cols, std::uint64_t seed, T padding) {
    Owned<T> made(height, cols);
    made.randomise(seed, padding, false);
    return made;
  };
  const Owned<T> in = random(rows, n, 1, kNan<T>), delta = random(rows, kPiecewiseFeatures * n, 2, kNan<T>);
  const Owned<T> weights = random(Parameters::weight_rows, n, 3, 0), bias = random(Parameters::bias_rows, n, 4, 0);
  const Owned<T> start = random(kSteps, n, 5, 0), slope = random(kSteps, n, 6, 0),
                 sums = random(kPiecewiseFeatures * kSteps, n, 7, 0);
  const auto at = [](const Owned<T>& m, Index row, Index col) { return static_cast<double>(m.m.row(row)[col]); };
  constexpr double kError = 50 * std::numeric_limits<T>::epsilon();

  const auto phase = [&](Index i, Index f, Index j) {
    return 2 * std::numbers::pi * at(weights, f, j) * at(in, i, j) + at(bias, f, j);
  };
  const auto step = [&](Index i, Index s, Index j) {
    return std::clamp((at(in, i, j) - at(start, s, j)) * at(slope, s, j), 0.0, 1.0);
  };
  const auto check_forward = [&](Index outputs, auto&& embed, auto&& expected) {
    Owned<T> out(rows, outputs * n);
    out.fill(kNan<T>);
    embed(in.m, out.m);
    Owned<T> alone(1, outputs * n);
    for (Index i = 0; i <= rows; ++i) {
      if (i < rows) embed(in.m.slice(i, 1), alone.m);
      for (Index j = 0; j < out.m.stride; ++j) {
        const T got = out.m.row(i)[j];
        if (i == rows || j >= outputs * n) {
          CHECK(std::isnan(got));
        } else {
          CHECK_NEAR(got, expected(i, j / n, j % n), kError);
          CHECK(got == alone.m.row(0)[j]);
        }
      }
    }
  };
  check_forward(
      kPeriodicFeatures, [&](Matrix<const T> x, Matrix<T> out) { periodic<T>({weights.m, bias.m}, x, out); },
      [&](Index i, Index k, Index j) {
        double sum = at(bias, kFrequencies + k, j);
        for (Index f = 0; f < kFrequencies; ++f)
          sum += at(weights, (1 + k) * kFrequencies + f, j) * std::cos(phase(i, f, j));
        return sum;
      });
  const Steps<T> steps{start.m, slope.m};
  check_forward(
      kPiecewiseFeatures, [&](Matrix<const T> x, Matrix<T> out) { piecewise<T>(steps, sums.m, x, out); },
      [&](Index i, Index k, Index j) {
        double sum = 0;
        for (Index s = 0; s < kSteps; ++s) sum += at(sums, k * kSteps + s, j) * step(i, s, j);
        return sum;
      });

  // Gradients: of all features at once, and of those from the first line on; from nothing, and added.
  const auto derivative = [&](Index i, Index f, Index j) {
    double by_cosine = 0;
    for (Index k = 0; k < kPeriodicFeatures; ++k)
      by_cosine += at(delta, i, k * n + j) * at(weights, (1 + k) * kFrequencies + f, j);
    return -by_cosine * std::sin(phase(i, f, j));
  };
  for (Index first = 0; first < n; first += padded<T>(1))
    for (const bool add : {false, true}) {
      const auto check = [&](const Owned<T>& got, Index row, double scale, auto&& term) {
        for (Index j = 0; j < got.m.cols; ++j) {
          double expected = add;
          for (Index i = 0; i < rows; ++i) expected += term(i, first + j);
          CHECK_NEAR(got.m.row(row)[j], expected, scale * kError * static_cast<double>(rows));
        }
      };
      const auto result = [&](Index height) {
        Owned<T> made(height, n - first);
        made.fill(add ? T(1) : kNan<T>);
        return made;
      };
      const Owned<T> to_weights = result(Parameters::weight_rows), to_bias = result(Parameters::bias_rows),
                     to_sums = result(kPiecewiseFeatures * kSteps);
      periodic_gradient<T>({weights.m, bias.m}, in.m, delta.m, first, n, {to_weights.m, to_bias.m}, add);
      piecewise_gradient<T>(steps, in.m, delta.m, first, to_sums.m, add);
      for (Index f = 0; f < kFrequencies; ++f) {
        check(to_weights, f, 10,
              [&](Index i, Index j) { return 2 * std::numbers::pi * at(in, i, j) * derivative(i, f, j); });
        check(to_bias, f, 1, [&](Index i, Index j) { return derivative(i, f, j); });
        for (Index k = 0; k < kPeriodicFeatures; ++k)
          check(to_weights, (1 + k) * kFrequencies + f, 1,
                [&](Index i, Index j) { return at(delta, i, k * n + j) * std::cos(phase(i, f, j)); });
      }
      for (Index k = 0; k < kPeriodicFeatures; ++k)
        check(to_bias, kFrequencies + k, 1, [&](Index i, Index j) { return at(delta, i, k * n + j); });
      for (Index k = 0; k < kPiecewiseFeatures; ++k)
        for (Index s = 0; s < kSteps; ++s)
          check(to_sums, k * kSteps + s, 1, [&](Index i, Index j) { return at(delta, i, k * n + j) * step(i, s, j); });
    }
}

TEST(embeddings_and_gradients_of_few_and_many_rows_and_columns) {
  for (const Index rows : {1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 40, 130})
    for (const Index n : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40}) {
      const bool odd = (rows + n) % 2;  // under a sanitizer float and double take turns
      if (!testing::kSanitized || !odd) check_kernels<float>(rows, n);
      if (!testing::kSanitized || odd) check_kernels<double>(rows, n);
    }
}

/** Whatever the input, periodic embeddings are bounded as sums of cosines are, piecewise-linear ones as sums of steps.
 */
TEST(embeddings_of_huge_numbers_are_bounded) {
  const auto check = [&]<class T>(T) {
    const Embedding<T> layer(
        {.n_numbers = 1, .periodic = true, .sigma = 5, .bin_edges = {{-1e300, -1e299, 0, 1e-310, 1e-6, 1e300}}});
    Buffer<T> values(layer.n_parameters());
    RandomSequence random(7);
    layer.initialise(values.data(), random);
    const Index n = layer.outputs();
    Buffer<T> in(row_stride<T>(1)), out(row_stride<T>(n));
    for (double x = 1; x <= static_cast<double>(std::numeric_limits<T>::max()); x *= 7.3)
      for (const double sign : {1.0, -1.0}) {
        in[0] = static_cast<T>(sign * x);
        layer.forward({values.data(), nullptr, nullptr}, {{in.data(), 1, 1, row_stride<T>(1)}, {}},
                      {out.data(), 1, n, row_stride<T>(n)}, {}, {});
        for (Index k = 0; k < kPeriodicFeatures; ++k) CHECK(std::abs(out[k]) <= T(kFrequencies + 1) / 4);
        for (Index k = 0; k < kPiecewiseFeatures; ++k) CHECK(std::abs(out[kPeriodicFeatures + k]) <= T(2.25));
      }
  };
  check(0.0f);
  check(0.0);
}

TEST(bad_embeddings_are_refused) {
  CHECK_THROWS(Embedding<float>({.n_numbers = -1, .n_flags = 1}), "Embedding");
  CHECK_THROWS(Embedding<float>({.periodic = true}), "at least one output");
  CHECK_THROWS(Embedding<float>({.n_numbers = 1, .sigma = kNaN}), "sigma");
  CHECK_THROWS(Embedding<float>({.n_numbers = 1, .categories = {{-1, 0}}}), "categories");
  CHECK_THROWS(Embedding<float>({.n_numbers = 1, .categories = {{3, Index{1} << 40}}}), "categories");
  CHECK_THROWS(Embedding<float>({.n_numbers = Index{1} << 62, .n_flags = Index{1} << 62}), "too large");
  CHECK_THROWS(Embedding<float>({.n_numbers = 2, .bin_edges = {{0, 1}}}), "for each of the 2 numbers; got 1");
  CHECK_THROWS(Embedding<float>({.n_numbers = 2, .bin_edges = {{0, 1}, {0, 1, 2}}}), "as many for all");
  CHECK_THROWS(Embedding<float>({.n_numbers = 1, .bin_edges = {{0}}}), "at least two");
  CHECK_THROWS(Embedding<float>({.n_numbers = 1, .bin_edges = {{0, kNaN}}}), "finite");
  CHECK_THROWS(Embedding<float>({.n_numbers = 1, .bin_edges = {{0, 2, 1}}}), "ascend");
  std::vector<LayerSpec> late = tabular(2, 0, {}, {3}, 1, "mish");
  late.insert(late.begin(), DenseSpec{2, 2, Activation::relu});
  CHECK_THROWS(Stack<float>(late), "only the first layer");
  CHECK_THROWS(Stack<float>({DenseSpec{2, 2, Activation::identity, true}}), "parametric");
}

template <class T>
void check_start() {
  const Data<T> data(400, 6, 1);
  Network<T> network(tabular(6, 0, {}, {40, 30}, 2, "mish"), 5);
  Workspace<T> workspace(network.stack(), data.rows, true);
  gather<T>(data.table(), {}, nullptr, 0, workspace.input());
  network.stack().initialise_from(workspace.input(), network.values().data(), 5);
  network.prepare();
  // The last layer is linear, so its outputs are what the start makes of variance one.
  network.stack().forward(network.weights(), workspace, 0, data.rows, Pass{true, 5, 0, 0});
  for (Index j = 0; j < 2; ++j) {
    double mean = 0, square = 0, low = 1e9, high = -1e9;
    for (Index i = 0; i < data.rows; ++i) {
      const double z = static_cast<double>(workspace.output().row(i)[j]);
      mean += z / static_cast<double>(data.rows);
      square += z * z / static_cast<double>(data.rows);
      low = std::min(low, z);
      high = std::max(high, z);
    }
    CHECK_NEAR(square - mean * mean, 1, 1e-4);
    CHECK(low < 0 && high > 0);  // the kink lies inside the data
  }
}

TEST(starts_from_data_have_variance_one_and_kinks_inside) {
  check_start<float>();
  check_start<double>();
}

TEST(starts_from_equal_rows_are_finite) {
  Network<float> network(tabular(3, 0, {}, {8}, 1, "selu"), 5);
  Buffer<float> memory(4 * row_stride<float>(3));
  network.stack().initialise_from({memory.data(), 4, 3, row_stride<float>(3)}, network.values().data(), 5);
  for (const float value : copy_of(network.values())) CHECK(std::isfinite(value));
}

TEST(schedules_have_their_shape) {
  const ScheduleOptions options = schedule_options("coslog4", 0.3, 0.5, 0);
  const LearningRate rate(options, 1500);
  for (const double t : {0.0, 0.01, 0.25, 0.5, 0.8}) {
    const double expected = 0.15 * (1 - std::cos(2 * std::numbers::pi * std::log2(1 + 15 * t)));
    CHECK_NEAR(rate.at(static_cast<std::uint64_t>(std::lround(1500 * t)), 0), expected, 1e-12);
  }
  for (const int cycle : {0, 1, 2, 3})  // ends where 15 t + 1 is a power of two
    CHECK_NEAR(rate.at(static_cast<std::uint64_t>((1 << cycle) - 1) * 100, 0), 0, 1e-12);
  CHECK_NEAR(rate.at(3000, 0), 0, 1e-12);
  CHECK(flat_cos(0) == 1 && flat_cos(0.5) == 1);
  CHECK_NEAR(flat_cos(0.75), 0.5, 1e-12);
  CHECK_NEAR(flat_cos(1), 0, 1e-12);
}

TEST(what_is_watched_may_come_from_the_caller) {
  const Data<double> data(120, 4, 2);
  Dataset<double> train = data.dataset(), validation = data.dataset();
  train.rows.assign(data.order.begin(), data.order.begin() + 80);
  validation.rows.assign(data.order.begin() + 80, data.order.end());
  Network<double> network(mlp({4, 8, 2}, "relu"), 3);
  Optimizer<double> optimizer({}, network.stack());
  TrainOptions options;
  options.max_iter = 10;
  options.early_stopping = options.reports_outputs = true;
  const Standardisation none;
  Trainer<double> trainer(network, optimizer, none, validation, options.for_rows(train.n_rows()));
  std::vector<double> third, last;
  trainer.on_epoch = [&](const EpochRecord& record) {
    CHECK(record.validation.outputs.rows == 40 && record.validation.outputs.cols == 2);
    CHECK(record.seconds >= 0);
    last = copy_of(network.values());
    if (record.epoch == 3) third = last;
    return EpochAnswer{false, record.epoch == 3 ? -1.0 : 1.0};
  };
  const TrainResult result = trainer.run(train);
  CHECK(result.best_epoch == 3);
  CHECK(result.watched_curve.size() == 10);
  CHECK(testing::same_bits(copy_of(network.values()), third));
}

TEST(weights_kept_are_the_mean_over_the_last_epochs) {
  const Data<double> data(120, 4, 2);
  Dataset<double> train = data.dataset(), validation = data.dataset();
  train.rows.assign(data.order.begin(), data.order.begin() + 80);
  validation.rows.assign(data.order.begin() + 80, data.order.end());
  for (const double max_grad_norm : {0.0, 1e-3})
    for (const int n_threads : {1, 3}) {
      Network<double> network(mlp({4, 40, 2}, "relu"), 3);
      Optimizer<double> optimizer({}, network.stack());
      network.steps = 7;  // of training before
      TrainOptions options;
      options.max_iter = 12;    // the mean over a window begins with the tenth
      options.batch_size = 80;  // one step an epoch
      options.n_threads = n_threads;
      options.step.max_grad_norm = max_grad_norm;
      options.early_stopping = options.reports_outputs = true;
      options.average_epochs = 3;
      const Standardisation none;
      Trainer<double> trainer(network, optimizer, none, validation, options.for_rows(train.n_rows()));
      std::vector<double> mean, outputs;
      trainer.on_epoch = [&](const EpochRecord& record) {
        const std::vector<double> now = copy_of(network.values());
        mean.resize(now.size());
        const double share = std::max(4.0 / static_cast<double>(record.epoch + 3), 1.0 / 3);
        for (std::size_t i = 0; i < now.size(); ++i) mean[i] += share * (now[i] - mean[i]);
        outputs.assign(record.validation.outputs.data, record.validation.outputs.data + 80);
        return EpochAnswer{false, -static_cast<double>(record.epoch)};
      };
      const TrainResult result = trainer.run(train);
      CHECK(result.best_epoch == 12);
      const std::vector<double> kept = copy_of(network.values());
      for (std::size_t i = 0; i < mean.size(); ++i) CHECK_NEAR(kept[i], mean[i], 1e-15);
      // What was validated is what is kept.
      std::vector<double> predicted(120 * 2);
      Predictor<double>(network, {}, Link::identity).predict(data.table(), predicted.data(), 1);
      for (std::size_t i = 0; i < 80; ++i) CHECK_NEAR(outputs[i], predicted[160 + i], 1e-14);
    }
}

TEST(what_is_no_number_is_no_progress) {
  const Data<double> data(60, 3, 1);
  Network<double> network(mlp({3, 4, 1}, "relu"), 3);
  Optimizer<double> optimizer({}, network.stack());
  TrainOptions options;
  options.max_iter = 1000;
  options.n_iter_no_change = 5;
  options.early_stopping = options.reports_outputs = true;
  const Standardisation none;
  Trainer<double> trainer(network, optimizer, none, data.dataset(), options.for_rows(data.rows));
  trainer.on_epoch = [&](const EpochRecord& record) { return EpochAnswer{false, record.epoch == 2 ? 1.0 : kNaN}; };
  const TrainResult result = trainer.run(data.dataset());
  CHECK(result.best_epoch == 2);
  CHECK(result.n_iter == 2 + 5 + 1);
}

TEST(patience_grows_with_the_best_epoch) {
  const Data<double> data(60, 3, 1);
  Dataset<double> train = data.dataset(), validation = data.dataset();
  Network<double> network(mlp({3, 4, 1}, "relu"), 3);
  Optimizer<double> optimizer({}, network.stack());
  TrainOptions options;
  options.max_iter = 1000;
  options.tol = 0;
  options.n_iter_no_change = 5;
  options.patience_growth = 2;
  options.early_stopping = options.reports_outputs = true;
  const Standardisation none;
  Trainer<double> trainer(network, optimizer, none, validation, options.for_rows(train.n_rows()));
  trainer.on_epoch = [&](const EpochRecord& record) {
    return EpochAnswer{false, record.epoch <= 7 ? -static_cast<double>(record.epoch) : 1.0};
  };
  const TrainResult result = trainer.run(train);
  CHECK(result.best_epoch == 7);
  CHECK(result.reason == StopReason::no_improvement);
  CHECK(result.n_iter == 7 + 5 + 2 * 7 + 1);
}

}  // namespace
}  // namespace fastmlp
