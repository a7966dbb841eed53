#include "core/chacha.h"

#include <bit>

namespace fastmlp {
namespace {

using Lanes = std::uint32_t[kChaChaLanes];

void quarter_round(Lanes& a, Lanes& b, Lanes& c, Lanes& d) {
  const auto step = [](Lanes& sum, const Lanes& added, Lanes& mixed, int bits) {
    for (int k = 0; k < kChaChaLanes; ++k) sum[k] += added[k];
    for (int k = 0; k < kChaChaLanes; ++k) mixed[k] = std::rotl(mixed[k] ^ sum[k], bits);
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

}  // namespace

ChaChaBlocks chacha20(const ChaChaKey& key, std::uint64_t stream, std::uint64_t first) {
  constexpr std::uint32_t kConstants[] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  ChaChaBlocks start;
  for (int k = 0; k < kChaChaLanes; ++k) {
    const std::uint64_t block = first + static_cast<std::uint64_t>(k);
    for (int i = 0; i < 4; ++i) start.words[i][k] = kConstants[i];
    for (int i = 0; i < 8; ++i) start.words[4 + i][k] = key[static_cast<std::size_t>(i)];
    start.words[12][k] = static_cast<std::uint32_t>(block);
    start.words[13][k] = static_cast<std::uint32_t>(block >> 32);
    start.words[14][k] = static_cast<std::uint32_t>(stream);
    start.words[15][k] = static_cast<std::uint32_t>(stream >> 32);
  }
  ChaChaBlocks mixed = start;
  auto& x = mixed.words;
  for (int round = 0; round < 20; round += 2) {
    for (int i = 0; i < 4; ++i) quarter_round(x[i], x[4 + i], x[8 + i], x[12 + i]);
    for (int i = 0; i < 4; ++i) quarter_round(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
  }
  for (int i = 0; i < kChaChaWords; ++i)
    for (int k = 0; k < kChaChaLanes; ++k) x[i][k] += start.words[i][k];
  return mixed;
}

}  // namespace fastmlp
