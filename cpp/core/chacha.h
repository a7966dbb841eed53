// ChaCha20 (Bernstein 2008, cr.yp.to/chacha): random bits that cannot be distinguished from others, or computed from
// those that came before, without the key. Any part of a stream can be computed on its own, so that the same key gives
// the same bits however the work is split over threads.
#pragma once

#include <array>
#include <cstdint>

namespace fastmlp {

using ChaChaKey = std::array<std::uint32_t, 8>;

/** Blocks that are computed side by side, one in each lane of a vector. */
inline constexpr int kChaChaLanes = 8;
inline constexpr int kChaChaWords = 16;  // of 32 bits in a block

/** words[i][lane] is word i of block first + lane. */
struct ChaChaBlocks {
  alignas(64) std::uint32_t words[kChaChaWords][kChaChaLanes];
};

/** Blocks [first, first + kChaChaLanes) of one of the key's 2^64 streams. */
ChaChaBlocks chacha20(const ChaChaKey& key, std::uint64_t stream, std::uint64_t first);

}  // namespace fastmlp
