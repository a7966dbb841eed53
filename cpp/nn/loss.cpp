#include "nn/loss.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fastmlp {
namespace {

constexpr std::array<const char*, 7> kNames = {"squared_error", "absolute_error",       "huber",        "quantile",
                                               "poisson",       "binary_cross_entropy", "cross_entropy"};

// Losses that are a sum over outputs: value(z, y) and its derivative by z.

/** (z - y)^2 */
template <class T>
struct SquaredError {
  explicit SquaredError(const LossOptions&) {}
  T value(T z, T y) const { return (z - y) * (z - y); }
  T derivative(T z, T y) const { return 2 * (z - y); }
};

/** |z - y| */
template <class T>
struct AbsoluteError {
  explicit AbsoluteError(const LossOptions&) {}
  T value(T z, T y) const { return std::abs(z - y); }
  T derivative(T z, T y) const { return z > y ? T(1) : z < y ? T(-1) : T(0); }
};

/** (z - y)^2 / 2 within delta of y, delta (|z - y| - delta / 2) beyond (Huber 1964). */
template <class T>
struct Huber {
  explicit Huber(const LossOptions& options) : delta(static_cast<T>(options.delta)) {}
  T value(T z, T y) const {
    const T d = std::abs(z - y);
    return d <= delta ? d * d / 2 : delta * (d - delta / 2);
  }
  T derivative(T z, T y) const { return std::clamp(z - y, -delta, delta); }
  T delta;
};

/** q (y - z) above the prediction, (1 - q) (z - y) below: the pinball loss (Koenker & Bassett 1978). */
template <class T>
struct Quantile {
  explicit Quantile(const LossOptions& options) : q(static_cast<T>(options.quantile)) {}
  T value(T z, T y) const { return y >= z ? q * (y - z) : (1 - q) * (z - y); }
  T derivative(T z, T y) const { return y > z ? -q : y < z ? 1 - q : T(0); }
  T q;
};

/** Half the Poisson deviance with z the logarithm of the mean: exp(z) - y z + y log y - y. */
template <class T>
struct Poisson {
  explicit Poisson(const LossOptions&) {}
  T value(T z, T y) const { return std::exp(z) - y * z + (y > 0 ? y * std::log(y) - y : T(0)); }
  T derivative(T z, T y) const { return std::exp(z) - y; }
};

/** -y log p - (1 - y) log(1 - p) with p = logistic(z): softplus(z) - y z, safe for any z. */
template <class T>
struct BinaryCrossEntropy {
  explicit BinaryCrossEntropy(const LossOptions& options) : smoothing(static_cast<T>(options.label_smoothing)) {}
  T smoothed(T y) const { return y * (1 - smoothing) + smoothing / 2; }
  T value(T z, T y) const { return std::max(z, T(0)) + std::log1p(std::exp(-std::abs(z))) - smoothed(y) * z; }
  T derivative(T z, T y) const {
    const T e = std::exp(-std::abs(z));
    return (z >= 0 ? 1 / (1 + e) : e / (1 + e)) - smoothed(y);
  }
  T smoothing;
};

template <class T, class Term>
void sum_of_terms(const Term& term, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                  const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const Index outputs = output.cols;
  const double share = 1 / static_cast<double>(outputs);
  for (Index i = 0; i < output.rows; ++i) {
    const T* z = output.row(i);
    const T* y = targets.values + static_cast<Index>(rows[i]) * targets.stride;
    const double weight = weights ? share * static_cast<double>(weights[rows[i]]) : share;
    T total = 0;
    for (Index j = 0; j < outputs; ++j) total += term.value(z[j], y[j]);
    losses[i] = weight * static_cast<double>(total);
    if (!delta.data) continue;
    T* d = delta.row(i);
    const T factor = static_cast<T>(weight * scale);
    for (Index j = 0; j < outputs; ++j) d[j] = factor * term.derivative(z[j], y[j]);
  }
}

/** -sum_k y_k log softmax(z)_k, y the smoothed one-hot label. */
template <class T>
void categorical(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                 const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const Index classes = output.cols;
  const T spread = static_cast<T>(loss.label_smoothing / static_cast<double>(classes));
  const T hit = static_cast<T>(1 - loss.label_smoothing) + spread;
  for (Index i = 0; i < output.rows; ++i) {
    const T* z = output.row(i);
    const Index label = targets.labels[rows[i]];
    const double weight = weights ? static_cast<double>(weights[rows[i]]) : 1.0;
    const T largest = *std::max_element(z, z + classes);
    T normaliser = 0, shifted = 0;
    for (Index k = 0; k < classes; ++k) {
      normaliser += std::exp(z[k] - largest);
      shifted += z[k] - largest;
    }
    // sum_k y_k (log sum exp(z) - z_k), every term relative to the largest
    losses[i] =
        weight * static_cast<double>(std::log(normaliser) - spread * shifted - (hit - spread) * (z[label] - largest));
    if (!delta.data) continue;
    T* d = delta.row(i);
    const T factor = static_cast<T>(weight * scale);
    for (Index k = 0; k < classes; ++k)
      d[k] = factor * (std::exp(z[k] - largest) / normaliser - (k == label ? hit : spread));
  }
}

}  // namespace

LossOptions loss_options(const std::string& name, double delta, double quantile, double label_smoothing) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    std::string known;
    for (const char* other : kNames) known += std::string(known.empty() ? "'" : ", '") + other + "'";
    invalid("loss", "must be one of " + known + "; got '" + name + "'");
  }
  if (!(delta > 0 && std::isfinite(delta))) invalid("delta", "must be a positive number; got " + std::to_string(delta));
  if (!(quantile > 0 && quantile < 1)) invalid("quantile", "must be in (0, 1); got " + std::to_string(quantile));
  if (!(label_smoothing >= 0 && label_smoothing < 1))
    invalid("label_smoothing", "must be in [0, 1); got " + std::to_string(label_smoothing));
  return {static_cast<LossKind>(found - kNames.begin()), delta, quantile, label_smoothing};
}

template <class T>
void evaluate_loss(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                   const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const auto terms = [&]<class Term>() {
    sum_of_terms<T>(Term(loss), output, targets, weights, rows, scale, losses, delta);
  };
  switch (loss.kind) {
    case LossKind::squared_error: return terms.template operator()<SquaredError<T>>();
    case LossKind::absolute_error: return terms.template operator()<AbsoluteError<T>>();
    case LossKind::huber: return terms.template operator()<Huber<T>>();
    case LossKind::quantile: return terms.template operator()<Quantile<T>>();
    case LossKind::poisson: return terms.template operator()<Poisson<T>>();
    case LossKind::binary_cross_entropy: return terms.template operator()<BinaryCrossEntropy<T>>();
    case LossKind::cross_entropy: return categorical<T>(loss, output, targets, weights, rows, scale, losses, delta);
  }
}

template void evaluate_loss(const LossOptions&, Matrix<const float>, const Targets<float>&, const float*,
                            const std::uint32_t*, double, double*, Matrix<float>);
template void evaluate_loss(const LossOptions&, Matrix<const double>, const Targets<double>&, const double*,
                            const std::uint32_t*, double, double*, Matrix<double>);

}  // namespace fastmlp
