// Normal noise that nobody can compute without a key.
#pragma once

#include "core/chacha.h"
#include "core/matrix.h"

namespace fastmlp {

/** Normal numbers that a block of random bits makes. */
inline constexpr Index kNormalsPerBlock = kChaChaWords / 2;

/** to(i, j) += scale * (the standard normal number first + i * step + j of the key's stream), where first and step are
 * multiples of kNormalsPerBlock. The numbers are computed in double, by Box & Muller's transform of 52 random bits; the
 * largest are beyond 8. */
template <class T>
void add_normal_noise(const ChaChaKey& key, std::uint64_t stream, Index first, Index step, double scale, Matrix<T> to);

}  // namespace fastmlp
