#include "predict/apply_link.h"

#include <algorithm>
#include <cmath>

#include "kernels/activation.h"
#include "kernels/softmax.h"
#include "nn/losses/gaussian.h"

namespace fastmlp {
namespace {

/** Softmax of each head of a row, from `row` to `to`; `row` is overwritten. */
template <class T>
void apply_softmax(const std::vector<Index>& heads, T* row, Index n, T* to) {
  const auto scaled = [&](const Exponentials<T>& sums, Index classes) {
    const T scale = 1 / sums.normaliser;
    for (Index k = 0; k < classes; ++k) to[k] = scale * row[k];
  };
  if (heads.empty()) return scaled(exponentials(row, n, row), n);
  for (const Index classes : heads) {
    scaled(exponentials_of_part(row, classes, row), classes);
    row += classes;
    to += classes;
  }
}

/** Probabilities of n + 1 classes in order from the logits of n steps from one to the next. */
template <class T>
void apply_continuation_ratio(const T* logits, Index n, T* to) {
  T reached = 1;
  for (Index k = 0; k < n; ++k) {
    const T small = std::exp(-std::abs(logits[k])), large = 1 / (1 + small);  // logistic(|z|)
    const bool goes_on = logits[k] >= 0;
    to[k] = reached * (goes_on ? small * large : large);
    reached *= goes_on ? large : small * large;
  }
  to[n] = reached;
}

/** exp(x), or with the logistic link 1 / (1 + exp(-x)), by way of double: neighbouring floats differ by far more than
 * its rounding, so that no output makes a smaller prediction than a smaller output does. The fast functions may, by a
 * unit in the last place. */
template <class T>
void apply_in_order(const Link& link, T* x, Index n) {
  for (Index i = 0; i < n; ++i) {
    const double z = static_cast<double>(x[i]);
    x[i] = static_cast<T>(link.kind == Link::exponential ? std::exp(z) : 1 / (1 + std::exp(-z)));
  }
}

}  // namespace

template <class T>
void apply_link(const Link& link, bool keeps_order, Matrix<T> outputs, T* to) {
  const Index n = outputs.cols, n_to = link.predictions(n);
  for (Index i = 0; i < outputs.rows; ++i) {
    T *const row = outputs.row(i), *const own = to + i * n_to;
    switch (link.kind) {
      case Link::softmax: apply_softmax(link.heads, row, n, own); break;
      case Link::continuation_ratio: apply_continuation_ratio(row, n, own); break;
      default: std::copy_n(row, n, own);
    }
    if (link.kind == Link::gaussian) losses::variances_of_spreads(own + n / 2, n / 2);
  }
  if (keeps_order && (link.kind == Link::exponential || link.kind == Link::logistic))
    return apply_in_order(link, to, outputs.rows * n);
  if (link.kind == Link::exponential) exponential(to, outputs.rows * n);
  if (link.kind == Link::logistic) logistic(to, outputs.rows * n);
}

template void apply_link(const Link&, bool, Matrix<float>, float*);
template void apply_link(const Link&, bool, Matrix<double>, double*);

}  // namespace fastmlp
