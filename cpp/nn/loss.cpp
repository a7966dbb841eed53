#include "nn/loss.h"

#include <algorithm>
#include <cstring>

#include "core/checks.h"
#include "core/portable.h"
#include "nn/losses/absolute_error.h"
#include "nn/losses/binary_cross_entropy.h"
#include "nn/losses/cross_entropy.h"
#include "nn/losses/expectile.h"
#include "nn/losses/focal.h"
#include "nn/losses/gamma.h"
#include "nn/losses/gaussian.h"
#include "nn/losses/heads.h"
#include "nn/losses/huber.h"
#include "nn/losses/log_cosh.h"
#include "nn/losses/poisson.h"
#include "nn/losses/quantile.h"
#include "nn/losses/squared_error.h"
#include "nn/losses/tweedie.h"

namespace fastmlp {
namespace {

using namespace losses;
using namespace simd;

/** So many numbers are brought together to be worked on as packets: outputs of one number would fill one lane each. */
constexpr Index kAtOnce = 256;

template <class T>
struct LossPass {
  Matrix<const T> output;
  const Targets<T>& targets;
  const T* weights;
  const std::uint32_t* rows;
  double scale;
  double* losses;
  Matrix<T> delta;
  double value_share, derivative_share;  // of each output in the row's loss and in its derivative

  /** Rows [first, last), columns [column, column + width): at most kAtOnce numbers. */
  template <class Term>
  void piece(const Term& term, Index first, Index last, Index column, Index width) const {
    alignas(kAlignment) T z[kAtOnce], y[kAtOnce];
    collect(first, last, column, width, z, y);
    if (targets.known)
      evaluate<true>(term, (last - first) * width, z, y);
    else
      evaluate<false>(term, (last - first) * width, z, y);
    hand_out(first, last, column, width, z, y);
  }

  void collect(Index first, Index last, Index column, Index width, T* z, T* y) const {
    const Index count = (last - first) * width;
    store(z + count / kWidth<T> * kWidth<T>, set<T>(0));
    store(y + count / kWidth<T> * kWidth<T>, set<T>(0));
    with_fixed(width, [&]<int fixed>() {
      const Index cols = fixed ? fixed : width;
      for (Index i = first, k = 0; i < last; ++i, k += cols) {
        copy<fixed>(output.row(i) + column, cols, z + k);
        copy<fixed>(targets.values + static_cast<Index>(rows[i]) * targets.stride + column, cols, y + k);
      }
    });
  }

  void hand_out(Index first, Index last, Index column, Index width, const T* z, const T* y) const {
    with_fixed(width, [&]<int fixed>() {
      const Index cols = fixed ? fixed : width;
      for (Index i = first, k = 0; i < last; ++i, k += cols) {
        const double weight = weights ? static_cast<double>(weights[rows[i]]) : 1.0;
        T total = 0;
        for (Index j = 0; j < cols; ++j) total += y[k + j];
        losses[i] = (column > 0 ? losses[i] : 0.0) + weight * value_share * static_cast<double>(total);
        if (!delta.data) continue;
        const T factor = static_cast<T>(weight * derivative_share * scale);
        for (Index j = 0; j < cols; ++j) delta.row(i)[column + j] = factor * z[k + j];
      }
    });
  }

  /** Calls f with the width, or with 0 where it is more than 4: loops over a few columns take longer to enter than to
   * run, unless the compiler knows how few. */
  template <class F>
  static void with_fixed(Index width, F&& f) {
    switch (width) {
      case 1: return f.template operator()<1>();
      case 2: return f.template operator()<2>();
      case 3: return f.template operator()<3>();
      case 4: return f.template operator()<4>();
      default: return f.template operator()<0>();
    }
  }

  template <int fixed>
  static void copy(const T* from, Index cols, T* to) {
    if constexpr (fixed > 0)
      std::memcpy(to, from, fixed * sizeof(T));
    else
      for (Index j = 0; j < cols; ++j) to[j] = from[j];
  }

  /** The terms go to y, their derivatives to z; with `gaps` both are 0 where y is NaN. */
  template <bool gaps, class Term>
  FASTMLP_NEVER_INLINE void evaluate(const Term& term, Index count, T* z, T* y) const {
    for (Index k = 0; k < count; k += kWidth<T>) {
      const Packet<T> z_packet = load(z + k), y_packet = load(y + k);
      const auto known = [&](const Packet<T>& term_of_all) {
        if constexpr (gaps) return pand(pcmp_eq(y_packet, y_packet), term_of_all);
        return term_of_all;
      };
      store(y + k, known(term.value(z_packet, y_packet)));
      if (delta.data) store(z + k, known(term.derivative(z_packet, y_packet)));
    }
  }

  /** A quantile of its own for each output. */
  void quantiles(const std::vector<double>& all) const {
    for (Index j = 0; j < output.cols; ++j) {
      const Quantile<T> term(all[static_cast<std::size_t>(j)]);
      for (Index i = 0; i < output.rows; i += kAtOnce - kLine<T>)
        piece(term, i, std::min(output.rows, i + kAtOnce - kLine<T>), j, 1);
    }
  }

  template <class Term>
  void sum_of_terms(const Term& term) const {
    // One line less than there is room for: the last packet may be begun.
    constexpr Index most = kAtOnce - kLine<T>;
    const Index at_once = std::max<Index>(1, most / output.cols);
    for (Index i = 0; i < output.rows; i += at_once) {
      const Index last = std::min(output.rows, i + at_once);
      for (Index column = 0; column < output.cols; column += most)
        piece(term, i, last, column, std::min(most, output.cols - column));
    }
  }
};

}  // namespace

LossOptions loss_options(const std::string& name, LossOptions parameters) {
  const auto& [kind, delta, quantiles, power, expectile, focal_gamma, label_smoothing, heads] = parameters;
  parameters.kind = value_of<LossKind>(name, kLossNames, "loss");
  check_positive("delta", delta);
  if (quantiles.empty()) invalid("quantile", "must hold at least one number");
  for (const double q : quantiles) check_number(q > 0 && q < 1, "quantile", "in (0, 1)", q);
  check_number(power > 1 && power < 2, "tweedie_power", "in (1, 2)", power);
  check_number(expectile > 0 && expectile < 1, "expectile", "in (0, 1)", expectile);
  check_not_negative("focal_gamma", focal_gamma);
  check_below_one("label_smoothing", label_smoothing);
  const bool is_focal = kind == LossKind::focal || kind == LossKind::binary_focal;
  check_number(label_smoothing == 0 || !is_focal, "label_smoothing", "0 for the focal loss", label_smoothing);
  if (!heads.empty() && !is_categorical(kind)) invalid("heads", "must be empty for the loss '" + name + "'");
  for (const Index classes : heads)
    if (classes < 1) invalid("heads", "must hold numbers of classes; got " + std::to_string(classes));
  return parameters;
}

LossOptions canonical_loss(const std::string& link) {
  LossOptions loss;
  switch (link_from_name(link).kind) {
    case Link::identity: loss.kind = LossKind::half_squared_error; break;
    case Link::exponential: loss.kind = LossKind::half_poisson; break;
    case Link::logistic: loss.kind = LossKind::binary_log_loss; break;
    case Link::softmax: loss.kind = LossKind::log_loss; break;
    case Link::gaussian:
    case Link::continuation_ratio: invalid("link", "must be one of scikit-learn's; got '" + link + "'");
  }
  return loss;
}

template <class T>
void evaluate_loss(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                   const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const double mean = 1 / static_cast<double>(output.cols);
  double value_share = mean, derivative_share = mean;
  switch (loss.kind) {
    case LossKind::half_poisson:
    case LossKind::binary_log_loss: value_share = derivative_share = 1; break;
    case LossKind::half_squared_error: derivative_share = 1; break;
    default: break;
  }
  const LossPass<T> pass{output, targets, weights, rows, scale, losses, delta, value_share, derivative_share};
  switch (loss.kind) {
    case LossKind::squared_error: return pass.sum_of_terms(SquaredError<T>(loss));
    case LossKind::absolute_error: return pass.sum_of_terms(AbsoluteError<T>(loss));
    case LossKind::huber: return pass.sum_of_terms(Huber<T>(loss));
    case LossKind::quantile:
      if (loss.quantiles.size() > 1) return pass.quantiles(loss.quantiles);
      return pass.sum_of_terms(Quantile<T>(loss));
    case LossKind::poisson: return pass.sum_of_terms(Poisson<T>(loss));
    case LossKind::gamma: return pass.sum_of_terms(Gamma<T>(loss));
    case LossKind::tweedie: return pass.sum_of_terms(Tweedie<T>(loss));
    case LossKind::log_cosh: return pass.sum_of_terms(LogCosh<T>(loss));
    case LossKind::expectile: return pass.sum_of_terms(Expectile<T>(loss));
    case LossKind::binary_cross_entropy: return pass.sum_of_terms(BinaryCrossEntropy<T>(loss));
    case LossKind::cross_entropy:
      if (!targets.labels)
        return categorical_of_probabilities<T>(loss, output, targets, weights, rows, scale, losses, delta);
      if (!loss.heads.empty())
        return of_heads<CrossEntropyOfRow, T>(loss, output, targets, weights, rows, scale, losses, delta);
      return categorical<false, T>(loss, output, targets, weights, rows, scale, losses, delta);
    case LossKind::binary_focal: return pass.sum_of_terms(BinaryFocal<T>(loss));
    case LossKind::focal: return of_heads<FocalOfRow, T>(loss, output, targets, weights, rows, scale, losses, delta);
    case LossKind::gaussian: return gaussian<T>(output, targets, weights, rows, scale, losses, delta);
    case LossKind::half_squared_error: return pass.sum_of_terms(HalfSquaredError<T>(loss));
    case LossKind::half_poisson: return pass.sum_of_terms(Poisson<T>(loss));
    case LossKind::binary_log_loss: return pass.sum_of_terms(BinaryLogLoss<T>(loss));
    case LossKind::log_loss: return categorical<true, T>(loss, output, targets, weights, rows, scale, losses, delta);
    case LossKind::own: invalid("loss", "is a function of the user's, which this pass cannot call");
  }
}

template <class T>
double weight_of(const Targets<T>& targets, const T* weights, const std::uint32_t* rows, Index count) {
  if (!weights && !targets.known) return static_cast<double>(count);
  double total = 0;
  for (Index i = 0; i < count; ++i) total += weight_of(targets, weights, rows[i]);
  return total;
}

template double weight_of(const Targets<float>&, const float*, const std::uint32_t*, Index);
template double weight_of(const Targets<double>&, const double*, const std::uint32_t*, Index);
template void evaluate_loss(const LossOptions&, Matrix<const float>, const Targets<float>&, const float*,
                            const std::uint32_t*, double, double*, Matrix<float>);
template void evaluate_loss(const LossOptions&, Matrix<const double>, const Targets<double>&, const double*,
                            const std::uint32_t*, double, double*, Matrix<double>);

}  // namespace fastmlp
