// What makes the gradients of steps differentially private (DP-SGD: Abadi et al. 2016, arXiv:1607.00133).
#pragma once

#include "core/chacha.h"

namespace fastmlp {

/** Each row's gradient by all parameters is scaled down to the norm `max_norm`; to every element of their sum normal
 * noise is added, and the result is divided by the number of rows that was expected, not by that which was drawn. */
struct PrivateGradients {
  double max_norm = 1;
  double noise_multiplier = 0;  // standard deviation of the noise, divided by max_norm
  double expected_rows = 1;     // of a minibatch
  ChaChaKey key = {};           // of noise and minibatches

  /** Streams of the key; each step has its own. */
  static std::uint64_t noise_stream(std::uint64_t step) { return 2 * step; }
  static std::uint64_t sampling_stream(std::uint64_t step) { return 2 * step + 1; }
};

}  // namespace fastmlp
