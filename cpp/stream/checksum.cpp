#include "stream/checksum.h"

#include <array>

#include "core/portable.h"

namespace fastmlp {
namespace {

constexpr std::size_t kSlices = 16;  // bytes at a time, each with a table of its own ("slicing by 16")
constexpr std::uint32_t kPolynomial = 0xedb88320u;

using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

/** tables[k][b]: what the byte b contributes when k bytes follow it. */
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < kSlices; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32(const std::byte* data, Index size) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(data);
  const auto* const end = from + size;
  std::uint32_t crc = 0xffffffffu;
  for (; end - from >= static_cast<Index>(kSlices); from += kSlices) {
    std::uint32_t next = 0;
    FASTMLP_UNROLL
    for (std::size_t i = 0; i < kSlices; ++i) {
      const std::uint32_t before = i < 4 ? crc >> (8 * i) : 0;
      next ^= kTables[kSlices - 1 - i][(from[i] ^ before) & 0xff];
    }
    crc = next;
  }
  for (; from != end; ++from) crc = (crc >> 8) ^ kTables[0][(crc ^ *from) & 0xff];
  return ~crc;
}

}  // namespace fastmlp
