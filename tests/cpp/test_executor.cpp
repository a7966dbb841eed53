// The executor alone: epochs as planned, evaluations, parameters in and out, and what the caller's function throws.
#include "check.h"
#include "data.h"
#include "train/executor.h"
#include "train/trainer.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::mlp;
using testing::same_bits;

constexpr Index kBatch = 400;

/** Two epochs and what they leave: parameters, losses and the validation loss. */
std::vector<double> by_executor(const Data<double>& data, int n_threads) {
  Network<double> network(mlp({5, 113, 65, 2}, "relu", 0.2), 5);
  Optimizer<double> optimizer({}, network.stack());
  const Standardisation none;
  ExecutorOptions options;
  options.batch_size = kBatch;
  options.n_threads = n_threads;
  Executor<double> executor(network, optimizer, none, {data.dataset()}, options);
  executor.use(data.dataset(true));
  StepsPlan plan{.order = data.order.data(), .n_rows = data.rows, .steps = {{0.01, 1}, {0.02, 0.5}, {0.01, 0}}};
  std::vector<double> losses;
  executor.load();
  executor.repeat([&] {
    losses.push_back(executor.run_steps(plan)->value());
    plan.network_steps = plan.optimizer_steps += plan.steps.size();
    losses.push_back(executor.evaluate()->front().loss);
    return losses.size() < 4;
  });
  executor.store();
  Buffer<double> parameters(executor.n_parameters());
  executor.read_parameters(parameters);
  CHECK(same_bits(copy_of(parameters), copy_of(network.values())));
  losses.insert(losses.end(), parameters.data(), parameters.data() + parameters.size());
  return losses;
}

std::vector<double> by_steps(const Data<double>& data) {
  Network<double> network(mlp({5, 113, 65, 2}, "relu", 0.2), 5);
  Optimizer<double> optimizer({}, network.stack());
  const Standardisation none;
  Step<double> step(network, none, data.dataset(true), {}, kBatch, 1);
  for (std::uint64_t k = 0; k < 6; ++k) {
    const Index i = static_cast<Index>(k % 3), first = i * kBatch;
    const double share = 1 - 0.5 * static_cast<double>(i);
    auto rate = optimizer.rate(i == 1 ? 0.02 : 0.01, k + 1);
    rate.decay_share = share;
    run_team(1, [&](Member& member) {
      step.run(member, {data.order.data() + first, std::min(kBatch, data.rows - first), share}, k, &optimizer, rate);
    });
  }
  return copy_of(network.values());
}

TEST(epochs_are_steps_as_planned) {
  const Data<double> data(1003, 5, 2);
  const std::vector<double> alone = by_executor(data, 1);
  CHECK(same_bits(std::vector<double>(alone.begin() + 4, alone.end()), by_steps(data)));
  CHECK(alone[2] < alone[0] && alone[3] < alone[1]);
  for (const int n_threads : {2, 3, 8}) CHECK(same_bits(by_executor(data, n_threads), alone));
}

TEST(the_loss_of_an_epoch_does_not_depend_on_its_parts) {
  const Data<double> data(1003, 5, 2);
  const std::vector<StepSettings> steps(101, StepSettings{0.01});
  const auto loss_in_parts_of = [&](std::size_t most) {
    Network<double> network(mlp({5, 13, 2}, "relu"), 5);
    Optimizer<double> optimizer({}, network.stack());
    const Standardisation none;
    ExecutorOptions options;
    options.batch_size = 10;
    Executor<double> executor(network, optimizer, none, {data.dataset()}, options);
    executor.use(data.dataset(true));
    StepsPlan plan{.order = data.order.data(), .n_rows = data.rows};
    std::size_t done = 0;
    executor.load();
    executor.repeat([&] {
      const std::size_t count = std::min(most, steps.size() - done);
      plan.steps.assign(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(count));
      plan.loss = *executor.run_steps(plan);
      plan.network_steps = plan.optimizer_steps = done += count;
      plan.order += 10 * static_cast<Index>(count);
      plan.n_rows -= 10 * static_cast<Index>(count);
      return done < steps.size();
    });
    return plan.loss.value();
  };
  const double whole = loss_in_parts_of(101);
  for (const std::size_t most : {1, 7, 64}) CHECK(loss_in_parts_of(most) == whole);
}

TEST(an_interruption_ends_one_epoch_and_not_the_next) {
  const Data<double> data(1003, 5, 2);
  Network<double> network(mlp({5, 113, 65, 2}, "relu"), 5);
  Optimizer<double> optimizer({}, network.stack());
  const Standardisation none;
  ExecutorOptions options;
  options.batch_size = kBatch;
  options.n_threads = 2;
  Executor<double> executor(network, optimizer, none, {data.dataset()}, options);
  executor.use(data.dataset());
  StepsPlan plan{.order = data.order.data(), .n_rows = data.rows, .steps = {{0.01}, {0.01}, {0.01}}};
  executor.load();
  executor.interrupted = [] { return true; };
  bool interrupted = false;
  executor.repeat([&] {
    interrupted = !executor.run_steps(plan).has_value();
    return !interrupted;  // the first question comes after 50 ms at the earliest
  });
  CHECK(interrupted);
  executor.interrupted = nullptr;
  executor.repeat([&] {
    CHECK(executor.run_steps(plan).has_value());
    CHECK(executor.evaluate().has_value());
    return false;
  });
}

TEST(what_a_callback_throws_comes_out_of_the_fit) {
  const Data<float> data(1003, 5, 2);
  Network<float> network(mlp({5, 113, 65, 2}, "relu"), 5);
  Optimizer<float> optimizer({}, network.stack());
  const Standardisation none;
  TrainOptions options;
  options.n_threads = 3;
  options.batch_size = kBatch;
  Trainer<float> trainer(network, optimizer, none, {}, options.for_rows(data.rows));
  int epochs = 0;
  trainer.on_epoch = [&](const EpochRecord&) -> EpochAnswer {
    if (++epochs == 2) invalid("the callback", "must not throw");
    return {};
  };
  CHECK_THROWS(trainer.run(data.dataset()), "the callback must not throw");
  CHECK(epochs == 2);

  Network<float> one_epoch(mlp({5, 113, 65, 2}, "relu"), 5);
  Optimizer<float> other({}, one_epoch.stack());
  options.max_iter = 1;
  Trainer<float>(one_epoch, other, none, {}, options.for_rows(data.rows)).run(data.dataset());
  CHECK(same_bits(copy_of(network.values()), copy_of(one_epoch.values())));
}

}  // namespace
}  // namespace fastmlp
