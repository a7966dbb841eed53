// The floating-point mode that networks are trained and evaluated in.
#pragma once

#include <cstdint>

namespace fastmlp {

/** While it lives, denormals are flushed to zero (or, with `flush` false, kept) on this thread. */
class DenormalMode {
 public:
  explicit DenormalMode(bool flush);
  ~DenormalMode();
  DenormalMode(const DenormalMode&) = delete;
  DenormalMode& operator=(const DenormalMode&) = delete;

 private:
  std::uint64_t saved_ = 0;
};

}  // namespace fastmlp
