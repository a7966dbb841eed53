#include "core/team_size.h"

#include <algorithm>
#include <cmath>

namespace fastmlp {

int worthwhile_threads(double work, int limit) {
  // n threads take work / n and wait for each other and for the others' cache lines in proportion to n: the sum is
  // least at n = sqrt(work / cost), the cost being about a microsecond's work.
  constexpr double kCost = 1.3e5;
  return static_cast<int>(std::clamp(std::sqrt(work / kCost), 1.0, static_cast<double>(std::max(limit, 1))));
}

void TeamSize::went(const TeamReport& report, int count, double work) {
  constexpr double kSuspicious = 0.4;
  constexpr int kMostPatience = 1024;
  if (full_ == 1) return;
  const double seconds = report.seconds / work;
  if (trial_) {
    trial_ = false;
    (seconds < team_seconds_ ? alone_ : trusted_) = patience_;
    patience_ = std::min(2 * patience_, kMostPatience);
    if (seconds >= team_seconds_) alone_ = 0;
  } else if (alone_ > 0) {
    alone_ = std::max(0, alone_ - count);
  } else {
    team_seconds_ = seconds;
    trusted_ = std::max(0, trusted_ - count);
    trial_ = trusted_ == 0 && report.slept > kSuspicious;
    if (trial_) alone_ = 1;
  }
}

}  // namespace fastmlp
