// Checks of parameters that are numbers; NaN passes none of them.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>

#include "core/error.h"

namespace fastmlp {

/** An error that names the parameter and what its value must be, unless it is. */
inline void check_number(bool holds, const char* parameter, const char* expected, double value) {
  if (holds) return;
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  invalid(parameter, std::string("must be ") + expected + "; got " + text);
}

inline void check_positive(const char* parameter, double value) {
  check_number(value > 0 && std::isfinite(value), parameter, "a positive number", value);
}
inline void check_not_negative(const char* parameter, double value) {
  check_number(value >= 0 && std::isfinite(value), parameter, "a number >= 0", value);
}
/** Of probabilities and shares of which all would be too much. */
inline void check_below_one(const char* parameter, double value) {
  check_number(value >= 0 && value < 1, parameter, "in [0, 1)", value);
}

}  // namespace fastmlp
