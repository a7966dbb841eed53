#include "core/chacha.h"

#include <bit>

namespace fastmlp {
namespace {

using Lanes = std::uint32_t[kChaChaLanes];

void quarter_round(Lanes& in_a, Lanes& in_b, Lanes& in_c, Lanes& in_d) {
  for (int k = 0; k < kChaChaLanes; ++k) {  // vectors stay in registers from the first step to the last
    std::uint32_t a = in_a[k], b = in_b[k], c = in_c[k], d = in_d[k];
    a += b, d = std::rotl(d ^ a, 16);
    c += d, b = std::rotl(b ^ c, 12);
    a += b, d = std::rotl(d ^ a, 8);
    c += d, b = std::rotl(b ^ c, 7);
    in_a[k] = a, in_b[k] = b, in_c[k] = c, in_d[k] = d;
  }
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
