// The gradients of a step: against a naive network in double, over minibatches of several chunks, and against finite
// differences for every activation and loss.
#include <limits>

#include "check.h"
#include "data.h"
#include "kernels/activation.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::mlp;

/** Loss, and the gradients left in the network. */
template <class T>
double gradients(Network<T>& network, const Dataset<T>& data, const std::vector<std::uint32_t>& order,
                 const StepOptions& options, int n_threads = 1) {
  const Standardisation none;
  const Index rows = static_cast<Index>(order.size());
  Step<T> step(network, none, data, options, rows, n_threads);
  network.prepare();
  run_team(n_threads, [&](Member& member) { step.run(member, {order.data(), rows}, 1, nullptr, {}); });
  return step.loss();
}

/** tanh layers and a linear one under the squared error, as a textbook writes them. */
template <class T>
class Naive {
 public:
  Naive(Network<T>& network) : network_(network), gradient_(static_cast<std::size_t>(network.values().size())) {}

  /** Loss and gradient over `rows` rows: the data's, again and again. */
  double run(const Data<T>& data, Index rows, double l2) {
    double weight = 0;
    long double loss = 0;
    const auto times = [&](Index i) { return static_cast<double>(ceil_div(rows - i, data.rows)); };
    for (Index i = 0; i < data.rows; ++i)
      weight += times(i) * static_cast<double>(data.weights[static_cast<std::size_t>(i)]);
    for (Index i = 0; i < data.rows; ++i) loss += row(data, i, times(i) / weight);
    const Stack<T>& stack = network_.stack();
    for (Index l = 0; l < stack.n_layers(); ++l)
      for_each(l, 0, [&](Index at, Index, Index) {
        const double w = static_cast<double>(network_.values()[at]);
        loss += 0.5 * l2 / weight * w * w;
        gradient_[static_cast<std::size_t>(at)] += l2 / weight * w;
      });
    return static_cast<double>(loss);
  }
  const std::vector<double>& gradient() const { return gradient_; }

 private:
  /** f(place in the flat buffer, i, j) for array 0 (weights) or 1 (bias) of a layer. */
  template <class F>
  void for_each(Index l, std::size_t array, F&& f) {
    const ParameterArray a = network_.stack().layer(l).arrays()[array];
    const Index first = network_.stack().first_parameter(l) + a.offset;
    const bool matrix = a.shape.size() == 2;
    for (Index i = 0; i < (matrix ? a.shape[0] : 1); ++i)
      for (Index j = 0; j < a.shape.back(); ++j)
        f(first + (matrix ? i * a.strides[0] : 0) + j * a.strides.back(), i, j);
  }

  double row(const Data<T>& data, Index r, double scale) {
    using Vector = std::vector<double>;
    const Stack<T>& stack = network_.stack();
    std::vector<Vector> a(1);
    for (Index k = 0; k < data.inputs; ++k)
      a[0].push_back(static_cast<double>(data.x[static_cast<std::size_t>(r * data.inputs + k)]));
    for (Index l = 0; l < stack.n_layers(); ++l) {
      Vector z(static_cast<std::size_t>(stack.layer(l).outputs()));
      const auto value = [&](Index at) { return static_cast<double>(network_.values()[at]); };
      for_each(l, 1, [&](Index at, Index, Index j) { z[static_cast<std::size_t>(j)] = value(at); });
      for_each(l, 0, [&](Index at, Index i, Index j) {
        z[static_cast<std::size_t>(j)] += a.back()[static_cast<std::size_t>(i)] * value(at);
      });
      if (l + 1 < stack.n_layers())
        for (double& x : z) x = std::tanh(x);
      a.push_back(std::move(z));
    }
    const double weight =
        static_cast<double>(data.weights[static_cast<std::size_t>(r)]) * scale / static_cast<double>(data.outputs);
    double loss = 0;
    Vector delta;
    for (Index j = 0; j < data.outputs; ++j) {
      const double d = a.back()[static_cast<std::size_t>(j)] -
                       static_cast<double>(data.y[static_cast<std::size_t>(r * data.outputs + j)]);
      loss += weight * d * d;
      delta.push_back(2 * weight * d);
    }
    for (Index l = stack.n_layers() - 1; l >= 0; --l) {
      const Vector& in = a[static_cast<std::size_t>(l)];
      Vector d_in(in.size());
      for_each(l, 1, [&](Index at, Index, Index j) {
        gradient_[static_cast<std::size_t>(at)] += delta[static_cast<std::size_t>(j)];
      });
      for_each(l, 0, [&](Index at, Index i, Index j) {
        gradient_[static_cast<std::size_t>(at)] += in[static_cast<std::size_t>(i)] * delta[static_cast<std::size_t>(j)];
        d_in[static_cast<std::size_t>(i)] +=
            delta[static_cast<std::size_t>(j)] * static_cast<double>(network_.values()[at]);
      });
      for (std::size_t i = 0; i < in.size(); ++i) d_in[i] *= 1 - in[i] * in[i];
      delta = std::move(d_in);
    }
    return loss;
  }

  Network<T>& network_;
  std::vector<double> gradient_;
};

/** Over `rows` rows, of which so many are different, in turn: the naive network takes longest. */
template <class T>
void check_against_naive(Index rows, std::initializer_list<Index> sizes, int n_threads, Index different) {
  const std::vector<Index> all(sizes);
  const Data<T> data(different, all.front(), all.back());
  std::vector<std::uint32_t> order(static_cast<std::size_t>(rows));
  for (Index i = 0; i < rows; ++i) order[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(i % different);
  Network<T> network(mlp(sizes, "tanh"), 4);
  constexpr double l2 = 3;
  Naive<T> naive(network);
  const double expected = naive.run(data, rows, l2);
  const double loss = gradients(network, data.dataset(true), order, {.l2 = l2}, n_threads);
  const double unit = std::numeric_limits<T>::epsilon();
  CHECK_NEAR(loss, expected, 20 * unit * expected);
  double largest = 0, error = 0;
  for (Index i = 0; i < network.gradients().size(); ++i) {
    const double exact = naive.gradient()[static_cast<std::size_t>(i)];
    largest = std::max(largest, std::abs(exact));
    error = std::max(error, std::abs(static_cast<double>(network.gradients()[i]) - exact));
    CHECK(std::isfinite(network.gradients()[i]));
  }
  // A sum of `rows` terms of both signs: its rounding grows with the root of their number.
  CHECK_NEAR(error, 0, unit * std::sqrt(static_cast<double>(rows)) * largest);
}

template <class T>
void check_against_naive(Index rows, std::initializer_list<Index> sizes, int n_threads) {
  check_against_naive<T>(rows, sizes, n_threads, rows);
}

TEST(gradients_equal_a_naive_network) {
  for (const int n_threads : testing::kSanitized ? std::vector{3} : std::vector{1, 3}) {
    check_against_naive<float>(1, {3, 2}, n_threads);
    check_against_naive<double>(1, {3, 2}, n_threads);
    check_against_naive<float>(33, {7, 19, 5}, n_threads);
    check_against_naive<double>(33, {7, 19, 5}, n_threads);
    check_against_naive<double>(65, {130, 67, 33, 1}, n_threads);
    // One output, several leaves, and several blocks of rows in each.
    check_against_naive<float>(9000, {4, 40, 1}, n_threads);
    check_against_naive<double>(9000, {4, 40, 1}, n_threads);
  }
}

template <class T>
Index chunk_rows(const std::vector<LayerSpec>& specs, const Data<T>& data) {
  Network<T> network(specs, 1);
  const Standardisation none;
  return Step<T>(network, none, data.dataset(), {}, data.rows, 1).chunk_rows();
}

/** Small networks, whose threads take leaves of rows, and one whose tasks' owning threads add up over all rows. */
TEST(gradients_of_chunked_minibatches_equal_a_naive_network) {
  CHECK(chunk_rows(mlp({5, 90, 2}, "tanh"), Data<float>(17001, 5, 2)) < 17001);
  CHECK(chunk_rows(mlp({300, 500, 6}, "tanh"), Data<double>(1100, 300, 6)) < 1100);
  for (const int n_threads : testing::kSanitized ? std::vector{3} : std::vector{1, 3}) {
    check_against_naive<float>(17001, {5, 90, 2}, n_threads, 101);  // the second chunk begins with another
    check_against_naive<double>(17001, {5, 90, 2}, n_threads);
    check_against_naive<double>(1100, {300, 500, 6}, n_threads, 101);
  }
}

void check_finite_differences(const char* what, const std::vector<LayerSpec>& specs, const Data<double>& data,
                              LossKind loss, std::vector<double> quantiles = {0.7}) {
  StepOptions options{.loss = {loss, 0.3, std::move(quantiles), 0.2}, .l1 = 0.2, .l2 = 0.3};
  Network<double> network(specs, 6);
  const auto at_present = [&] { return gradients(network, data.dataset(true), data.order, options); };
  at_present();
  const std::vector<double> gradient = copy_of(network.gradients());
  // Of the parameters themselves: padding is never moved.
  const Index every = testing::kSanitized ? 29 : 1;
  Index turn = 0;
  for (Index l = 0; l < network.stack().n_layers(); ++l)
    for (const ParameterArray& a : network.stack().layer(l).arrays())
      for (Index i = 0; i < a.shape[0]; ++i)
        for (Index j = 0; j < (a.shape.size() == 2 ? a.shape[1] : 1); ++j) {
          if (turn++ % every) continue;
          const Index at =
              network.stack().first_parameter(l) + a.offset + i * a.strides[0] + (j ? j * a.strides[1] : 0);
          const double value = network.values()[at];
          constexpr double h = 1e-5;
          network.values()[at] = value + h;
          const double above = at_present();
          network.values()[at] = value - h;
          const double below = at_present();
          network.values()[at] = value;
          const double slope = (above - below) / (2 * h), got = gradient[static_cast<std::size_t>(at)];
          if (!(std::abs(slope - got) <= 1e-8 * std::max(1.0, std::abs(slope))))
            testing::fail(__FILE__, __LINE__, "%s, layer %td, %s(%td, %td): %.12g by differences, %.12g got", what, l,
                          a.name.c_str(), i, j, slope, got);
        }
}

void check_finite_differences(const char* what, const std::vector<LayerSpec>& specs, LossKind loss) {
  check_finite_differences(what, specs, Data<double>(7, testing::inputs_of(specs), testing::outputs_of(specs), loss),
                           loss);
}

TEST(gradients_of_tabular_layers_equal_finite_differences) {
  const Data<double> data = testing::with_codes(Data<double>(9, 7, 2), 5, {3, 4});
  for (const char* activation : {"relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "logistic", "softplus"})
    check_finite_differences(activation, testing::tabular(3, 2, {{3, 0}, {4, 2}}, {6, 4}, 2, activation, 0.3), data,
                             LossKind::squared_error);
  // A single output, whose layer takes backward pass and gradient together.
  for (const double rate : {0.0, 0.3})
    check_finite_differences("one output", testing::tabular(3, 2, {{3, 0}, {4, 2}}, {6, 12}, 1, "mish", rate),
                             testing::with_codes(Data<double>(9, 7, 1), 5, {3, 4}), LossKind::squared_error);
  // More features than a task has, and than a packet.
  const Data<double> wide(5, 70, 3);
  check_finite_differences("wide", testing::tabular(70, 0, {}, {5}, 3, "mish"), wide, LossKind::squared_error);
}

TEST(gradients_of_several_quantiles_equal_finite_differences) {
  const Data<double> data(300, 4, 3, LossKind::quantile);
  check_finite_differences("quantiles", mlp({4, 3, 3}, "tanh"), data, LossKind::quantile, {0.1, 0.5, 0.9});
}

TEST(gradients_equal_finite_differences) {
  for (const char* activation :
       {"identity", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "logistic", "softplus"}) {
    check_finite_differences(activation, mlp({3, 6, 5, 2}, activation), LossKind::squared_error);
    check_finite_differences(activation, mlp({3, 9, 6}, activation, 0.4), LossKind::squared_error);
    check_finite_differences(activation, mlp({3, 12, 1}, activation), LossKind::squared_error);
    check_finite_differences(activation, mlp({3, 12, 1}, activation, 0.4), LossKind::squared_error);
  }
  for (const char* loss : kLossNames) {
    const LossKind kind = loss_options(loss, {}).kind;
    const Index of_each = kind == LossKind::gaussian ? 2 : 1;  // a mean and a spread
    check_finite_differences(loss, mlp({3, 6, 3 * of_each}, "tanh"), kind);
    check_finite_differences(loss, mlp({3, 6, 7 * of_each}, "tanh"), kind);
  }
}

/** A derivative given by the caller takes the loss's place, in every chunk. */
TEST(given_derivatives_go_through) {
  const Data<double> data(16500, 4, 6);
  CHECK(chunk_rows(mlp({4, 60, 6}, "silu", 0.25), data) < data.rows);
  const auto specs = mlp({4, 60, 6}, "silu", 0.25);
  Network<double> by_loss(specs, 8), given(specs, 8);
  gradients(by_loss, data.dataset(), data.order, {});
  // d/dz of the mean squared error, from a forward pass with the masks of the same step.
  Workspace<double> workspace(given.stack(), data.rows, true);
  const Standardisation none;
  gather<double>(data.table(), none, nullptr, 0, workspace.input());
  given.stack().forward(given.weights(), workspace, 0, data.rows, {true, given.seed(), 1, 0});
  std::vector<double> delta;
  for (Index i = 0; i < data.rows; ++i)
    for (Index j = 0; j < 6; ++j)
      delta.push_back(2 * (workspace.output().row(i)[j] - data.y[static_cast<std::size_t>(i * 6 + j)]) / 6 /
                      static_cast<double>(data.rows));
  const Dataset<double> without_targets{{data.table(), {}, nullptr}, data.order};
  Step<double> step(given, none, without_targets, {}, data.rows, 8);
  step.given_delta = {delta.data(), data.rows, 6, 6};
  run_team(2, [&](Member& member) { step.run(member, {data.order.data(), data.rows}, 1, nullptr, {}); });
  for (Index i = 0; i < given.gradients().size(); ++i) CHECK_NEAR(given.gradients()[i], by_loss.gradients()[i], 1e-15);
}

TEST(padding_stays_zero) {
  const auto check = [&]<class T>(T, const std::vector<LayerSpec>& specs) {
    const Data<T> data = testing::with_codes(Data<T>(90, 5, testing::outputs_of(specs)), 4, {6});
    Network<T> network(specs, 9);
    Optimizer<T> optimizer({.weight_decay = 0.1}, network.stack());
    const Standardisation none;
    Step<T> step(network, none, data.dataset(true), {.l1 = 0.1, .l2 = 0.1}, data.rows, 8);
    run_team(1, [&](Member& member) {
      for (std::uint64_t k = 1; k <= 20; ++k)
        step.run(member, {data.order.data(), data.rows}, k, &optimizer, optimizer.rate(0.1, k));
      // Without an update the network has the gradients.
      step.run(member, {data.order.data(), data.rows}, 21, nullptr, {});
    });
    std::vector<bool> is_parameter(static_cast<std::size_t>(network.values().size()));
    for (Index l = 0; l < network.stack().n_layers(); ++l)
      for (const ParameterArray& a : network.stack().layer(l).arrays())
        for (Index i = 0; i < a.shape[0]; ++i)
          for (Index j = 0; j < (a.shape.size() == 2 ? a.shape[1] : 1); ++j)
            is_parameter[static_cast<std::size_t>(network.stack().first_parameter(l) + a.offset + i * a.strides[0] +
                                                  (j ? j * a.strides[1] : 0))] = true;
    for (Index i = 0; i < network.values().size(); ++i)
      if (!is_parameter[static_cast<std::size_t>(i)]) {
        CHECK(network.values()[i] == 0);
        CHECK(network.gradients()[i] == 0);
      }
  };
  for (const auto& specs : {mlp({5, 17, 9, 3}, "softplus", 0.2), mlp({5, 17, 1}, "softplus"), mlp({5, 17, 1}, "relu"),
                            testing::tabular(3, 1, {{6, 3}}, {17, 9}, 3, "softplus", 0.2)}) {
    check(0.0f, specs);
    check(0.0, specs);
  }
}

}  // namespace
}  // namespace fastmlp
