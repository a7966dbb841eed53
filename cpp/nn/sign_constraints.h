// Signs that a layer's weights must have. With them a network is monotone in some inputs, or adds up functions of
// separate groups of inputs, whatever it learns: docs/constraints.md says which signs do that.
#pragma once

#include <limits>
#include <string>

#include "kernels/clamp.h"
#include "nn/layer.h"

namespace fastmlp {

/** What each weight of a block may be: any number ('*'), one >= 0 ('+'), one <= 0 ('-') or zero ('0'). */
template <class T>
class SignConstraints {
 public:
  /** None. */
  SignConstraints() = default;

  /** Signs of weights in the order in which users see them (rows x cols); `strides` are those of the block. Without
   * signs all are free. */
  SignConstraints(const char* what, const std::string& signs, Index rows, Index cols, const Block& block,
                  Index row_stride, Index col_stride)
      : block_(block) {
    if (signs.empty()) return;
    if (static_cast<Index>(signs.size()) != rows * cols)
      invalid(what, "must hold a sign for each of the " + std::to_string(rows * cols) + " weights, or none; got " +
                        std::to_string(signs.size()));
    lower_ = Buffer<T>(block.rows * block.stride);
    upper_ = Buffer<T>(block.rows * block.stride);
    constexpr T kAny = std::numeric_limits<T>::infinity();
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < cols; ++j) {
        const char sign = signs[static_cast<std::size_t>(i * cols + j)];
        if (sign != '*' && sign != '+' && sign != '-' && sign != '0') invalid(what, "must hold '*', '+', '-' and '0'");
        const Index at = i * row_stride + j * col_stride;
        lower_[at] = sign == '*' || sign == '-' ? -kAny : 0;
        upper_[at] = sign == '*' || sign == '+' ? kAny : 0;
      }
  }

  bool empty() const { return lower_.size() == 0; }

  /** Brings a part of the block to the nearest weights that are allowed; `values` are the layer's parameters. */
  void project(const Block& part, T* values) const {
    if (empty() || part.rows == 0) return;
    const Block own{part.offset - block_.offset, part.rows, part.cols, block_.stride};
    clamp<T>(part.in(values), own.in(lower_.data()), own.in(upper_.data()));
  }

  /** Whether a weight may be anything but zero; `at` counts from the block's first. */
  bool may_differ_from_zero(Index at) const { return empty() || lower_[at] < upper_[at]; }

 private:
  Block block_;
  Buffer<T> lower_, upper_;  // laid out as the block
};

}  // namespace fastmlp
