// Pieces of epochs, time limits that end between them, and threads that trainings share.
#include "check.h"
#include "core/thread_budget.h"
#include "data.h"
#include "train/trainer.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::mlp;
using testing::same_bits;

constexpr Index kRowsAStep = 4;
constexpr Index kFirstSteps = 1;  // before the time is looked at

TrainOptions options_of(Index max_iter) {
  TrainOptions options;
  options.max_iter = max_iter;
  options.batch_size = kRowsAStep;
  options.n_iter_no_change = Index{1} << 40;
  options.schedule = schedule_options("cosine", 1e-2, 0.5, 0);
  return options;
}

TEST(time_limits_end_fits_and_their_schedules) {
  const Data<double> data(300, 4, 1);
  Network<double> network(mlp({4, 32, 1}, "tanh"), 3);
  Optimizer<double> optimizer({}, network.stack());
  TrainOptions options = options_of(Index{1} << 30);
  options.time_limit = 0.3;
  const Standardisation none;
  Trainer<double> trainer(network, optimizer, none, {}, options.for_rows(data.rows));
  const TrainResult result = trainer.run(data.dataset());
  CHECK(result.reason == StopReason::time_limit);
  CHECK(result.n_iter > 1);
  CHECK(static_cast<std::uint64_t>(result.n_steps) == network.steps);
  // The rate has come down: the schedule was laid out for the time there was.
  CHECK(result.learning_rates.back() < 0.1 * 1e-2);
}

TEST(the_least_time_is_a_few_steps_of_one_epoch) {
  const Data<double> data(300, 4, 1);  // 75 steps
  Network<double> network(mlp({4, 32, 1}, "tanh"), 3);
  Optimizer<double> optimizer({}, network.stack());
  TrainOptions options = options_of(10);
  options.time_limit = 1e-9;
  options.early_stopping = true;
  const Standardisation none;
  Trainer<double> trainer(network, optimizer, none, data.dataset(), options.for_rows(data.rows));
  const TrainResult result = trainer.run(data.dataset());
  CHECK(result.reason == StopReason::time_limit);
  CHECK(result.n_iter == 1 && result.best_epoch == 1 && result.n_steps == kFirstSteps);
  CHECK(result.validation_curve.size() == 1 && result.loss_curve.size() == 1);

  // The same steps, taken one by one in the same order.
  Network<double> other(mlp({4, 32, 1}, "tanh"), 3);
  Optimizer<double> its({}, other.stack());
  std::vector<std::uint32_t> order(300);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  RandomSequence random(random_key(options.seed, Stream::shuffling, 0));
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  const LearningRate rate(options.schedule, 750);
  Step<double> step(other, none, data.dataset(), {}, kRowsAStep, 1);
  double loss = 0;
  run_team(1, [&](Member& member) {
    for (Index k = 0; k < kFirstSteps; ++k) {
      const auto number = static_cast<std::uint64_t>(k);
      const auto update = its.rate(rate.at(number, 0), number + 1);
      step.run(member, {order.data() + k * kRowsAStep, kRowsAStep}, number, &its, update);
      loss += step.loss() / kFirstSteps;
    }
  });
  CHECK(same_bits(copy_of(network.values()), copy_of(other.values())));
  CHECK_NEAR(result.loss_curve[0], loss, 1e-12 * loss);
}

TEST(an_interruption_within_an_epoch_goes_back_to_the_last_one) {
  const Data<double> data(1003, 5, 2);
  Index n_iter = Index{1} << 30;
  const auto trained = [&](bool interrupts) {
    Network<double> network(mlp({5, 113, 65, 2}, "relu"), 5);
    Optimizer<double> optimizer({}, network.stack());
    const Standardisation none;
    TrainOptions options = options_of(n_iter);
    options.schedule = {};
    Trainer<double> trainer(network, optimizer, none, {}, options.for_rows(data.rows));
    bool first_is_over = false;
    trainer.on_epoch = [&](const EpochRecord&) {
      first_is_over = true;
      return EpochAnswer{};
    };
    if (interrupts) trainer.interrupted = [&] { return first_is_over; };
    const TrainResult result = trainer.run(data.dataset());
    CHECK(result.reason == (interrupts ? StopReason::interrupted : StopReason::max_iter));
    CHECK(result.n_steps == 251 * result.n_iter);
    // The optimiser's moments have seen the steps of the interrupted epoch.
    CHECK(network.steps == static_cast<std::uint64_t>(result.n_steps) && optimizer.steps >= network.steps);
    n_iter = result.n_iter;
    return copy_of(network.values());
  };
  const std::vector<double> interrupted = trained(true);
  CHECK(same_bits(interrupted, trained(false)));
}

TEST(threads_that_come_and_go_change_no_bits) {
  const Data<float> data(8003, 5, 2);  // 21 steps: at least two pieces of each length that there can be
  const auto trained = [&](int most, bool changes) {
    Network<float> network(mlp({5, 113, 65, 2}, "relu", 0.2), 5);
    Optimizer<float> optimizer({}, network.stack());
    const Standardisation none;
    TrainOptions options = options_of(testing::kSanitized ? 2 : 20);
    options.batch_size = 400;
    options.n_threads = most;
    Trainer<float> trainer(network, optimizer, none, data.dataset(), options.for_rows(data.rows));
    int asked = 0;
    if (changes) trainer.threads = [&] { return 1 + asked++ % 4; };
    trainer.on_epoch = [](const EpochRecord&) { return EpochAnswer{}; };
    trainer.run(data.dataset());
    if (changes) CHECK(asked > 0);
    return copy_of(network.values());
  };
  const std::vector<float> alone = trained(1, false);
  CHECK(same_bits(trained(4, true), alone));
  CHECK(same_bits(trained(2, true), alone));  // never more than there is room for
}

TEST(trainings_share_threads) {
  ThreadBudget one(1, 3);
  const ThreadBudget::Part a(one), b(one);
  CHECK(a.threads() == 1 && b.threads() == 1);

  ThreadBudget budget(7, 4);
  std::optional<ThreadBudget::Part> first, second, third;
  first.emplace(budget);
  CHECK(first->threads() == 2);  // others are to come
  second.emplace(budget);
  third.emplace(budget);
  CHECK(first->threads() == 2 && second->threads() == 2 && third->threads() == 2);
  {
    const ThreadBudget::Part fourth(budget);
    CHECK(fourth.threads() == 1);
  }
  CHECK(first->threads() == 3 && second->threads() == 2 && third->threads() == 2);
  first.reset();
  CHECK(second->threads() == 4 && third->threads() == 3);
  second.reset();
  CHECK(third->threads() == 7);
}

TEST(threads_wait_for_trainings_to_come) {
  ThreadBudget budget(2, 3);
  std::optional<ThreadBudget::Part> first(std::in_place, budget), second(std::in_place, budget);
  CHECK(first->threads() == 1 && second->threads() == 1);
  first.reset();
  CHECK(second->threads() == 1);  // the third one begins soon
  std::optional<ThreadBudget::Part> third(std::in_place, budget);
  CHECK(second->threads() == 1 && third->threads() == 1);
  second.reset();
  CHECK(third->threads() == 2);
}

}  // namespace
}  // namespace fastmlp
