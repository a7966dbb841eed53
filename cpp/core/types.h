// The integer type of every size and index.
#pragma once

#include <cstddef>

namespace fastmlp {

using Index = std::ptrdiff_t;

constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

}  // namespace fastmlp
