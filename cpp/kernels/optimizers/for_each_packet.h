// The loop that all optimisers share. Include from .cpp files only: see kernels/packet.h.
#pragma once

#include "kernels/optimizers/parameter_block.h"
#include "kernels/packet.h"

namespace fastmlp::simd {

/** f(place of a packet, rows of values, of gradients, of first and of second moments). The rows' addresses are locals
 * of the loop, since whatever f stores might otherwise lie over the block's own fields. */
template <class T, class F>
inline void for_each_packet(const ParameterBlock<T>& block, F&& f) {
  const Index width = padded<T>(block.value.cols);
  for (Index i = 0; i < block.value.rows; ++i) {
    T* const value = block.value.row(i);
    const T* const gradient = block.gradient.row(i);
    T* const first = block.first.row(i);
    T* const second = block.second.row(i);
    for (Index j = 0; j < width; j += kWidth<T>) f(j, value, gradient, first, second);
  }
}

}  // namespace fastmlp::simd
