// The error of files.
#pragma once

#include <stdexcept>

namespace fastmlp {

/** A file that cannot be read, or does not hold what it should; Python shows it as an OSError. */
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace fastmlp
