// The integer type of every size and index.
#pragma once

#include <cstddef>

namespace fastmlp {

using Index = std::ptrdiff_t;

/** a / b rounded up, for a >= 0 and b > 0. */
constexpr Index ceil_div(Index a, Index b) { return a / b + (a % b != 0); }

}  // namespace fastmlp
