// When to check for an interruption.
#pragma once

#include <chrono>

#include "core/types.h"

namespace fastmlp {

/** Due about every 50 ms. Reading the clock costs as much as a small step, so it is read once per million
 * multiply-adds. */
class PollTimer {
 public:
  /** To be called before every `work` multiply-adds. */
  bool due(Index work) {
    constexpr Index kWorkPerLook = 1'000'000;
    constexpr std::chrono::milliseconds kPatience{50};
    if ((work_ += work) < kWorkPerLook) return false;
    work_ = 0;
    const auto now = Clock::now();
    if (now - last_ < kPatience) return false;
    last_ = now;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  Index work_ = 0;
  Clock::time_point last_ = Clock::now();
};

}  // namespace fastmlp
