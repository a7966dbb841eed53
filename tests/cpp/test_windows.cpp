// Training a window at a time, and its state: what one call and an unbroken training do, bit for bit.
#include <map>
#include <string>
#include <variant>

#include "check.h"
#include "data.h"
#include "train/trainer.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::mlp;
using testing::same_bits;

/** A copy of a training's state. */
template <class T>
class State {
 public:
  struct Writer {
    State& state;
    template <class Value>
    void operator()(const char* name, const Value& value) const {
      state.values_[name] = value;
    }
    void operator()(const char* name, const Buffer<T>& buffer) const { state.values_[name] = copy_of(buffer); }
  };
  struct Reader {
    const State& state;
    template <class Value>
    void operator()(const char* name, Value& value) const {
      value = std::get<Value>(state.values_.at(name));
    }
    void operator()(const char* name, Buffer<T>& buffer) const {
      const auto& values = std::get<std::vector<T>>(state.values_.at(name));
      CHECK(static_cast<Index>(values.size()) == buffer.size());
      std::copy(values.begin(), values.end(), buffer.data());
    }
  };

 private:
  // double stands for T's buffers and for curves alike where T is double.
  using Value = std::conditional_t<
      std::is_same_v<T, double>, std::variant<bool, double, Index, std::uint64_t, StopReason, std::vector<double>>,
      std::variant<bool, double, Index, std::uint64_t, StopReason, std::vector<double>, std::vector<float>>>;
  std::map<std::string, Value> values_;
};

/** A training with all that it stands on; another one of the same recipe has the same bits. */
template <class T>
struct Case {
  Network<T> network;
  Optimizer<T> optimizer;
  Standardisation none;
  Trainer<T> trainer;

  Case(const OptimizerOptions& solver, const TrainOptions& options, const Data<T>& validation)
      : network(mlp({6, 60, 2}, "tanh", 0.1), 3),
        optimizer(solver, network.stack()),
        trainer(network, optimizer, none, validation.dataset(), options) {
    trainer.on_epoch = [](const EpochRecord& record) {
      return EpochAnswer{false, std::abs(record.validation.loss - 0.4)};  // finds its best early
    };
  }

  State<T> state() {
    State<T> copy;
    trainer.visit_state(typename State<T>::Writer{copy});
    return copy;
  }
  void restore(const State<T>& from) { trainer.visit_state(typename State<T>::Reader{from}); }
};

/** Parts of a table, in order; the last one may be smaller. */
template <class T>
std::vector<Dataset<T>> windows_of(const Data<T>& data, Index rows) {
  std::vector<Dataset<T>> windows;
  for (Index first = 0; first < data.rows; first += rows) {
    Dataset<T> window = data.dataset(true);
    window.rows.assign(data.order.begin() + first, data.order.begin() + std::min(first + rows, data.rows));
    windows.push_back(std::move(window));
  }
  return windows;
}

template <class T>
void check_same(const TrainResult& result, const Network<T>& network, const TrainResult& expected,
                const Network<T>& expected_network) {
  CHECK(same_bits(copy_of(network.values()), copy_of(expected_network.values())));
  CHECK(network.steps == expected_network.steps);
  CHECK(same_bits(result.loss_curve, expected.loss_curve));
  CHECK(same_bits(result.validation_curve, expected.validation_curve));
  CHECK(same_bits(result.watched_curve, expected.watched_curve));
  CHECK(same_bits(result.learning_rates, expected.learning_rates));
  CHECK(result.n_iter == expected.n_iter && result.n_steps == expected.n_steps);
  CHECK(result.best_epoch == expected.best_epoch && result.reason == expected.reason);
}

/** Trains over windows; `between` is called before each with its number, counted over all epochs, and returns the
 * training to go on with. */
template <class T, class Between>
Case<T>& train_over(const std::vector<Dataset<T>>& windows, Case<T>& first, Between&& between) {
  Case<T>* training = &first;
  int number = 0;
  bool goes_on = true;
  while (goes_on) {
    for (const Dataset<T>& window : windows) {
      training = &between(*training, number++);
      if (!training->trainer.run_window(window)) break;
    }
    training = &between(*training, number++);
    goes_on = training->trainer.end_epoch();
  }
  return *training;
}

TrainOptions options_of(Schedule schedule, bool early_stopping) {
  TrainOptions options;
  options.max_iter = testing::kSanitized ? 4 : 9;
  options.batch_size = 32;
  options.schedule = {.kind = schedule, .learning_rate_init = 0.01, .warmup_fraction = 0.1};
  options.step.max_grad_norm = 0.5;
  options.anneals = true;
  if (schedule == Schedule::adaptive) options.n_iter_no_change = 1, options.tol = 0.02;
  options.early_stopping = options.reports_outputs = early_stopping;
  options.average_epochs = early_stopping ? 2 : 0;
  if (early_stopping) options.augmentation = {.mixup = 0.5, .swap_noise = 0.1, .input_noise = 0.1};
  return options;
}

constexpr Schedule kSchedules[] = {Schedule::constant, Schedule::invscaling, Schedule::adaptive,
                                   Schedule::cosine,   Schedule::one_cycle,  Schedule::coslog4};
constexpr Solver kSolvers[] = {Solver::sgd, Solver::adam, Solver::rmsprop};

template <class T>
void check_windows() {
  const Data<T> data(203, 6, 2), validation(57, 6, 2, LossKind::squared_error, 9);
  for (const Solver solver : kSolvers)
    for (const Schedule schedule : kSchedules)
      for (const bool early_stopping : {false, true}) {
        const OptimizerOptions optimizer{.solver = solver, .weight_decay = 0.01};
        const TrainOptions options = options_of(schedule, early_stopping).for_rows(data.rows);
        // One window with all rows is a whole fit.
        Case<T> whole(optimizer, options, validation);
        const TrainResult expected = whole.trainer.run(data.dataset(true));
        Case<T> epochs(optimizer, options, validation);
        const auto unbroken = [](Case<T>& training, int) -> Case<T>& { return training; };
        train_over(windows_of(data, data.rows), epochs, unbroken);
        check_same(epochs.trainer.finish(), epochs.network, expected, whole.network);

        // Several windows: a training that goes on from another one's state, at every place, is the unbroken one.
        const std::vector<Dataset<T>> windows = windows_of(data, 70);
        TrainOptions longer = options;
        longer.steps_per_epoch = 8;  // 3 + 3 + 2
        Case<T> other(optimizer, longer, validation);
        train_over(windows, other, unbroken);
        const TrainResult of_windows = other.trainer.finish();
        CHECK(of_windows.n_steps == 8 * of_windows.n_iter);
        std::vector<std::unique_ptr<Case<T>>> made;
        made.push_back(std::make_unique<Case<T>>(optimizer, longer, validation));
        const auto anew = [&](Case<T>& training, int) -> Case<T>& {
          made.push_back(std::make_unique<Case<T>>(optimizer, longer, validation));
          made.back()->restore(training.state());
          return *made.back();
        };
        Case<T>& last = train_over(windows, *made.front(), anew);
        check_same(last.trainer.finish(), last.network, of_windows, other.network);
      }
}

TEST(windows_and_resumed_trainings_give_the_same_bits) {
  check_windows<float>();
  if (!testing::kSanitized) check_windows<double>();
}

TEST(a_fit_of_a_table_goes_on_from_any_epoch) {
  const Data<float> data(203, 6, 2), validation(57, 6, 2, LossKind::squared_error, 9);
  const TrainOptions options = options_of(Schedule::cosine, true).for_rows(data.rows);
  Case<float> whole({}, options, validation);
  std::vector<State<float>> states;
  whole.trainer.between_epochs = [&] {
    states.push_back(whole.state());
    return true;
  };
  const TrainResult expected = whole.trainer.run(data.dataset(true));
  CHECK(states.size() + 1 == expected.loss_curve.size());
  for (const State<float>& state : states) {
    Case<float> resumed({}, options, validation);
    resumed.restore(state);
    const TrainResult result = resumed.trainer.run(data.dataset(true));
    check_same(result, resumed.network, expected, whole.network);
  }
  // One that has ended stays as it is.
  Case<float> ended({}, options, validation);
  train_over(windows_of(data, data.rows), ended, [](Case<float>& training, int) -> Case<float>& { return training; });
  Case<float> resumed({}, options, validation);
  resumed.restore(ended.state());
  check_same(resumed.trainer.run(data.dataset(true)), resumed.network, expected, whole.network);
}

TEST(windows_give_the_same_bits_for_any_number_of_threads) {
  const Data<float> data(2203, 20, 2), validation(300, 20, 2, LossKind::squared_error, 9);
  const auto trained = [&](int n_threads) {
    Network<float> network(mlp({20, 300, 131, 2}, "relu", 0.1), 3);
    Optimizer<float> optimizer({}, network.stack());
    TrainOptions options = options_of(Schedule::cosine, true);
    options.max_iter = 2;
    options.batch_size = 500;
    options.steps_per_epoch = 6;
    options.n_threads = n_threads;
    const Standardisation none;
    Trainer<float> trainer(network, optimizer, none, validation.dataset(), options);
    do
      for (const Dataset<float>& window : windows_of(data, 900)) CHECK(trainer.run_window(window));
    while (trainer.end_epoch());
    trainer.finish();
    return copy_of(network.values());
  };
  const std::vector<float> alone = trained(1);
  for (const int n_threads : testing::team_sizes()) CHECK(same_bits(trained(n_threads), alone));
}

TEST(a_window_may_have_no_rows_and_an_epoch_may_not) {
  const Data<float> data(203, 6, 2);
  Case<float> training({}, options_of(Schedule::constant, false), data);
  CHECK(training.trainer.run_window({}));
  CHECK_THROWS(training.trainer.end_epoch(), "an epoch must have at least one row");
  CHECK(training.trainer.run_window(data.dataset()));
  CHECK(training.trainer.run_window({}));
  CHECK(training.trainer.end_epoch());
  TrainOptions options;
  options.steps_per_epoch = 0;
  CHECK_THROWS(Case<float>({}, options, data), "steps_per_epoch must be a positive number");
  CHECK_THROWS(TrainOptions{}.for_rows(0), "X must have at least one row");
  options.batch_size = 0;
  CHECK_THROWS(options.for_rows(10), "batch_size must be at least 1");
}

TEST(an_interruption_between_windows_goes_back_to_the_last_epoch) {
  const Data<float> data(4000, 6, 2);
  TrainOptions options = options_of(Schedule::constant, false);
  options.steps_per_epoch = 125;
  options.max_iter = Index{1} << 40;
  options.n_iter_no_change = Index{1} << 40;
  Case<float> training({}, options, data);
  CHECK(training.trainer.run_window(data.dataset()) && training.trainer.end_epoch());
  const std::vector<float> after_epoch = copy_of(training.network.values());
  training.trainer.interrupted = [] { return true; };
  while (training.trainer.run_window(data.dataset())) {
  }
  CHECK(training.trainer.was_interrupted());
  CHECK(!training.trainer.end_epoch() && !training.trainer.run_window(data.dataset()));
  const TrainResult result = training.trainer.finish();
  CHECK(result.reason == StopReason::interrupted && result.n_iter == 1);
  CHECK(same_bits(copy_of(training.network.values()), after_epoch));
}

TEST(time_ends_an_epoch_of_windows) {
  const Data<float> data(400, 6, 2);
  TrainOptions options = options_of(Schedule::cosine, true);
  options.steps_per_epoch = 1e9;
  options.time_limit = 0.2;
  Case<float> training({}, options, data);
  const std::vector<float> before = copy_of(training.network.values());
  while (training.trainer.run_window(data.dataset())) {
  }
  CHECK(!training.trainer.end_epoch());
  const TrainResult result = training.trainer.finish();
  CHECK(result.reason == StopReason::time_limit && result.n_iter == 1 && result.best_epoch == 1);
  CHECK(!same_bits(copy_of(training.network.values()), before));

  // Time that is spent counts in a training that goes on.
  Case<float> resumed({}, options, data);
  resumed.restore(training.state());
  CHECK(!resumed.trainer.run_window(data.dataset()));
}

}  // namespace
}  // namespace fastmlp
