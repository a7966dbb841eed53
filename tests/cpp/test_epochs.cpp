// Epochs in a given order, scikit-learn's losses, and NumPy's shuffle.
#include <limits>
#include <numeric>
#include <random>

#include "check.h"
#include "core/numpy_shuffle.h"
#include "data.h"
#include "matrices.h"
#include "train/epochs.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::mlp;
using testing::same_bits;

TEST(an_epoch_is_steps_in_the_given_order) {
  const Data<double> data(103, 5, 2);
  std::vector<std::uint32_t> order = data.order;
  std::reverse(order.begin(), order.end());
  const StepOptions options{.loss = canonical_loss("identity"), .l2 = 0.2};
  for (const int n_threads : {1, 2, 3}) {
    Network<double> by_steps(mlp({5, 30, 2}, "relu"), 4), by_epoch(mlp({5, 30, 2}, "relu"), 4);
    Optimizer<double> a({}, by_steps.stack()), b({}, by_epoch.stack());
    const Standardisation none;
    Step<double> step(by_steps, none, data.dataset(true), options, 20, 3);
    double expected = 0;
    run_team(n_threads, [&](Member& member) {
      std::uint64_t k = 0;
      for (Index first = 0; first < 103; first += 20) {
        const Index count = std::min<Index>(20, 103 - first);
        ++k;
        step.run(member, {order.data() + first, count}, k, &a, a.rate(1e-2, k));
        if (member.leads()) expected += step.loss() * static_cast<double>(count);
      }
    });
    Epochs<double> epochs(by_epoch, data.dataset(true), options, 20, n_threads);
    CHECK_NEAR(*epochs.run(order.data(), 103, b, 1e-2), expected / 103, 1e-15);  // a compiler may fuse the sum
    CHECK(b.steps == 6);
    CHECK(same_bits(by_steps.values().data(), by_epoch.values().data(), by_epoch.values().size()));
  }
}

constexpr Index kEpochRows = testing::kSanitized ? 1000 : 4000;

TEST(an_interrupted_epoch_changes_no_weights) {
  const Data<double> data(kEpochRows, 20, 1);
  Network<double> network(mlp({20, 200, 200, 1}, "tanh"), 4);
  const std::vector<double> before = copy_of(network.values());
  Optimizer<double> optimizer({}, network.stack());
  Epochs<double> epochs(network, data.dataset(), {}, 8, 2);
  epochs.interrupted = [] { return true; };
  // The first question comes after 50 ms at the earliest.
  bool ended = true;
  for (int i = 0; i < 100 && ended; ++i) {
    network.values().assign(Network<double>(mlp({20, 200, 200, 1}, "tanh"), 4).values());
    network.prepare();
    ended = epochs.run(data.order.data(), data.rows, optimizer, 1e-3).has_value();
  }
  CHECK(!ended);
  CHECK(same_bits(before.data(), network.values().data(), network.values().size()));
  // The next call trains, and computes gradients.
  epochs.interrupted = nullptr;
  CHECK(epochs.run(data.order.data(), data.rows, optimizer, 1e-3).has_value());
  CHECK(!same_bits(before.data(), network.values().data(), network.values().size()));
  CHECK(epochs.gradients(data.order.data(), data.rows).has_value());
}

TEST(an_exception_ends_an_epoch_and_changes_no_weights) {
  const Data<double> data(kEpochRows, 20, 1);
  for (const int n_threads : {1, 2}) {
    Network<double> network(mlp({20, 200, 200, 1}, "tanh"), 4);
    const std::vector<double> before = copy_of(network.values());
    Optimizer<double> optimizer({}, network.stack());
    constexpr Index batch = 256;
    CHECK(Step<double>::team_size(network.stack(), batch, n_threads) == n_threads);
    Epochs<double> epochs(network, data.dataset(), {}, batch, n_threads);
    epochs.interrupted = []() -> bool { throw std::invalid_argument("on purpose"); };
    // The first question comes after 50 ms at the earliest.
    const auto train = [&] {
      for (int i = 0; i < 1000; ++i) {
        network.values().assign(Network<double>(mlp({20, 200, 200, 1}, "tanh"), 4).values());
        network.prepare();
        epochs.run(data.order.data(), data.rows, optimizer, 1e-3);
      }
    };
    CHECK_THROWS(train(), "on purpose");
    CHECK(same_bits(before.data(), network.values().data(), network.values().size()));
    epochs.interrupted = nullptr;
    CHECK(epochs.run(data.order.data(), data.rows, optimizer, 1e-3).has_value());
  }
}

/** The loss of one raw output, or of one row of them, as scikit-learn's formulas give it in long double. */
template <class T>
long double formula(LossKind kind, const T* z, const T* y, Index n, Index label) {
  const auto clip = [](long double p) {
    constexpr long double epsilon = std::numeric_limits<double>::epsilon();
    return std::min(std::max(p, epsilon), 1 - epsilon);
  };
  long double total = 0, normaliser = 0;
  for (Index j = 0; j < n; ++j) normaliser += std::exp(static_cast<long double>(z[j]));
  for (Index j = 0; j < n; ++j) {
    const long double a = z[j], b = y[j];
    switch (kind) {
      case LossKind::half_squared_error: total += (a - b) * (a - b) / 2 / static_cast<long double>(n); break;
      case LossKind::half_poisson: total += std::exp(a) - b * a + (b > 0 ? b * std::log(b) : 0) - b; break;
      case LossKind::binary_log_loss: {
        // Rounded to double, as there: where p is nearly 1, 1 - p has few digits left.
        const double p = static_cast<double>(clip(static_cast<double>(1 / (1 + std::exp(-a)))));
        total -= std::log(static_cast<long double>(b > 0 ? p : 1 - p));
        break;
      }
      default: total -= j == label ? std::log(clip(std::exp(a) / normaliser)) : 0;
    }
  }
  return total;
}

/** More rows, and outputs, than are worked on at once; targets and weights in another order, with gaps. */
template <class T>
void check_losses(std::initializer_list<const char*> links) {
  constexpr double unit = std::numeric_limits<T>::epsilon();
  for (const char* link : links)
    for (const Index outputs : {1, 2, 3, 4, 5, 11, 300}) {
      const LossOptions loss = canonical_loss(link);
      constexpr Index kRows = 260;
      const Index stride = padded<T>(outputs), target_stride = outputs + 3;
      Buffer<T> z_memory(kRows * stride), d_memory(kRows * stride);
      const Matrix<T> z{z_memory.data(), kRows, outputs, stride}, delta{d_memory.data(), kRows, outputs, stride};
      std::vector<T> y(static_cast<std::size_t>(kRows * target_stride), testing::kNan<T>), weights(kRows);
      std::vector<double> losses(kRows);
      std::vector<std::int32_t> labels(kRows);
      std::vector<std::uint32_t> rows(kRows);
      testing::fill_uniform(weights.data(), kRows, 2);
      RandomSequence random(5);
      for (Index i = 0; i < kRows; ++i) {
        const Index row = (i * 7 + 3) % kRows;
        rows[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(row);
        labels[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(i % outputs);
        for (Index j = 0; j < outputs; ++j) {
          // Some saturate: all the way where of so many some would come near 1, and 1 - p had few digits.
          const double value = 2 * random.uniform() - 1;
          const bool far = i < 4, wholly = far && outputs > 11 && loss.kind == LossKind::binary_log_loss;
          z.row(i)[j] = static_cast<T>(wholly ? 3 * value + std::copysign(50, value) : (far ? 60 : 3) * value);
          T& target = y[static_cast<std::size_t>(row * target_stride + j)];
          target = static_cast<T>(loss.kind == LossKind::half_poisson      ? random.below(4)
                                  : loss.kind == LossKind::binary_log_loss ? random.below(2)
                                                                           : 2 * random.uniform());
        }
      }
      evaluate_loss<T>(loss, z, {y.data(), labels.data(), target_stride}, weights.data(), rows.data(), 0.5,
                       losses.data(), delta);
      for (Index i = 0; i < kRows; ++i) {
        const Index row = rows[static_cast<std::size_t>(i)];
        const double w = static_cast<double>(weights[static_cast<std::size_t>(row)]);
        const T* own = y.data() + row * target_stride;
        const double expected = w * static_cast<double>(formula(loss.kind, z.row(i), own, outputs, i % outputs));
        CHECK_NEAR(losses[static_cast<std::size_t>(i)], expected, 450 * unit * (1 + std::abs(expected)));
        long double normaliser = 0;
        for (Index j = 0; j < outputs; ++j) normaliser += std::exp(static_cast<long double>(z.row(i)[j]));
        for (Index j = 0; j < outputs; ++j) {
          const long double a = z.row(i)[j];
          const long double prediction = loss.kind == LossKind::half_squared_error ? a
                                         : loss.kind == LossKind::half_poisson     ? std::exp(a)
                                         : loss.kind == LossKind::binary_log_loss  ? 1 / (1 + std::exp(-a))
                                                                                   : std::exp(a) / normaliser;
          const double target =
              loss.kind == LossKind::log_loss ? (j == i % outputs ? 1 : 0) : static_cast<double>(own[j]);
          const double slope = static_cast<double>(prediction) - target;
          CHECK_NEAR(delta.row(i)[j], 0.5 * w * slope, 45 * unit * (1 + std::abs(slope)));
        }
      }
    }
}

TEST(losses_of_scikit_learn) {
  check_losses<double>({"identity", "exponential", "logistic", "softmax"});
  // In float the logarithm of a probability near 0 or 1 has few digits.
  check_losses<float>({"identity", "exponential"});
  CHECK_THROWS(canonical_loss("tanh"), "link");
}

/** RandomState(42) is std::mt19937(42). */
TEST(numpys_shuffle) {
  std::mt19937 random(42);
  std::vector<std::uint32_t> ten(10);
  std::iota(ten.begin(), ten.end(), 0u);
  numpy_shuffle(random, ten.data(), 10);
  CHECK((ten == std::vector<std::uint32_t>{8, 1, 5, 0, 7, 2, 9, 4, 3, 6}));
  std::vector<std::uint32_t> one{7};
  const std::mt19937 before = random;
  numpy_shuffle(random, one.data(), 1);
  numpy_shuffle(random, one.data(), 0);
  CHECK(random == before);  // nothing to draw
}

}  // namespace
}  // namespace fastmlp
