// Losses of several classifications of a row side by side: each has its classes among the outputs, its head.
#pragma once

#include <algorithm>

#include "kernels/softmax.h"
#include "nn/loss.h"

namespace fastmlp::losses {

/** The mean over heads of a row's loss; without heads all outputs are one. A head whose class number is -1 has the loss
 * 0. Head is constructed from the options and called with the exponentials of its logits z, which d holds too where
 * there is one: it returns the loss, and turns d into the derivative times a scale. */
template <template <class> class Head, class T>
void of_heads(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights,
              const std::uint32_t* rows, double scale, double* losses, Matrix<T> delta) {
  const Head<T> head(loss);
  const Index n_heads = std::max<Index>(1, static_cast<Index>(loss.heads.size()));
  const double share = 1 / static_cast<double>(n_heads);
  for (Index i = 0; i < output.rows; ++i) {
    const double weight = share * (weights ? static_cast<double>(weights[rows[i]]) : 1.0);
    const std::int32_t* labels = targets.labels + static_cast<Index>(rows[i]) * n_heads;
    const T* z = output.row(i);
    T* d = delta.data ? delta.row(i) : nullptr;
    losses[i] = 0;
    for (Index h = 0; h < n_heads; ++h) {
      const Index classes = loss.heads.empty() ? output.cols : loss.heads[static_cast<std::size_t>(h)];
      if (labels[h] >= 0)
        losses[i] += weight * head(exponentials_of_part(z, classes, d), z, classes, labels[h], weight * scale, d);
      else if (d)
        std::fill_n(d, classes, T(0));
      z += classes;
      if (d) d += classes;
    }
  }
}

}  // namespace fastmlp::losses
