// Errors: what was wrong, what was expected, which parameter.
#pragma once

#include <limits>
#include <stdexcept>
#include <string>

#include "core/types.h"

namespace fastmlp {

/** Raises the error that Python shows as `ValueError: <parameter> <problem>`. */
[[noreturn]] inline void invalid(const std::string& parameter, const std::string& problem) {
  throw std::invalid_argument(parameter + " " + problem);
}

/** a * b for sizes that come from outside; an overflow is an error, never a wrapped number. */
inline Index checked_product(Index a, Index b, const char* what) {
  if (a < 0 || b < 0) invalid(what, "must not be negative");
  if (b != 0 && a > std::numeric_limits<Index>::max() / b)
    invalid(what, "is too large: its size in memory overflows a 64-bit integer");
  return a * b;
}

/** a + b under the same rule. */
inline Index checked_sum(Index a, Index b, const char* what) {
  if (a > std::numeric_limits<Index>::max() - b)
    invalid(what, "is too large: its size in memory overflows a 64-bit integer");
  return a + b;
}

}  // namespace fastmlp
