// ChaCha20: the bits that its standard gives.
#include "check.h"
#include "core/chacha.h"

namespace fastmlp {
namespace {

ChaChaKey key_of_the_standard() {
  ChaChaKey key;
  for (std::uint32_t i = 0; i < 8; ++i) key[i] = 0x03020100 + 0x04040404 * i;
  return key;
}

// RFC 8439, 2.3.2, whose counter of 32 bits and nonce of 96 are 64 bits each here.
constexpr std::uint64_t kBlock = std::uint64_t{0x09000000} << 32 | 1, kStream = 0x4a000000;
constexpr std::uint32_t kWords[] = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
                                    0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                    0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};

TEST(chacha20_gives_the_words_of_the_standard) {
  for (int lane = 0; lane < kChaChaLanes; ++lane) {
    const ChaChaBlocks blocks = chacha20(key_of_the_standard(), kStream, kBlock - static_cast<std::uint64_t>(lane));
    for (int i = 0; i < kChaChaWords; ++i) CHECK(blocks.words[i][lane] == kWords[i]);
  }
}

}  // namespace
}  // namespace fastmlp
