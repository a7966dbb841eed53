// How far the vector functions and the activations are from the exact value, in units of the last place, over dense
// sweeps. The bounds are what was measured on v2, v3 and v4, rounded up by half at the most.
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "check.h"
#include "core/denormals.h"
#include "data.h"
#include "kernels/activation.h"
#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

using Real = long double;
using testing::failures;

template <class T>
constexpr const char* kType = sizeof(T) == 4 ? "float" : "double";

/** Largest errors over a sweep. */
struct Errors {
  double ulp = 0;       // relative to the exact value: units in its last place
  double epsilons = 0;  // absolute up to 1: |error| / (epsilon * max(1, |exact|))
  double ulp_at = 0, epsilons_at = 0;

  template <class T>
  void add(T x, T got, Real exact, bool relative = true) {
    using Limits = std::numeric_limits<T>;
    if (std::abs(exact) > static_cast<Real>(Limits::max())) {  // and so infinity is the right answer
      if (got < Limits::max() && got > -Limits::max()) ulp = epsilons = Limits::infinity();
      return;
    }
    const Real error = std::abs(static_cast<Real>(got) - exact);
    // Training flushes results below the smallest normal number to zero: no digits are asked for there.
    const Real magnitude = std::max(std::abs(exact), static_cast<Real>(Limits::min()));
    const Real unit = std::scalbn(Real(1), std::ilogb(magnitude) - (Limits::digits - 1));
    const bool flushed =
        std::abs(exact) < 2 * static_cast<Real>(Limits::min()) && error <= 2 * static_cast<Real>(Limits::min());
    if (relative) raise(ulp, ulp_at, flushed ? 0 : error / unit, x);
    raise(epsilons, epsilons_at, error / (Limits::epsilon() * std::max(Real(1), std::abs(exact))), x);
  }

 private:
  template <class T>
  static void raise(double& most, double& at, Real error, T x) {
    if (std::isnan(error)) error = std::numeric_limits<Real>::infinity();
    if (error <= static_cast<Real>(most)) return;
    most = static_cast<double>(error);
    at = static_cast<double>(x);
  }
};

/** Points in [low, high]: even steps there and near 0, all magnitudes, the special ones. */
template <class T>
std::vector<T> sweep(double low, double high) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> points;
  const auto add = [&](double x) {
    // Training reads denormals as zeros.
    if (x >= low && x <= high && (x == 0 || std::abs(x) >= double(Limits::min()))) points.push_back(static_cast<T>(x));
  };
  constexpr int kSteps = 20000;
  for (const double reach : {1.0, 10.0, 100.0, 1000.0})
    for (int i = -kSteps; i <= kSteps; ++i) add(reach * i / kSteps * 1.0000001);
  for (double x = static_cast<double>(Limits::min()); x < 1e3; x *= sizeof(T) == 4 ? 1.01 : 1.1) {
    add(x);
    add(-x);
  }
  for (const double x : {0.0, 1e-30, 100.0, double(Limits::min()), 2 * double(Limits::min()), double(Limits::epsilon()),
                         0.46875, 0.625, 0.5, 1.0, 4.0, 6.0, 20.0, 88.5, 104.0, 709.5, 745.0}) {
    for (const double sign : {1.0, -1.0}) {
      add(sign * x);
      add(sign * double(std::nextafter(T(x), T(0))));
      add(sign * double(std::nextafter(T(x), T(1e30))));
    }
  }
  points.resize(static_cast<std::size_t>(padded<T>(static_cast<Index>(points.size()))), T(points.front()));
  return points;
}

template <class T>
struct Bound {
  double ulp, epsilons;  // infinity: not asked for
};
constexpr double kAny = std::numeric_limits<double>::infinity();

template <class T>
void report(const char* name, const Errors& errors, Bound<T> bound) {
  std::printf("  %-16s %-6s %8.3g epsilons at %-12.6g", name, kType<T>, errors.epsilons, errors.epsilons_at);
  if (bound.ulp < kAny) std::printf("%8.3g ulp at %.6g", errors.ulp, errors.ulp_at);
  std::printf("\n");
  CHECK(errors.ulp <= bound.ulp);
  CHECK(errors.epsilons <= bound.epsilons);
}

template <class T, class Function>
void check_function(const char* name, double low, double high, Function&& function, Real (*exact)(Real),
                    Bound<T> bound) {
  const std::vector<T> points = sweep<T>(low, high);
  const Index n = static_cast<Index>(points.size());
  Buffer<T> result(n);
  {
    const DenormalMode as_in_training(true);
    for (Index i = 0; i < n; i += simd::kWidth<T>) simd::store(&result[i], function(simd::loadu(points.data() + i)));
  }
  Errors errors;
  for (Index i = 0; i < n; ++i) {
    const T x = points[static_cast<std::size_t>(i)];
    errors.add(x, result[i], exact(static_cast<Real>(x)));
  }
  report(name, errors, bound);
}

Real exact_logistic(Real x) { return 1 / (1 + std::exp(-x)); }
Real exact_softplus(Real x) { return std::max(x, Real(0)) + std::log1p(std::exp(-std::abs(x))); }
Real exact_phi(Real x) { return std::erfc(-x / std::numbers::sqrt2_v<Real>) / 2; }
Real exact_density(Real x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<Real>); }
constexpr Real kSeluScale = 1.0507009873554804934193349852946L;
constexpr Real kSeluAlpha = 1.6732632423543772848170429916717L;

template <class T>
void check_functions(std::initializer_list<Bound<T>> bounds) {
  const Bound<T>* bound = bounds.begin();
  using P = const simd::Packet<T>&;
  const double most = sizeof(T) == 4 ? 88 : 709;
  check_function<T>(
      "expm1", -1000, 0, [](P x) { return simd::expm1<T>(x); }, +[](Real x) { return std::expm1(x); }, *bound++);
  check_function<T>(
      "expm1, to the top", 0, most, [](P x) { return simd::expm1<T>(x); }, +[](Real x) { return std::expm1(x); },
      *bound++);
  check_function<T>(
      "log1p", 0, 1000, [](P x) { return simd::log1p<T>(x); }, +[](Real x) { return std::log1p(x); }, *bound++);
  check_function<T>("softplus", -1000, 1000, [](P x) { return simd::softplus<T>(x); }, exact_softplus, *bound++);
  check_function<T>("logistic", -most, 1000, [](P x) { return simd::logistic<T>(x); }, exact_logistic, *bound++);
  check_function<T>(
      "tanh", -1000, 1000, [](P x) { return simd::tanh<T>(x); }, +[](Real x) { return std::tanh(x); }, *bound++);
  check_function<T>(
      "erf", -1000, 1000, [](P x) { return simd::erf<T>(x); }, +[](Real x) { return std::erf(x); }, *bound++);
  check_function<T>(
      "square_root", 0, 1e38, [](P x) { return simd::square_root<T>(x); }, +[](Real x) { return std::sqrt(x); },
      *bound++);
  check_function<T>(
      "sine", -0.5, 0.5, [](P x) { return simd::SineCosine<T>(x).sine; },
      +[](Real x) { return std::sin(std::numbers::pi_v<Real> * x); }, *bound++);
  check_function<T>(
      "cosine", -0.5, 0.5, [](P x) { return simd::SineCosine<T>(x).cosine; },
      +[](Real x) { return std::cos(std::numbers::pi_v<Real> * x); }, *bound++);
  check_function<T>(
      "fraction", -1000, 1000, [](P x) { return simd::fraction<T>(x); }, +[](Real x) { return x - std::nearbyint(x); },
      *bound++);
}

TEST(vector_functions_are_accurate) {
  check_functions<float>(
      {{1.2, 0.5}, {2.3, 1.1}, {3.2, 2}, {6, 1.6}, {7, 1}, {7.5, 4}, {5, 1.9}, {2, 1.5}, {4, 2}, {kAny, 1.5}, {0, 0}});
  check_functions<double>({{3.8, 1.9},
                           {4.5, 3},
                           {3.2, 2.4},
                           {3.6, 1.6},
                           {3, 1},
                           {1.8, 0.95},
                           {4.6, 1.9},
                           {0.5, 0.5},
                           {3, 1.5},
                           {kAny, 1.5},
                           {0, 0}});
}

/** An activation with its derivative and how near both must come. */
struct ActivationCase {
  Activation activation;
  Real (*value)(Real);
  Real (*derivative)(Real);
  double relative_from;  // below it the value is a small difference of large numbers: only `epsilons` counts
  Bound<float> value_float;
  Bound<double> value_double;
  double derivative_float, derivative_double;  // in epsilons
};

const ActivationCase kCases[] = {
    {Activation::identity, [](Real x) { return x; }, [](Real) { return Real(1); }, -kAny, {0, 0}, {0, 0}, 0, 0},
    {Activation::relu,
     [](Real x) { return std::max(x, Real(0)); },
     [](Real x) { return Real(x > 0); },
     -kAny,
     {0, 0},
     {0, 0},
     0,
     0},
    {Activation::leaky_relu,
     [](Real x) { return x > 0 ? x : Real(0.01L) * x; },
     [](Real x) { return x > 0 ? Real(1) : Real(0.01L); },
     -kAny,
     {1.2, 1},
     {1, 0.8},
     0.0028,
     0.0014},
    {Activation::elu,
     [](Real x) { return x > 0 ? x : std::expm1(x); },
     [](Real x) { return x > 0 ? Real(1) : std::exp(x); },
     -kAny,
     {1.2, 0.5},
     {3.8, 1.9},
     0.6,
     1.9},
    {Activation::selu,
     [](Real x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x)); },
     [](Real x) { return kSeluScale * (x > 0 ? Real(1) : kSeluAlpha * std::exp(x)); },
     -kAny,
     {2.5, 1.5},
     {5.5, 3},
     1.6,
     4.4},
    {Activation::gelu,
     [](Real x) { return x * exact_phi(x); },
     [](Real x) { return exact_phi(x) + x * exact_density(x); },
     -1,
     {5.9, 1.4},
     {5.4, 1.5},
     1.8,
     1.6},
    {Activation::silu,
     [](Real x) { return x * exact_logistic(x); },
     [](Real x) { return exact_logistic(x) * (1 + x * exact_logistic(-x)); },
     -80,
     {7, 1.7},
     {3.6, 1.7},
     12,
     27},
    {Activation::mish,
     [](Real x) { return x * std::tanh(exact_softplus(x)); },
     [](Real x) {
       const Real t = std::tanh(exact_softplus(x)), s = 1 / std::cosh(exact_softplus(x));
       return t + x * s * s * exact_logistic(x);
     },
     -80,
     {6.8, 1.5},
     {5.6, 1.4},
     1.9,
     110},
    {Activation::tanh,
     [](Real x) { return std::tanh(x); },
     [](Real x) { return 1 / (std::cosh(x) * std::cosh(x)); },
     -kAny,
     {7.5, 4},
     {1.8, 0.95},
     8,
     1.5},
    {Activation::logistic,
     exact_logistic,
     [](Real x) { return exact_logistic(x) * exact_logistic(-x); },
     -kAny,
     {7, 1},
     {3, 1},
     1.1,
     1.1},
    {Activation::softplus, exact_softplus, exact_logistic, -kAny, {6, 1.6}, {3.6, 1.6}, 1.8, 2},
};

template <class T>
void check_activation(const ActivationCase& c) {
  const std::vector<T> points = sweep<T>(-1000, 1000);
  const Index n = static_cast<Index>(points.size());
  Buffer<T> value(n), saved(n), delta(n);
  std::copy(points.begin(), points.end(), value.data());
  std::fill_n(delta.data(), n, T(1));
  const auto row = [&](Buffer<T>& buffer) { return Matrix<T>{buffer.data(), 1, n, n}; };
  {
    const DenormalMode as_in_training(true);
    activate<T>(c.activation, row(value), saves_derivative(c.activation) ? row(saved) : Matrix<T>{});
    multiply_derivative<T>(c.activation, row(delta), row(value), row(saved));
  }
  Errors of_value, of_derivative;
  for (Index i = 0; i < n; ++i) {
    const T x = points[static_cast<std::size_t>(i)];
    of_value.add(x, value[i], c.value(static_cast<Real>(x)), double(x) >= c.relative_from);
    of_derivative.add(x, delta[i], c.derivative(static_cast<Real>(x)), false);
  }
  const std::string name = name_of(c.activation, kActivationNames);
  if constexpr (sizeof(T) == 4) {
    report<T>(name.c_str(), of_value, c.value_float);
    report<T>((name + "'").c_str(), of_derivative, {kAny, c.derivative_float});
  } else {
    report<T>(name.c_str(), of_value, c.value_double);
    report<T>((name + "'").c_str(), of_derivative, {kAny, c.derivative_double});
  }
}

TEST(activations_are_accurate) {
  for (const ActivationCase& c : kCases) {
    check_activation<float>(c);
    check_activation<double>(c);
  }
}

/** The derivative does not need to be saved to get the value, and gives the same bits. */
template <class T>
void check_value_without_derivative(Activation activation) {
  constexpr Index n = 512;
  Buffer<T> with(n), without(n), saved(n);
  for (Index i = 0; i < n; ++i) with[i] = without[i] = static_cast<T>(0.05 * static_cast<double>(i - n / 2));
  activate<T>(activation, {with.data(), 1, n, n}, {saved.data(), 1, n, n});
  activate<T>(activation, {without.data(), 1, n, n}, {});
  CHECK(testing::same_bits(with.data(), without.data(), n));
}

template <class T>
void check_padding(Activation activation, Index cols) {
  constexpr Index rows = 3;
  const Index stride = row_stride<T>(cols), size = rows * stride;
  Buffer<T> a(size), saved(size), delta(size);
  const auto matrix = [&](Buffer<T>& buffer) { return Matrix<T>{buffer.data(), rows, cols, stride}; };
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      matrix(a).row(i)[j] = static_cast<T>(i - j);
      matrix(delta).row(i)[j] = 1;
    }
  activate<T>(activation, matrix(a), saves_derivative(activation) ? matrix(saved) : Matrix<T>{});
  multiply_derivative<T>(activation, matrix(delta), matrix(a), matrix(saved));
  for (Index i = 0; i < rows; ++i)
    for (Index j = cols; j < stride; ++j) {
      CHECK(matrix(a).row(i)[j] == 0);
      CHECK(matrix(delta).row(i)[j] == 0);
    }
}

TEST(activations_keep_padding_zero) {
  for (const ActivationCase& c : kCases) {
    check_value_without_derivative<float>(c.activation);
    check_value_without_derivative<double>(c.activation);
    for (const Index cols : {1, 2, 7, 8, 15, 16, 17, 31, 33}) {
      check_padding<float>(c.activation, cols);
      check_padding<double>(c.activation, cols);
    }
  }
}

// A network that has diverged, or a row with a missing value, must not look healthy further on.
TEST(activations_pass_nan_on) {
  const auto check = [&]<class T>(T nan) {
    for (const ActivationCase& c : kCases) {
      Buffer<T> value(kLine<T>), saved(kLine<T>);
      std::fill_n(value.data(), kLine<T>, nan);
      const Matrix<T> row{value.data(), 1, kLine<T>, kLine<T>}, slope{saved.data(), 1, kLine<T>, kLine<T>};
      activate<T>(c.activation, row, slope);
      if (!std::isnan(value[0]))
        testing::fail(__FILE__, __LINE__, "%s(NaN) = %g in %s", name_of(c.activation, kActivationNames),
                      double(value[0]), kType<T>);
    }
  };
  check(std::numeric_limits<float>::quiet_NaN());
  check(std::numeric_limits<double>::quiet_NaN());
}

TEST(activation_names_round_trip) {
  for (const ActivationCase& c : kCases)
    CHECK(activation_from_name(name_of(c.activation, kActivationNames)) == c.activation);
  CHECK_THROWS(activation_from_name("Relu"), "activation");
}

}  // namespace
}  // namespace fastmlp
