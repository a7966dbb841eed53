#include "core/mersenne_twister.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace fastmlp {

void MersenneTwister::refill() {
  constexpr int kMiddle = 397;
  const auto twist = [](std::uint32_t high, std::uint32_t low) {
    return (((high & 0x80000000u) | (low & 0x7fffffffu)) >> 1) ^ (low & 1 ? 0x9908b0dfu : 0u);
  };
  int i = 0;
  for (; i < kWords - kMiddle; ++i) key[i] = key[i + kMiddle] ^ twist(key[i], key[i + 1]);
  for (; i < kWords - 1; ++i) key[i] = key[i + kMiddle - kWords] ^ twist(key[i], key[i + 1]);
  key[i] = key[kMiddle - 1] ^ twist(key[i], key[0]);
  position = 0;
}

// Fisher and Yates from the end: element i changes places with one of [0, i], which is drawn by masking off bits until
// the number is not above i. Numbers are drawn for many elements at once and without a branch on what was drawn: a
// processor guesses wrong at every third.
void shuffle(MersenneTwister& random, std::uint32_t* values, Index n) {
  constexpr std::uint32_t kAtOnce = 256;
  constexpr Index kFitsInCache = Index{1} << 14;
  std::uint32_t drawn[kAtOnce];
  for (auto i = static_cast<std::uint32_t>(std::max<Index>(n, 1) - 1); i >= 1;) {
    const std::uint32_t least = std::bit_floor(i);  // of those with the same mask
    const std::uint32_t mask = least | (least - 1);
    const std::uint32_t count = std::min(kAtOnce, i - least + 1);
    for (std::uint32_t k = 0; k < count;) {
      if (random.position == MersenneTwister::kWords) random.refill();
      int position = random.position;
      while (k < count && position < MersenneTwister::kWords) {
        const std::uint32_t number = MersenneTwister::temper(random.key[position++]) & mask;
        drawn[k] = number;
        k += number <= i - k;
        if (n > kFitsInCache) __builtin_prefetch(values + number, 1);
      }
      random.position = position;
    }
    for (std::uint32_t k = 0; k < count; ++k) std::swap(values[i - k], values[drawn[k]]);
    i -= count;
  }
}

}  // namespace fastmlp
