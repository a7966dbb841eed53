// Whole fits: the same bits for any number of threads, falling losses, interruption, and what is refused.
#include <limits>

#include "check.h"
#include "data.h"
#include "kernels/matrix_unit.h"
#include "train/trainer.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::mlp;
using testing::same_bits;

constexpr Index kNever = std::numeric_limits<Index>::max();

template <class T>
struct Fitted {
  std::vector<T> parameters;
  TrainResult result;
};

template <class T>
struct Recipe {
  std::vector<LayerSpec> specs;
  OptimizerOptions optimizer = {};
  TrainOptions options = {};
  bool weighted = false;
  bool validated = false;

  Fitted<T> fit(const Data<T>& data, int n_threads) const {
    Network<T> network(specs, 3);
    Optimizer<T> steps(optimizer, network.stack());
    TrainOptions with_threads = options;
    with_threads.n_threads = n_threads;
    const Standardisation inputs(std::vector<double>(static_cast<std::size_t>(data.inputs), 0.1),
                                 std::vector<double>(static_cast<std::size_t>(data.inputs), 1.5), 3);
    const Dataset<T> train = data.dataset(weighted);
    Trainer<T> trainer(network, steps, inputs, validated ? train : Dataset<T>{}, with_threads.for_rows(data.rows));
    Fitted<T> fitted;
    fitted.result = trainer.run(train);
    fitted.parameters = copy_of(network.values());
    return fitted;
  }
};

template <class T>
void check_threads(const Recipe<T>& recipe, const Data<T>& data) {
  const Fitted<T> alone = recipe.fit(data, 1);
  CHECK(alone.result.n_iter == recipe.options.max_iter);
  CHECK(std::isfinite(alone.result.loss_curve.back()));
  // That several threads would really run.
  const Stack<T> stack(recipe.specs);
  CHECK(Step<T>::team_size(stack, recipe.options.batch_size, 8) >= 4);
  for (const int n_threads : testing::team_sizes()) {
    const Fitted<T> team = recipe.fit(data, n_threads);
    CHECK(same_bits(team.parameters, alone.parameters));
    CHECK(same_bits(team.result.loss_curve, alone.result.loss_curve));
    CHECK(same_bits(team.result.validation_curve, alone.result.validation_curve));
    CHECK(team.result.best_epoch == alone.result.best_epoch);
  }
}

template <class T>
void check_threads_of_trainer() {
  constexpr Index kRows = testing::kSanitized ? 703 : 1203;  // the last minibatch is smaller
  const Data<T> data(kRows, 37, 3);
  Recipe<T> plain{mlp({37, 300, 131, 3}, "relu")};
  plain.options.max_iter = testing::kSanitized ? 1 : 2;
  plain.options.batch_size = 500;
  check_threads(plain, data);

  Recipe<T> all{mlp({37, 257, 130, 3}, "gelu", 0.2)};
  all.options = plain.options;
  all.options.step = {.loss = {LossKind::huber}, .l1 = 1e-3, .l2 = 1e-2, .max_grad_norm = 0.05};
  all.options.early_stopping = true;
  all.optimizer.weight_decay = 0.01;
  all.optimizer.learning_rate_factors = {{1, 0.1}, {0.5, 0.5}, {2, 1}};
  all.optimizer.weight_decay_factors = {1, 0, 3};
  all.options.anneals = true;
  all.weighted = all.validated = true;
  check_threads(all, data);

  // So many rows that there are leaves for eight (for four under a sanitizer).
  Recipe<T> full{mlp({37, 301, 5, 3}, "tanh", 0.1)};
  full.options = plain.options;
  full.options.batch_size = kRows;
  full.options.shuffle = false;
  full.optimizer.solver = Solver::sgd;
  check_threads(full, data);

  // Minibatches of more than one chunk, by leaves and by the tasks' owning threads.
  const Data<T> many(17001, 5, 2);
  Recipe<T> chunked{mlp({5, 90, 2}, "relu", 0.1)};
  chunked.options = all.options;
  chunked.options.batch_size = many.rows;
  chunked.weighted = true;
  check_threads(chunked, many);

  // So many parameters that the tasks' owning threads add up over all rows.
  Recipe<T> wide{mlp({37, 700, 200, 3}, "relu", 0.1)};
  wide.options = all.options;
  wide.options.early_stopping = false;
  wide.options.batch_size = kRows;
  check_threads(wide, data);
  wide.options.batch_size = 400;
  wide.options.step.max_grad_norm = 0;
  check_threads(wide, data);

  // So wide that products of float are the matrix unit's: by leaves and by the tasks' owning threads.
  Recipe<T> on_unit{mlp({37, 256, 257, 3}, "relu", 0.1)};
  on_unit.options = plain.options;
  on_unit.options.max_iter = 1;
  matrix_unit::use(true);
  check_threads(on_unit, data);
  on_unit.specs = mlp({37, 300, 450, 300, 3}, "relu", 0.1);
  on_unit.options.batch_size = 403;
  check_threads(on_unit, data);
  matrix_unit::use(false);

  const Data<T> classes(700, 20, 10, LossKind::cross_entropy);
  Recipe<T> classifier{mlp({20, 200, 200, 10}, "silu", 0.5)};
  classifier.options = plain.options;
  classifier.options.batch_size = 350;
  classifier.options.step.loss = {.kind = LossKind::cross_entropy, .label_smoothing = 0.1};
  classifier.optimizer.solver = Solver::rmsprop;
  check_threads(classifier, classes);

  Recipe<T> tabular{testing::tabular(8, 3, {{4, 0}, {30, 8}}, {96, 64}, 3, "mish", 0.2)};
  tabular.options = all.options;
  tabular.options.schedule.kind = Schedule::coslog4;
  check_threads(tabular, testing::with_codes(Data<T>(kRows, 13, 3), 11, {4, 30}));
  tabular.specs = testing::tabular(8, 3, {{4, 0}, {30000, 8}}, {96, 64}, 3, "mish", 0.2);
  check_threads(tabular, testing::with_codes(Data<T>(kRows, 13, 3), 11, {4, 30000}));

  // Augmented, by leaves, in chunks and by the tasks' owning threads.
  for (Recipe<T>* recipe : {&tabular, &wide, &chunked})
    recipe->options.augmentation = {.mixup = 0.4, .swap_noise = 0.1, .input_noise = 0.1};
  check_threads(tabular, testing::with_codes(Data<T>(kRows, 13, 3), 11, {4, 30000}));
  check_threads(wide, data);
  check_threads(chunked, many);
}

TEST(training_gives_the_same_bits_for_any_number_of_threads) {
  check_threads_of_trainer<float>();
  if (!testing::kSanitized) check_threads_of_trainer<double>();
}

TEST(a_large_table_of_vectors_is_shared_out) {
  const Stack<float> stack(testing::tabular(5, 0, {{100000, 8}}, {128}, 1, "silu"));
  Index table = 0, largest = 0;
  for (const Task& task : stack.tasks())
    if (task.layer == 0 && task.weights.cols == 8 && task.weights.stride == padded<float>(8)) {
      table += task.weights.rows;
      largest = std::max(largest, task.weights.rows);
    }
  CHECK(table == 100001);
  CHECK(largest * 16 <= 100001);
}

/** Steps on a team of any size, however small the work is. */
template <class T>
std::vector<T> parameters_after_steps(const std::vector<LayerSpec>& specs, const Data<T>& data, Index batch,
                                      int n_threads) {
  Network<T> network(specs, 5);
  Optimizer<T> optimizer({}, network.stack());
  const Standardisation none;
  Step<T> step(network, none, data.dataset(true), {.l2 = 1e-2, .max_grad_norm = 1}, batch, 8);
  run_team(n_threads, [&](Member& member) {
    for (std::uint64_t k = 0; k < (testing::kSanitized ? 4 : 12); ++k) {
      const Index first = static_cast<Index>(k) * batch % data.rows;
      step.run(member, {data.order.data() + first, std::min(batch, data.rows - first)}, k, &optimizer,
               optimizer.rate(0.01, k + 1));
    }
  });
  return copy_of(network.values());
}

template <class T>
void check_threads_of_step() {
  const std::vector<LayerSpec> networks[] = {mlp({5, 2}, "relu"), mlp({5, 1, 2}, "elu"),
                                             mlp({5, 17, 9, 2}, "mish", 0.3), mlp({5, 113, 65, 2}, "softplus"),
                                             mlp({5, 113, 65, 1}, "relu")};
  // That several threads take leaves, of one output too.
  CHECK(Step<T>::team_size(Stack<T>(networks[4]), 1501, 8) >= 4);
  for (const auto& specs : networks) {
    const Data<T> data(1501, 5, testing::outputs_of(specs));
    for (const Index batch : {1, 2, 7, 63, 64, 101, 300, 1100, 1501}) {
      const std::vector<T> alone = parameters_after_steps(specs, data, batch, 1);
      for (const int n_threads : testing::team_sizes())
        CHECK(same_bits(parameters_after_steps(specs, data, batch, n_threads), alone));
    }
  }
}

TEST(small_steps_give_the_same_bits_for_any_number_of_threads) {
  check_threads_of_step<float>();
  if (!testing::kSanitized) check_threads_of_step<double>();
}

template <class T>
void check_losses_fall() {
  for (std::size_t k = 0; k < kLossNames.size(); ++k) {
    const auto loss = static_cast<LossKind>(k);
    const Data<T> data(300, 3, 4, loss);
    for (const Solver solver : {Solver::sgd, Solver::adam, Solver::rmsprop}) {
      if (testing::kSanitized && static_cast<std::size_t>(solver) != k % 3) continue;  // each loss with one, in turn
      Recipe<T> recipe{mlp({3, 32, 32, 4}, "gelu")};
      recipe.optimizer.solver = solver;
      recipe.options.step.loss = {loss};
      recipe.options.schedule.learning_rate_init = solver == Solver::sgd ? 0.03 : 0.01;
      recipe.options.max_iter = 60;
      recipe.options.batch_size = 32;
      recipe.options.n_iter_no_change = kNever;
      const std::vector<double> curve = recipe.fit(data, 1).result.loss_curve;
      CHECK(curve.size() == 60);
      // Half the deviances' and the cross-entropies' way down is less far than a squared error's.
      if (!(curve.back() < 0.7 * curve.front()))
        testing::fail(__FILE__, __LINE__, "loss %d, solver %d: from %g to %g only", static_cast<int>(loss),
                      static_cast<int>(solver), curve.front(), curve.back());
    }
  }
}

TEST(losses_fall) {
  check_losses_fall<float>();
  if (!testing::kSanitized) check_losses_fall<double>();
}

TEST(a_fit_can_be_repeated_and_depends_on_its_seed) {
  const Data<float> data(200, 4, 1);
  Recipe<float> recipe{mlp({4, 16, 1}, "relu", 0.1)};
  recipe.options.max_iter = 3;
  recipe.options.batch_size = 32;
  const Fitted<float> first = recipe.fit(data, 1);
  CHECK(same_bits(recipe.fit(data, 1).parameters, first.parameters));
  recipe.options.seed = 1;
  CHECK(!same_bits(recipe.fit(data, 1).parameters, first.parameters));
}

template <class T>
void check_interruption(int n_threads, Index epochs_before) {
  const Data<T> data(testing::kSanitized ? 500 : 4000, 20, 1);
  Network<T> network(mlp({20, 300, 300, 1}, "tanh"), 3);
  Optimizer<T> optimizer({}, network.stack());
  TrainOptions options;
  options.max_iter = kNever / (1 << 20);
  options.batch_size = 100;
  options.n_iter_no_change = kNever;
  options.n_threads = n_threads;
  const Standardisation none;
  Trainer<T> trainer(network, optimizer, none, {}, options.for_rows(data.rows));
  std::vector<T> last_epoch = copy_of(network.values());
  Index epochs = 0;
  trainer.on_epoch = [&](const EpochRecord& record) {
    epochs = record.epoch;
    last_epoch = copy_of(network.values());
    return EpochAnswer{};
  };
  trainer.interrupted = [&] { return epochs >= epochs_before; };
  const TrainResult result = trainer.run(data.dataset());
  CHECK(result.reason == StopReason::interrupted);
  CHECK(result.n_iter == epochs);
  CHECK(same_bits(copy_of(network.values()), last_epoch));
  // The prepared copies follow: a forward pass after it equals one after a fresh preparation.
  Workspace<T> before(network.stack(), 10, false), after(network.stack(), 10, false);
  for (Workspace<T>* workspace : {&before, &after}) {
    gather<T>(data.table(), none, nullptr, 0, workspace->input().slice(0, 10));
    network.stack().forward(network.weights(), *workspace, 0, 10, {});
    network.prepare();
  }
  for (Index i = 0; i < 10; ++i) CHECK(before.output().row(i)[0] == after.output().row(i)[0]);
}

TEST(interruption_keeps_the_last_finished_epoch) {
  for (const int n_threads : testing::kSanitized ? std::vector{2} : std::vector{1, 2, 4})
    for (const Index epochs_before : {0, 2}) {
      check_interruption<float>(n_threads, epochs_before);
      check_interruption<double>(n_threads, epochs_before);
    }
}

TEST(the_callback_ends_training) {
  const Data<double> data(50, 4, 1);
  Network<double> network(mlp({4, 8, 1}, "relu"), 3);
  Optimizer<double> optimizer({}, network.stack());
  TrainOptions options;
  const Standardisation none;
  Trainer<double> trainer(network, optimizer, none, {}, options.for_rows(data.rows));
  trainer.on_epoch = [](const EpochRecord& record) { return EpochAnswer{record.epoch == 3, {}}; };
  const TrainResult result = trainer.run(data.dataset());
  CHECK(result.reason == StopReason::callback);
  CHECK(result.n_iter == 3);
  CHECK(network.steps == 3);
  CHECK(optimizer.steps == 3);
}

TEST(divergence_is_reported) {
  const Data<float> data(100, 4, 1);
  Recipe<float> recipe{mlp({4, 8, 1}, "relu")};
  recipe.optimizer.solver = Solver::sgd;
  recipe.options.schedule.learning_rate_init = 1e6;
  recipe.options.n_iter_no_change = kNever;
  CHECK(recipe.fit(data, 1).result.reason == StopReason::diverged);
}

TEST(early_stopping_keeps_the_best_weights) {
  const Data<double> data(64, 4, 1);
  Recipe<double> recipe{mlp({4, 32, 1}, "tanh")};
  recipe.validated = true;
  recipe.options.early_stopping = true;
  recipe.options.schedule.learning_rate_init = 0.2;  // too large to fall steadily
  recipe.options.max_iter = 40;
  recipe.options.n_iter_no_change = kNever;
  const Fitted<double> fitted = recipe.fit(data, 1);
  const std::vector<double>& curve = fitted.result.validation_curve;
  const auto best = std::min_element(curve.begin(), curve.end()) - curve.begin();
  CHECK(fitted.result.best_epoch == best + 1);
  recipe.options.max_iter = best + 1;
  CHECK(same_bits(recipe.fit(data, 1).parameters, fitted.parameters));
}

using Specs = std::vector<LayerSpec>;

template <class T>
void check_refusals() {
  const auto stack = [](const Specs& specs) { return Stack<T>(specs).n_parameters(); };
  constexpr Index huge = Index{1} << 62;
  CHECK_THROWS(stack(Specs{}), "layers");
  CHECK_THROWS(stack(Specs{DenseSpec{3, 4, Activation::relu}, DenseSpec{5, 1}}), "layers[1] takes 5 inputs");
  CHECK_THROWS(stack(Specs{DenseSpec{0, 4, Activation::relu}}), "Dense.inputs");
  CHECK_THROWS(stack(Specs{DenseSpec{4, 0, Activation::relu}}), "Dense.outputs");
  CHECK_THROWS(stack(Specs{DenseSpec{-1, 4, Activation::relu}}), "Dense.inputs");
  CHECK_THROWS(stack(Specs{DenseSpec{4, -7, Activation::relu}}), "Dense.outputs");
  CHECK_THROWS(stack(Specs{DenseSpec{huge, 1, Activation::relu}}), "too large");
  CHECK_THROWS(stack(Specs{DenseSpec{1, huge, Activation::relu}}), "too large");
  CHECK_THROWS(stack(Specs{DenseSpec{huge, huge, Activation::relu}}), "too large");
  CHECK_THROWS(stack(Specs{DenseSpec{std::numeric_limits<Index>::max(), 2, Activation::relu}}), "too large");
  CHECK_THROWS(stack(Specs{DropoutSpec{0.5}}), "layers[0]");
  for (const double rate : {1.0, -0.1, 2.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS(stack(Specs{DenseSpec{3, 4, Activation::relu}, DropoutSpec{rate}}), "dropout");

  const Stack<T> two(mlp({3, 4, 1}, "relu", 0.5));
  const auto optimizer = [&](std::vector<double> factors) {
    OptimizerOptions rates, decays;
    for (const double factor : factors) rates.learning_rate_factors.push_back({factor, factor});
    Optimizer<T>(rates, two);
    decays.weight_decay_factors = factors;
    Optimizer<T>(decays, two);
  };
  optimizer({});
  optimizer({1, 0.1});
  CHECK_THROWS(optimizer({1}), "learning_rate_factors");
  CHECK_THROWS(optimizer({1, 1, 1}), "learning_rate_factors");
  CHECK_THROWS(Buffer<T>(-1), "buffer");
  CHECK_THROWS(Buffer<T>(huge), "buffer");
}

TEST(bad_networks_are_refused_by_name) {
  check_refusals<float>();
  check_refusals<double>();
}

TEST(bad_options_are_refused_by_name) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  loss_options("huber", {});
  CHECK_THROWS(loss_options("mse", {}), "loss must be one of 'squared_error'");
  const auto with = [](auto field, double value) {
    LossOptions options;
    options.*field = value;
    return options;
  };
  for (const double delta : {0.0, -1.0, nan, inf})
    CHECK_THROWS(loss_options("huber", with(&LossOptions::delta, delta)), "delta");
  for (const double quantile : {0.0, 1.0, nan}) {
    LossOptions options;
    options.quantiles = {0.5, quantile};
    CHECK_THROWS(loss_options("quantile", options), "quantile");
  }
  for (const double power : {1.0, 2.0, nan})
    CHECK_THROWS(loss_options("tweedie", with(&LossOptions::power, power)), "tweedie_power");
  for (const double expectile : {0.0, 1.0, nan})
    CHECK_THROWS(loss_options("expectile", with(&LossOptions::expectile, expectile)), "expectile");
  for (const double gamma : {-0.1, nan, inf})
    CHECK_THROWS(loss_options("focal", with(&LossOptions::focal_gamma, gamma)), "focal_gamma");
  for (const double smoothing : {-0.1, 1.0, nan})
    CHECK_THROWS(loss_options("cross_entropy", with(&LossOptions::label_smoothing, smoothing)), "label_smoothing");
  for (const char* focal : {"focal", "binary_focal"})
    CHECK_THROWS(loss_options(focal, with(&LossOptions::label_smoothing, 0.1)), "label_smoothing");

  const auto optimizer = [](const char* solver, double momentum, double beta_1, double beta_2, double epsilon,
                            double decay, double factor) {
    optimizer_options(solver, momentum, true, beta_1, beta_2, epsilon, decay, {{1.0, factor}}, {});
  };
  optimizer("adam", 0.9, 0.9, 0.999, 1e-8, 0, 1);
  CHECK_THROWS(optimizer("lion", 0.9, 0.9, 0.999, 1e-8, 0, 1), "solver");
  for (const double bad : {-0.1, 1.1, nan}) CHECK_THROWS(optimizer("sgd", bad, 0.9, 0.999, 1e-8, 0, 1), "momentum");
  for (const double bad : {-0.1, 1.0, nan}) CHECK_THROWS(optimizer("adam", 0.9, bad, 0.999, 1e-8, 0, 1), "beta_1");
  for (const double bad : {-0.1, 1.0, nan}) CHECK_THROWS(optimizer("adam", 0.9, 0.9, bad, 1e-8, 0, 1), "beta_2");
  for (const double bad : {-0.1, 0.0, nan, inf}) CHECK_THROWS(optimizer("adam", 0.9, 0.9, 0.999, bad, 0, 1), "epsilon");
  for (const double bad : {-0.1, nan, inf})
    CHECK_THROWS(optimizer("adam", 0.9, 0.9, 0.999, 1e-8, bad, 1), "weight_decay");
  for (const double bad : {-0.1, nan, inf})
    CHECK_THROWS(optimizer("adam", 0.9, 0.9, 0.999, 1e-8, 0, bad), "learning_rate_factors");

  schedule_options("one_cycle", 1e-3, 0.5, 0.3);
  CHECK_THROWS(schedule_options("step", 1e-3, 0.5, 0), "learning_rate must be");
  for (const double bad : {0.0, -1.0, nan, inf})
    CHECK_THROWS(schedule_options("constant", bad, 0.5, 0), "learning_rate_init");
  for (const double bad : {-1.0, nan, inf}) CHECK_THROWS(schedule_options("invscaling", 1, bad, 0), "power_t");
  for (const double bad : {-1.0, 1.0, nan}) CHECK_THROWS(schedule_options("cosine", 1, 0.5, bad), "warmup_fraction");
}

}  // namespace
}  // namespace fastmlp
