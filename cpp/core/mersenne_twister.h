// NumPy's legacy random numbers: its Mersenne Twister and the shuffle of its RandomState, number for number.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace fastmlp {

/** MT19937 (Matsumoto & Nishimura 1998) in the state that NumPy's RandomState.get_state() tells. */
struct MersenneTwister {
  static constexpr int kWords = 624;

  std::uint32_t key[kWords];
  int position;  // of the next word in key; kWords: all are used up

  /** The next kWords words of state. */
  void refill();
  /** 32 random bits out of a word of the state. */
  static std::uint32_t temper(std::uint32_t word) {
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680u;
    word ^= (word << 15) & 0xefc60000u;
    return word ^ (word >> 18);
  }
};

/** RandomState.shuffle of n < 2^32 elements. */
void shuffle(MersenneTwister& random, std::uint32_t* values, Index n);

}  // namespace fastmlp
