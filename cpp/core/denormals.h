// The floating-point mode for training and prediction.
#pragma once

#include <cstdint>

namespace fastmlp {

/** During its lifetime, denormals are flushed to zero (or, with `flush` false, kept) on this thread. */
class DenormalMode {
 public:
  explicit DenormalMode(bool flush);
  ~DenormalMode();
  DenormalMode(const DenormalMode&) = delete;
  DenormalMode& operator=(const DenormalMode&) = delete;

 private:
  [[maybe_unused]] std::uint64_t saved_ = 0;
};

}  // namespace fastmlp
