// CRC-32 with zlib's polynomial: what Python's zlib.crc32 returns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/types.h"

namespace fastmlp {

std::uint32_t crc32(const std::byte* data, Index size);

}  // namespace fastmlp
