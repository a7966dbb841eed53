// Loss functions of the network's raw outputs (of the cross-entropies and focal losses: logits; of poisson, gamma
// and tweedie: logarithms; of gaussian: means, then what their variances are made of).
#pragma once

#include <cstdint>
#include <vector>

#include "core/matrix.h"
#include "nn/link.h"

namespace fastmlp {

enum class LossKind {
  squared_error,
  absolute_error,
  huber,
  quantile,
  poisson,
  gamma,
  tweedie,
  log_cosh,
  expectile,
  binary_cross_entropy,
  cross_entropy,
  binary_focal,
  focal,
  gaussian,
  // As scikit-learn's MLP computes them; see evaluate_loss().
  half_squared_error,
  half_poisson,
  binary_log_loss,
  log_loss,
  // A function of the user's; evaluate_loss() does not know it.
  own,
};
/** Of the losses that users choose from; the others follow from the link. */
inline constexpr std::array kLossNames = {
    "squared_error", "absolute_error", "huber",    "quantile",  "poisson",
    "gamma",         "tweedie",        "log_cosh", "expectile", "binary_cross_entropy",
    "cross_entropy", "binary_focal",   "focal",    "gaussian"};

struct LossOptions {
  LossKind kind = LossKind::squared_error;
  double delta = 1.0;                     // huber: where the quadratic part ends
  std::vector<double> quantiles = {0.5};  // quantile: one for all outputs, or one for each
  double power = 1.5;                     // tweedie: of the mean, that the variance is proportional to
  double expectile = 0.5;                 // expectile: the share of the squared error below the true value
  double focal_gamma = 2.0;               // focal losses: 0 is the cross-entropy
  double label_smoothing = 0.0;           // cross-entropies: share of the label spread over all classes
  std::vector<Index> heads;               // cross_entropy, focal: the classes of each of several, side by side
};

/** The loss of this name with parameters that are checked; an unknown name or a value out of range is an error that
 * names the parameter. Of several quantiles each output has its own. */
LossOptions loss_options(const std::string& name, LossOptions parameters);

/** scikit-learn's loss for predictions by this inverse link; its derivative by the raw output is prediction - y. */
LossOptions canonical_loss(const std::string& link);

/** Whether the true values are class numbers; those of cross_entropy may also be probabilities of the classes. */
inline bool is_categorical(LossKind kind) {
  return kind == LossKind::cross_entropy || kind == LossKind::log_loss || kind == LossKind::focal;
}

/** True values of all rows of a table: `values` (rows x outputs), or `labels`, class numbers (rows x heads). Values
 * that are not known are NaN, or class number -1, and count nothing; `known` then has each row's share of those that
 * are. */
template <class T>
struct Targets {
  const T* values = nullptr;
  const std::int32_t* labels = nullptr;
  Index stride = 0;
  const double* known = nullptr;
};

/** What a row counts: its weight (`weights` null: one), times the share of its outputs whose true values are known. */
template <class T>
double weight_of(const Targets<T>& targets, const T* weights, std::uint32_t row) {
  const double weight = weights ? static_cast<double>(weights[row]) : 1.0;
  return targets.known ? weight * targets.known[row] : weight;
}

/** What these rows count together. */
template <class T>
double weight_of(const Targets<T>& targets, const T* weights, const std::uint32_t* rows, Index count);

/** Loss and gradient of a block of outputs; row i of the block is row rows[i] of targets and weights.
 *
 * losses[i] gets the row's weighted loss, the mean over its outputs (those without a true value have the loss 0).
 * delta, where it has memory, gets scale * d losses[i] / d output; its padding is left unchanged. `weights` may be
 * null: all one.
 *
 * scikit-learn's losses sum over outputs, except half_squared_error, whose value is the mean but whose derivative is
 * that of the sum. */
template <class T>
void evaluate_loss(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                   const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta);

}  // namespace fastmlp
