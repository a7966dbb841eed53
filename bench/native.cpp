// The native benchmark: the kernels by size, and whole fits, against the measured peak of the same run. No Python.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/cpu.h"
#include "core/denormals.h"
#include "core/processors.h"
#include "core/team.h"
#include "kernels/activation.h"
#include "kernels/matrix_unit.h"
#include "kernels/optimizers/adam.h"
#include "kernels/optimizers/rmsprop.h"
#include "kernels/optimizers/sgd.h"
#include "kernels/packet.h"
#include "kernels/periodic.h"
#include "kernels/piecewise.h"
#include "kernels/product.h"
#include "kernels/vector_product.h"
#include "nn/dropout.h"
#include "predict/predictor.h"
#include "train/trainer.h"

namespace fastmlp {
namespace {

constexpr const char* kHelp =
    R"(usage: fastmlp_bench [kernels|steps] [options]

  kernels   peak multiply-add rate of one core, matrix products by size, activations, embeddings of numbers,
            dropout, optimiser updates, prediction of one row (one thread)
  steps     whole fits on synthetic data: seed, house, tiny, tab, mnist, wide, simplechains, and two networks
            such as the estimators' default preset trains, with validation and averaged weights: default, and
            categories, where one column has 10^5 of them
            without either: both

  --threads N   threads of the fits (default: all there are); a small fit takes fewer
  --repeats N   timed repetitions after the warm-up, whose median is shown (default 5; a fit stops repeating at 20 s)
  --only NAME   of steps: the fits whose name holds NAME; of kernels: the kernels whose name does
  --double      fits in float64 instead of float32
  --rows N      rows of the matrix products (default 256)
  --no-amx      products in vector registers only
  --quick       kernels at 15 sizes instead of 142
  --csv         comma-separated values instead of tables, to plot
)";

struct Options {
  bool kernels = true, steps = true, csv = false, quick = false, float64 = false, amx = true;
  int threads = available_threads();
  int repeats = 5;
  Index rows = 256;
  std::string only;
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/** Seconds of one call, once per repetition of as many calls as fill two milliseconds. */
template <class F>
std::vector<double> times_of(F&& f, int repeats) {
  constexpr double kEnough = 2e-3;
  long calls = 1;
  for (;;) {
    const auto start = Clock::now();
    for (long i = 0; i < calls; ++i) f();
    const double took = seconds_since(start);
    if (took >= kEnough) break;
    calls = std::max(calls * 2, static_cast<long>(static_cast<double>(calls) * 1.2 * kEnough / std::max(took, 1e-7)));
  }
  std::vector<double> times;
  for (int r = 0; r < repeats; ++r) {
    const auto start = Clock::now();
    for (long i = 0; i < calls; ++i) f();
    times.push_back(seconds_since(start) / static_cast<double>(calls));
  }
  return times;
}

template <class F>
double time_of(F&& f, int repeats) {
  return median(times_of(f, repeats));
}

template <class T>
constexpr const char* kType = sizeof(T) == 4 ? "float32" : "float64";

template <class T>
void randomise(T* to, Index n, std::uint64_t seed) {
  RandomSequence random(seed);
  for (Index i = 0; i < n; ++i) to[i] = static_cast<T>(2 * random.uniform() - 1);
}

constexpr int kChains = 12;  // more than the multiply-adds that can be in flight

/** `rounds` multiply-adds of each chain, all of them in registers; opaque, or the calls would be seen to be the same.
 */
template <class T>
[[gnu::noipa]] T chains(int rounds, T factor, T summand) {
  const simd::Packet<T> x = simd::set<T>(factor), y = simd::set<T>(summand);
  simd::Packet<T> sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = simd::set<T>(static_cast<T>(i));
  for (int round = 0; round < rounds; ++round)
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sums[i] = simd::pmadd(sums[i], x, y);
  for (int i = 1; i < kChains; ++i) sums[0] = simd::padd(sums[0], sums[i]);
  alignas(64) T lanes[simd::kWidth<T>];
  simd::store(lanes, sums[0]);
  return lanes[0];
}

/** FLOP/s of one core when nothing but registers is touched: the best of many tries, since it is a limit. */
template <class T>
double peak(int repeats) {
  constexpr int kRounds = 20000;
  volatile T sink = 0;
  const std::vector<double> times = times_of([&] { sink = chains<T>(kRounds, T(0.5), T(1)); }, 10 * repeats);
  return 2.0 * kChains * kRounds * simd::kWidth<T> / *std::min_element(times.begin(), times.end());
}

/** Rows of a table, aligned for the eye or separated by commas. */
class Printer {
 public:
  explicit Printer(bool csv) : csv_(csv) {}

  void header(const std::vector<std::string>& names) {
    if (!csv_) std::printf("\n");
    line(names);
  }
  void line(const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i)
      if (csv_)
        std::printf("%s%s", i ? "," : "", cells[i].c_str());
      else
        std::printf(i == 0 ? "%-22s" : "%12s", cells[i].c_str());
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  bool csv_;
};

std::string number(double x, const char* format = "%.4g") {
  char text[32];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

std::vector<Index> sizes(bool quick) {
  if (quick) return {1, 4, 8, 10, 16, 31, 32, 64, 100, 128, 256, 512, 1000, 1024, 2048};
  std::vector<Index> all;
  for (Index n = 1; n <= 130; ++n) all.push_back(n);
  for (Index n = 256; n <= 2048; n *= 2)
    for (const Index around : {n - 1, n, n + 1}) all.push_back(around);
  return all;
}

template <class T>
struct Owned {
  Buffer<T> memory;
  Matrix<T> m;
  Owned(Index rows, Index cols, std::uint64_t seed) : memory(rows * row_stride<T>(cols)) {
    m = {memory.data(), rows, cols, row_stride<T>(cols)};
    for (Index i = 0; i < rows; ++i) randomise(m.row(i), cols, seed + static_cast<std::uint64_t>(i));
  }
};

/** One thread, a layer of n inputs and n outputs, `rows` rows: the three products of a training step. */
template <class T>
void bench_products(const Options& options, double peak_rate, Printer& printer) {
  const auto wanted = [&](const char* name) { return std::strstr(name, options.only.c_str()) != nullptr; };
  const DenormalMode as_in_training(true);
  for (const Index n : sizes(options.quick)) {
    Owned<T> x(options.rows, n, 1), delta(options.rows, n, 2), z(options.rows, n, 3), w(n, n, 4), gradient(n, n, 5);
    Buffer<T> bias(padded<T>(n)), packed(packed_size<T>(n, n)), transposed(packed_size<T>(n, n));
    pack<T>(w.m, 0, n, 0, n, packed.data());
    pack_transposed<T>(w.m, 0, n, 0, n, transposed.data());
    const auto show = [&](const std::string& name, auto&& f) {
      if (!wanted(name.c_str())) return;
      const double seconds = time_of(f, options.repeats);
      const double rate = 2.0 * static_cast<double>(options.rows * n) * static_cast<double>(n) / seconds;
      printer.line({name, kType<T>, std::to_string(n), number(seconds * 1e6), number(rate * 1e-9),
                    number(rate / peak_rate, "%.3f")});
    };
    show("forward", [&] { product_bias<T>(x.m, Panels<T>::packed(packed.data(), n), bias.data(), true, z.m); });
    show("backward", [&] { product<T>(delta.m, Panels<T>::packed(transposed.data(), n), z.m); });
    // A weight gradient in tasks such as those of nn/dense.cpp: f(columns of x, of delta, the task's part).
    const auto by_tasks = [&](auto&& f) {
      constexpr Index kTaskRows = 128, kTaskColumns = 512;
      const auto columns = [](Matrix<T> m, Index first, Index count) {
        return Matrix<const T>{m.data + first, m.rows, std::min(count, m.cols - first), m.stride};
      };
      for (Index column = 0; column < n; column += kTaskColumns)
        for (Index row = 0; row < n; row += kTaskRows) {
          const Matrix<const T> left = columns(x.m, row, kTaskRows), right = columns(delta.m, column, kTaskColumns);
          f(left, right, Matrix<T>{gradient.m.row(row) + column, left.cols, right.cols, gradient.m.stride});
        }
    };
    show("weight_gradient", [&] {
      by_tasks([&](Matrix<const T> left, Matrix<const T> right, Matrix<T> part) {
        transposed_product<T>(left, right, part, nullptr, false);
      });
    });
    if (matrix_unit::in_use<T>()) {
      show("amx_forward", [&] { matrix_unit::product({x.m}, {w.m}, {.bias = bias.data(), .relu = true}, z.m); });
      show("amx_backward", [&] { matrix_unit::product({delta.m}, {w.m, true}, {}, z.m); });
      show("amx_weight_gradient", [&] {
        by_tasks([](Matrix<const T> left, Matrix<const T> right, Matrix<T> part) {
          matrix_unit::product({left, true}, {right}, {}, part);
        });
      });
    }
    if (n <= 4) show("few_outputs", [&] { dot_bias<T>(x.m, w.m, bias.data(), z.m); });
  }
}

template <class T>
Table table_of(const T* x, Index rows, Index cols) {
  constexpr Index size = sizeof(T);
  return {reinterpret_cast<const char*>(x), size == 4 ? Scalar::f32 : Scalar::f64, rows, cols, cols * size, size};
}

template <class T>
void bench_activations(const Options& options, Printer& printer) {
  const DenormalMode as_in_training(true);
  constexpr Index rows = 8, cols = 512;  // all of it in the first cache
  Owned<T> z(rows, cols, 1), a(rows, cols, 2), saved(rows, cols, 3), delta(rows, cols, 4);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) z.m.row(i)[j] *= 4;
  const auto per_element = [](double seconds) {
    return number(seconds * 1e9 / static_cast<double>(rows * cols), "%.3f");
  };
  for (const char* name :
       {"identity", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "logistic", "softplus"}) {
    if (!std::strstr(name, options.only.c_str())) continue;
    const Activation activation = activation_from_name(name);
    const auto forward = [&](Matrix<T> derivative) {
      return time_of(
          [&] {
            // Always of the same numbers: an activation of its own result soon meets zeros only.
            std::memcpy(a.m.data, z.m.data, static_cast<std::size_t>(rows * z.m.stride) * sizeof(T));
            activate<T>(activation, a.m, derivative);
          },
          options.repeats);
    };
    const double prediction = forward({});
    const double training = saves_derivative(activation) ? forward(saved.m) : prediction;
    const double backward =
        time_of([&] { multiply_derivative<T>(activation, delta.m, a.m, saved.m); }, options.repeats);
    printer.line({name, kType<T>, per_element(prediction), per_element(training), per_element(backward)});
  }
}

/** What embeddings of numbers cost per row of a table: for the typical 8 columns, and some that fill packets more or
 * less well. */
template <class T>
void bench_embeddings(const Options& options, Printer& printer) {
  const DenormalMode as_in_training(true);
  constexpr Index rows = 256, n_steps = 16;
  for (const Index n : {5, 8, 16, 20}) {
    Owned<T> in(rows, n, 1), out(rows, kPiecewiseFeatures * n, 2), delta(rows, kPiecewiseFeatures * n, 3);
    const auto show = [&](const char* name, auto&& forward, auto&& gradient) {
      if (!std::strstr(name, options.only.c_str())) return;
      const auto per_row = [&](auto&& f) {
        return number(time_of(f, options.repeats) * 1e9 / static_cast<double>(rows));
      };
      printer.line({name, kType<T>, std::to_string(n), per_row(forward), per_row(gradient)});
    };
    using Parameters = PeriodicParameters<T>;
    Owned<T> weights(Parameters::weight_rows, n, 4), bias(Parameters::bias_rows, n, 5);
    Owned<T> to_weights(Parameters::weight_rows, n, 6), to_bias(Parameters::bias_rows, n, 7);
    show(
        "periodic", [&] { periodic<T>({weights.m, bias.m}, in.m, out.m); },
        [&] { periodic_gradient<T>({weights.m, bias.m}, in.m, delta.m, 0, n, {to_weights.m, to_bias.m}, false); });
    Owned<T> start(n_steps, n, 8), slope(n_steps, n, 9), sums(kPiecewiseFeatures * n_steps, n, 10),
        to_sums(kPiecewiseFeatures * n_steps, n, 11);
    const Steps<T> steps{start.m, slope.m};
    show(
        "piecewise", [&] { piecewise<T>(steps, sums.m, in.m, out.m); },
        [&] { piecewise_gradient<T>(steps, in.m, delta.m, 0, to_sums.m, false); });
  }
}

template <class T>
void bench_dropout(const Options& options, Printer& printer) {
  if (!std::strstr("dropout", options.only.c_str())) return;
  const DenormalMode as_in_training(true);
  constexpr Index rows = 64;
  for (const Index width : {100, 128}) {
    const Dropout<T> layer({0.25}, width, 3);
    Owned<T> in(rows, width, 1), out(rows, width, 2);
    Pass pass{.training = true, .seed = 1};
    const double seconds = time_of(
        [&] {
          ++pass.step;
          layer.forward({}, {in.m, {}}, out.m, {}, pass);
        },
        options.repeats);
    printer.line({"dropout", kType<T>, std::to_string(width),
                  number(seconds * 1e9 / static_cast<double>(rows * width), "%.3f")});
  }
}

/** What a call costs where there is next to nothing to compute. */
template <class T>
void bench_prediction(const Options& options, Printer& printer) {
  if (!std::strstr("one_row", options.only.c_str())) return;
  constexpr Index inputs = 8, hidden = 100;
  const Network<T> network({DenseSpec{inputs, hidden, Activation::relu}, DenseSpec{hidden, 1}}, 1);
  const Predictor<T> predictor(network, {}, Link::identity);
  T x[inputs], y[1];
  randomise(x, inputs, 1);
  const Table row = table_of(x, 1, inputs);
  const double seconds = time_of([&] { predictor.predict(row, y, options.threads); }, options.repeats);
  printer.line({"one_row", kType<T>, "8-100-1", number(seconds * 1e6)});
}

template <class T>
void bench_updates(const Options& options, Printer& printer) {
  const DenormalMode as_in_training(true);
  for (const Index n : {64, 256, 2048}) {
    Owned<T> value(n, n, 1), gradient(n, n, 2), first(n, n, 3), second(n, n, 4);
    for (Index i = 0; i < second.memory.size(); ++i) second.memory[i] = std::abs(second.memory[i]);
    const auto show = [&](const char* name, auto step) {
      if (!std::strstr(name, options.only.c_str())) return;
      const double seconds =
          time_of([&] { step(ParameterBlock<T>{value.m, gradient.m, first.m, second.m}); }, options.repeats);
      printer.line({name, kType<T>, std::to_string(n), number(seconds * 1e9 / static_cast<double>(n * n), "%.3f")});
    };
    show("sgd", SgdStep<T>{T(1e-9), T(0.9), T(0), T(1), true});
    show("adam", AdamStep<T>{0.9, 0.999, T(1e-9), T(1e-8), T(0), T(1)});
    show("rmsprop", RmsPropStep<T>{0.9, T(1e-9), T(1e-8), T(0), T(1)});
  }
}

struct Workload {
  const char* name;
  Index rows, inputs;
  std::vector<Index> hidden;
  Index outputs, batch_size, epochs;
  Activation activation = Activation::relu;
  LossKind loss = LossKind::squared_error;
  std::vector<Category> categories = {};  // the last inputs; the layers are then tabular_layers()
  bool tabular() const { return !categories.empty(); }
};

const std::array<Workload, 9>& workloads() {
  static const std::array<Workload, 9> all = {{
      {"seed", 100, 1, {10}, 1, 100, 300},
      {"house", 20640, 8, {100}, 1, 200, 10},
      {"tiny", 10000, 16, {64, 64, 64}, 1, 64, 5},
      {"tab", 50000, 50, {256, 256}, 1, 256, 3},
      {"mnist", 60000, 784, {512, 256}, 10, 128, 1, Activation::relu, LossKind::cross_entropy},
      {"wide", 16384, 1024, {2048, 2048}, 1, 1024, 1},
      {"simplechains", 10000, 4, {32, 16}, 4, 10000, 100, Activation::tanh},
      {"default", 2560, 10, {128, 128, 128}, 1, 256, 8, Activation::silu, LossKind::squared_error, {{5, 0}, {30, 8}}},
      {"categories", 2560, 9, {128, 128, 128}, 1, 256, 4, Activation::silu, LossKind::squared_error, {{100000, 8}}},
  }};
  return all;
}

std::vector<LayerSpec> plain_layers(const Workload& work) {
  std::vector<LayerSpec> specs;
  Index width = work.inputs;
  for (const Index next : work.hidden) {
    specs.push_back(DenseSpec{width, next, work.activation});
    width = next;
  }
  specs.push_back(DenseSpec{width, work.outputs});
  return specs;
}

/** What the default preset makes of a table (python/fastmlp/ensemble/presets.py). */
std::vector<LayerSpec> tabular_layers(const Workload& work) {
  const Index numbers = work.inputs - static_cast<Index>(work.categories.size());
  std::vector<double> bin_edges;
  for (int i = 0; i <= 16; ++i) bin_edges.push_back(-1 + i / 8.0);
  std::vector<LayerSpec> specs;
  specs.push_back(EmbeddingSpec{.n_numbers = numbers,
                                .periodic = true,
                                .sigma = 0.3,
                                .bin_edges = {static_cast<std::size_t>(numbers), bin_edges},
                                .categories = work.categories});
  Index width = Stack<float>(specs).outputs();
  specs.push_back(ScaleSpec{width});
  for (const Index next : work.hidden) {
    specs.push_back(DenseSpec{width, next, work.activation, true});
    specs.push_back(DropoutSpec{0.25});
    width = next;
  }
  specs.push_back(DenseSpec{width, work.outputs});
  return specs;
}

template <class T>
void bench_fit(const Workload& work, const Options& options, double peak_rate, Printer& printer) {
  const std::vector<LayerSpec> specs = work.tabular() ? tabular_layers(work) : plain_layers(work);
  // Forward, backward and gradient are two operations per weight each; nobody asks for the first layer's backward.
  const Stack<T> stack(specs);
  const double per_row = static_cast<double>(6 * stack.work_per_row() - 2 * stack.layer(0).work_per_row());
  // Of a table one row in five is for validation.
  const Index train_rows = work.tabular() ? work.rows / 5 * 4 : work.rows;
  const double total = per_row * static_cast<double>(train_rows * work.epochs);
  const double steps = static_cast<double>(ceil_div(train_rows, work.batch_size) * work.epochs);

  std::vector<T> x(static_cast<std::size_t>(work.rows * work.inputs)),
      y(static_cast<std::size_t>(work.rows * work.outputs));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(work.rows));
  randomise(x.data(), static_cast<Index>(x.size()), 1);
  randomise(y.data(), static_cast<Index>(y.size()), 2);
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] =
        static_cast<std::int32_t>(mix32(static_cast<std::uint32_t>(i)) % static_cast<std::uint32_t>(work.outputs));
  if (work.tabular())
    for (Index i = 0; i < work.rows; ++i)
      for (std::size_t c = 0; c < work.categories.size(); ++c) {
        const Index column = work.inputs - static_cast<Index>(work.categories.size() - c);
        x[static_cast<std::size_t>(i * work.inputs + column)] = static_cast<T>(
            mix32(static_cast<std::uint32_t>(i)) % static_cast<std::uint32_t>(work.categories[c].size + 1));
      }
  Dataset<T> data, validation;
  data.x = table_of(x.data(), work.rows, work.inputs);
  data.y = {y.data(), labels.data(), work.outputs};
  validation = data;
  data.use_all_rows();
  validation.rows.assign(data.rows.begin() + train_rows, data.rows.end());
  data.rows.resize(static_cast<std::size_t>(train_rows));

  TrainOptions train;
  train.step.loss.kind = work.loss;
  train.max_iter = work.epochs;
  train.batch_size = work.batch_size;
  train.n_iter_no_change = std::numeric_limits<Index>::max();
  train.n_threads = options.threads;
  OptimizerOptions optimizer_options;
  if (work.tabular()) {
    train.schedule = {.kind = Schedule::coslog4, .learning_rate_init = 0.01};
    train.early_stopping = train.anneals = true;
    train.average_epochs = 3;
    optimizer_options.beta_2 = 0.95;
    optimizer_options.weight_decay = 0.02;
  }
  const Standardisation none;
  const auto fit = [&] {
    Network<T> network(specs, 1);
    Optimizer<T> optimizer(optimizer_options, network.stack());
    const auto start = Clock::now();
    Trainer<T>(network, optimizer, none, validation, train.for_rows(train_rows)).run(data);
    return seconds_since(start);
  };
  // A fit of a millisecond needs the clock speed and the caches of the fits before it.
  double spent = 0;
  do spent += fit();
  while (spent < 0.2);
  spent = 0;
  std::vector<double> times;
  for (int r = 0; r < options.repeats && (r == 0 || spent < 20); ++r) {
    times.push_back(fit());
    spent += times.back();
  }
  const double seconds = median(times), fastest = *std::min_element(times.begin(), times.end());
  printer.line({work.name, kType<T>, std::to_string(options.threads), number(seconds), number(fastest),
                number(fastest / steps * 1e6), number(total / seconds * 1e-9),
                number(total / seconds / (peak_rate * options.threads), "%.3f")});
}

int run(const Options& options) {
  matrix_unit::use(options.amx);
  const double peaks[] = {peak<float>(options.repeats), peak<double>(options.repeats)};
  Printer printer(options.csv);
  if (!options.csv)
    std::printf("%s, %s, %s, %d threads\n", built_for(), compiler(), threading_layer(), options.threads);
  printer.header({"peak", "type", "GFLOP/s"});
  printer.line({"one_core", kType<float>, number(peaks[0] * 1e-9)});
  printer.line({"one_core", kType<double>, number(peaks[1] * 1e-9)});
  if (options.kernels) {
    printer.header({"product", "type", "size", "us", "GFLOP/s", "of_peak"});
    bench_products<float>(options, peaks[0], printer);
    bench_products<double>(options, peaks[1], printer);
    printer.header({"activation_ns_element", "type", "prediction", "training", "derivative"});
    bench_activations<float>(options, printer);
    bench_activations<double>(options, printer);
    printer.header({"embedding_ns_row", "type", "columns", "forward", "gradient"});
    bench_embeddings<float>(options, printer);
    bench_embeddings<double>(options, printer);
    printer.header({"layer", "type", "width", "ns_element"});
    bench_dropout<float>(options, printer);
    bench_dropout<double>(options, printer);
    printer.header({"update", "type", "size", "ns_parameter"});
    bench_updates<float>(options, printer);
    bench_updates<double>(options, printer);
    printer.header({"prediction", "type", "network", "us"});
    bench_prediction<float>(options, printer);
    bench_prediction<double>(options, printer);
  }
  if (options.steps) {
    printer.header({"fit", "type", "threads", "seconds", "fastest", "us_step", "GFLOP/s", "of_peak"});
    for (const Workload& work : workloads())
      if (std::strstr(work.name, options.only.c_str())) {
        if (options.float64)
          bench_fit<double>(work, options, peaks[1], printer);
        else
          bench_fit<float>(work, options, peaks[0], printer);
      }
  }
  return 0;
}

/** False where the command line is not understood. */
bool parse(int argc, char** argv, Options& options) {
  const auto number_after = [&](int& i, long& value) {
    char* end = nullptr;
    if (i + 1 >= argc) return false;
    value = std::strtol(argv[++i], &end, 10);
    return *end == '\0' && value >= 1 && value <= 1'000'000;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    long value = 1;
    if (arg == "kernels" || arg == "steps") {
      options.kernels = arg == "kernels";
      options.steps = arg == "steps";
    } else if (arg == "--double") {
      options.float64 = true;
    } else if (arg == "--csv") {
      options.csv = true;
    } else if (arg == "--no-amx") {
      options.amx = false;
    } else if (arg == "--quick") {
      options.quick = true;
    } else if (arg == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else if (arg == "--threads" && number_after(i, value)) {
      options.threads = static_cast<int>(value);
    } else if (arg == "--repeats" && number_after(i, value)) {
      options.repeats = static_cast<int>(value);
    } else if (arg == "--rows" && number_after(i, value)) {
      options.rows = value;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace fastmlp

int main(int argc, char** argv) {
  fastmlp::Options options;
  if (!fastmlp::parse(argc, argv, options)) {
    const bool asked = argc > 1 && (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h"));
    std::fputs(fastmlp::kHelp, asked ? stdout : stderr);
    return asked ? 0 : 2;
  }
  return fastmlp::run(options);
}
