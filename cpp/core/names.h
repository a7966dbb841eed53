// The names of enumerations' values: one table beside each enumeration, in its order.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "core/error.h"

namespace fastmlp {

/** The value that has this name in the table; an unknown name is an error that lists the known ones. */
template <class Enum, std::size_t n>
Enum value_of(const std::string& name, const std::array<const char*, n>& names, const char* parameter) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    std::string known;
    for (const char* other : names) known += std::string(known.empty() ? "'" : ", '") + other + "'";
    invalid(parameter, "must be one of " + known + "; got '" + name + "'");
  }
  return static_cast<Enum>(found - names.begin());
}

/** The value's name in the table. */
template <class Enum, std::size_t n>
const char* name_of(Enum value, const std::array<const char*, n>& names) {
  return names[static_cast<std::size_t>(value)];
}

}  // namespace fastmlp
