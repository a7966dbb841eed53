// The shuffle of NumPy's RandomState, number for number.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "core/portable.h"
#include "core/types.h"

namespace fastmlp {

/** RandomState.shuffle of n < 2^32 elements; next() gives 32 random bits.
 *
 * Fisher and Yates from the end: element i changes places with one of [0, i], which is drawn by masking off bits until
 * the number is not above i. Numbers are drawn for many elements at once and without a branch on what was drawn: a
 * processor guesses wrong at every third. */
template <class Next>
void numpy_shuffle(Next&& next, std::uint32_t* values, Index n) {
  constexpr std::uint32_t kAtOnce = 256;
  constexpr Index kFitsInCache = Index{1} << 14;
  std::uint32_t drawn[kAtOnce];
  for (auto i = static_cast<std::uint32_t>(std::max<Index>(n, 1) - 1); i >= 1;) {
    const std::uint32_t least = std::bit_floor(i);  // of those with the same mask
    const std::uint32_t mask = least | (least - 1);
    const std::uint32_t count = std::min(kAtOnce, i - least + 1);
    for (std::uint32_t k = 0; k < count;) {
      const std::uint32_t number = next() & mask;
      drawn[k] = number;
      k += number <= i - k;
      if (n > kFitsInCache) prefetch_write(values + number);
    }
    for (std::uint32_t k = 0; k < count; ++k) std::swap(values[i - k], values[drawn[k]]);
    i -= count;
  }
}

}  // namespace fastmlp
