#include "nn/loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/softmax.h"
#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

constexpr std::array<const char*, 7> kNames = {"squared_error", "absolute_error",       "huber",        "quantile",
                                               "poisson",       "binary_cross_entropy", "cross_entropy"};

using namespace simd;

// Losses that are a sum over outputs: value(z, y) and its derivative by z.

/** (z - y)^2 */
template <class T>
struct SquaredError {
  using P = Packet<T>;
  explicit SquaredError(const LossOptions&) {}
  P value(const P& z, const P& y) const { return pmul(psub(z, y), psub(z, y)); }
  P derivative(const P& z, const P& y) const { return pmul(set<T>(2), psub(z, y)); }
};

/** above where z > y, below where z < y, zero where they are equal. */
template <class T>
Packet<T> by_side(const Packet<T>& z, const Packet<T>& y, T above, T below) {
  const Packet<T> zero = set<T>(0);
  return pselect(pcmp_lt(y, z), set<T>(above), pselect(pcmp_lt(z, y), set<T>(below), zero));
}

/** |z - y| */
template <class T>
struct AbsoluteError {
  using P = Packet<T>;
  explicit AbsoluteError(const LossOptions&) {}
  P value(const P& z, const P& y) const { return absolute<T>(psub(z, y)); }
  P derivative(const P& z, const P& y) const { return by_side<T>(z, y, 1, -1); }
};

/** (z - y)^2 / 2 within delta of y, delta (|z - y| - delta / 2) beyond (Huber 1964). */
template <class T>
struct Huber {
  using P = Packet<T>;
  explicit Huber(const LossOptions& options) : delta(static_cast<T>(options.delta)) {}
  P value(const P& z, const P& y) const {
    const P d = absolute<T>(psub(z, y));
    const P beyond = pmul(set<T>(delta), psub(d, set<T>(delta / 2)));
    return pselect(pcmp_le(d, set<T>(delta)), pmul(set<T>(T(0.5)), pmul(d, d)), beyond);
  }
  P derivative(const P& z, const P& y) const { return pmax(pmin(psub(z, y), set<T>(delta)), set<T>(-delta)); }
  T delta;
};

/** q (y - z) above the prediction, (1 - q) (z - y) below: the pinball loss (Koenker & Bassett 1978). */
template <class T>
struct Quantile {
  using P = Packet<T>;
  explicit Quantile(const LossOptions& options) : Quantile(options.quantiles[0]) {}
  explicit Quantile(double quantile) : q(static_cast<T>(quantile)) {}
  P value(const P& z, const P& y) const {
    const P d = psub(z, y);
    return pmax(pmul(set<T>(-q), d), pmul(set<T>(1 - q), d));
  }
  P derivative(const P& z, const P& y) const { return by_side<T>(z, y, 1 - q, -q); }
  T q;
};

/** Half the Poisson deviance with z the logarithm of the mean: exp(z) - y z + y log y - y. */
template <class T>
struct Poisson {
  using P = Packet<T>;
  explicit Poisson(const LossOptions&) {}
  P value(const P& z, const P& y) const {
    const P zero = set<T>(0);
    const P saturated = pmul(y, psub(plog(y), set<T>(1)));
    return padd(psub(pexp(z), pmul(y, z)), pselect(pcmp_lt(zero, y), saturated, zero));
  }
  P derivative(const P& z, const P& y) const { return psub(pexp(z), y); }
};

/** -y log p - (1 - y) log(1 - p) with p = logistic(z): softplus(z) - y z, safe for any z. */
template <class T>
struct BinaryCrossEntropy {
  using P = Packet<T>;
  explicit BinaryCrossEntropy(const LossOptions& options) : smoothing(static_cast<T>(options.label_smoothing)) {}
  P smoothed(const P& y) const { return pmadd(y, set<T>(1 - smoothing), set<T>(smoothing / 2)); }
  P value(const P& z, const P& y) const { return psub(softplus<T>(z), pmul(smoothed(y), z)); }
  P derivative(const P& z, const P& y) const { return psub(logistic<T>(z), smoothed(y)); }
  T smoothing;
};

/** (z - y)^2 / 2 */
template <class T>
struct HalfSquaredError {
  using P = Packet<T>;
  explicit HalfSquaredError(const LossOptions&) {}
  P value(const P& z, const P& y) const { return pmul(set<T>(T(0.5)), pmul(psub(z, y), psub(z, y))); }
  P derivative(const P& z, const P& y) const { return psub(z, y); }
};

/** A probability as scikit-learn clips it before it takes the logarithm. */
template <class T>
Packet<T> clipped(const Packet<T>& p) {
  constexpr T epsilon = std::numeric_limits<T>::epsilon();
  return pmin(pmax(p, set<T>(epsilon)), set<T>(1 - epsilon));
}

/** -y log p - (1 - y) log(1 - p), y 0 or 1, with p = logistic(z) rounded and clipped as scikit-learn does. */
template <class T>
struct BinaryLogLoss {
  using P = Packet<T>;
  explicit BinaryLogLoss(const LossOptions&) {}
  P value(const P& z, const P& y) const {
    const P one = set<T>(1), p = clipped<T>(logistic<T>(z));
    return psub(set<T>(0), plog(pselect(pcmp_lt(set<T>(0), y), p, psub(one, p))));
  }
  P derivative(const P& z, const P& y) const { return psub(logistic<T>(z), y); }
};

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
    evaluate(term, (last - first) * width, z, y);
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

  /** The terms go to y, their derivatives to z. */
  template <class Term>
  [[gnu::noinline]] void evaluate(const Term& term, Index count, T* z, T* y) const {
    for (Index k = 0; k < count; k += kWidth<T>) {
      const Packet<T> z_packet = load(z + k), y_packet = load(y + k);
      store(y + k, term.value(z_packet, y_packet));
      if (delta.data) store(z + k, term.derivative(z_packet, y_packet));
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

/** -sum_k y_k log softmax(z)_k, y the smoothed one-hot label; with `clips` the probability is clipped before. */
template <bool clips, class T>
void categorical(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
                 const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const Index classes = output.cols;
  const T spread = static_cast<T>(loss.label_smoothing / static_cast<double>(classes));
  const T hit = static_cast<T>(1 - loss.label_smoothing) + spread;
  alignas(kAlignment) T logarithms[kAtOnce], shifted[kAtOnce];
  for (Index first = 0; first < output.rows; first += kAtOnce) {
    const Index count = std::min(kAtOnce, output.rows - first);
    std::fill_n(logarithms, kAtOnce, T(1));
    std::fill_n(shifted, kAtOnce, T(0));
    for (Index i = 0; i < count; ++i) {
      const T* z = output.row(first + i);
      const std::uint32_t row = rows[first + i];
      const double weight = weights ? static_cast<double>(weights[row]) : 1.0;
      const Index label = targets.labels[row];
      T* d = delta.data ? delta.row(first + i) : nullptr;
      const Exponentials<T> sums = exponentials(z, classes, d);
      logarithms[i] = sums.normaliser;
      shifted[i] = z[label] - sums.largest;
      // sum_k y_k (log sum exp(z) - z_k), every term relative to the largest; without the first logarithm
      losses[first + i] =
          clips ? 0.0 : -weight * static_cast<double>(spread * sums.shifted + (hit - spread) * shifted[i]);
      if (!d) continue;
      const T factor = static_cast<T>(weight * scale);
      for (Index k = 0; k < classes; ++k) d[k] = factor * (d[k] / sums.normaliser - spread);
      d[label] -= factor * (hit - spread);
    }
    for (Index i = 0; i < count; i += kWidth<T>) {
      const Packet<T> x = load(logarithms + i);
      if constexpr (clips)
        store(logarithms + i, psub(set<T>(0), plog(clipped<T>(pdiv(pexp(load(shifted + i)), x)))));
      else
        store(logarithms + i, plog(x));
    }
    for (Index i = 0; i < count; ++i)
      losses[first + i] +=
          (weights ? static_cast<double>(weights[rows[first + i]]) : 1.0) * static_cast<double>(logarithms[i]);
  }
}

}  // namespace

LossOptions loss_options(const std::string& name, double delta, const std::vector<double>& quantiles,
                         double label_smoothing) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    std::string known;
    for (const char* other : kNames) known += std::string(known.empty() ? "'" : ", '") + other + "'";
    invalid("loss", "must be one of " + known + "; got '" + name + "'");
  }
  if (!(delta > 0 && std::isfinite(delta))) invalid("delta", "must be a positive number; got " + std::to_string(delta));
  if (quantiles.empty()) invalid("quantile", "must hold at least one number");
  for (const double q : quantiles)
    if (!(q > 0 && q < 1)) invalid("quantile", "must be in (0, 1); got " + std::to_string(q));
  if (!(label_smoothing >= 0 && label_smoothing < 1))
    invalid("label_smoothing", "must be in [0, 1); got " + std::to_string(label_smoothing));
  return {static_cast<LossKind>(found - kNames.begin()), delta, quantiles, label_smoothing};
}

LossOptions canonical_loss(const std::string& link) {
  LossOptions loss;
  if (link == "identity")
    loss.kind = LossKind::half_squared_error;
  else if (link == "exponential")
    loss.kind = LossKind::half_poisson;
  else if (link == "logistic")
    loss.kind = LossKind::binary_log_loss;
  else if (link == "softmax")
    loss.kind = LossKind::log_loss;
  else
    invalid("link", "must be 'identity', 'logistic', 'softmax' or 'exponential'; got '" + link + "'");
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
  const auto terms = [&]<class Term>() { pass.sum_of_terms(Term(loss)); };
  switch (loss.kind) {
    case LossKind::squared_error: return terms.template operator()<SquaredError<T>>();
    case LossKind::absolute_error: return terms.template operator()<AbsoluteError<T>>();
    case LossKind::huber: return terms.template operator()<Huber<T>>();
    case LossKind::quantile:
      if (loss.quantiles.size() > 1) return pass.quantiles(loss.quantiles);
      return terms.template operator()<Quantile<T>>();
    case LossKind::poisson: return terms.template operator()<Poisson<T>>();
    case LossKind::binary_cross_entropy: return terms.template operator()<BinaryCrossEntropy<T>>();
    case LossKind::cross_entropy:
      return categorical<false, T>(loss, output, targets, weights, rows, scale, losses, delta);
    case LossKind::half_squared_error: return terms.template operator()<HalfSquaredError<T>>();
    case LossKind::half_poisson: return terms.template operator()<Poisson<T>>();
    case LossKind::binary_log_loss: return terms.template operator()<BinaryLogLoss<T>>();
    case LossKind::log_loss: return categorical<true, T>(loss, output, targets, weights, rows, scale, losses, delta);
  }
}

template void evaluate_loss(const LossOptions&, Matrix<const float>, const Targets<float>&, const float*,
                            const std::uint32_t*, double, double*, Matrix<float>);
template void evaluate_loss(const LossOptions&, Matrix<const double>, const Targets<double>&, const double*,
                            const std::uint32_t*, double, double*, Matrix<double>);

}  // namespace fastmlp
