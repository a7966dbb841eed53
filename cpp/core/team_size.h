// How many threads a piece of work should take.
#pragma once

#include "core/team.h"

namespace fastmlp {

/** How many threads pay off for `work` multiply-adds between two barriers, at most `limit`. */
int worthwhile_threads(double work, int limit);

/** The size of the team for similar pieces of work, done one after the other: all threads, or one while other programs
 * occupy the processors. If the members of a team do not run at the same time, each barrier waits until the system has
 * run them all, and small steps take many times as long as on one thread. */
class TeamSize {
 public:
  explicit TeamSize(int full) : full_(full) {}

  /** Sets how many "all threads" are. A new number discards what was measured with the old one. */
  void set_full(int full) {
    if (full != full_) *this = TeamSize(full);
  }
  /** Threads for the next piece. */
  int next() const { return alone_ > 0 ? 1 : full_; }
  /** Records how long the last `count` pieces took, on next() threads. Times are compared per unit of `work`. */
  void went(const TeamReport& report, int count = 1, double work = 1);

 private:
  int full_;
  int alone_ = 0;            // pieces still to be done on one thread
  int trusted_ = 0;          // pieces before one thread is tried again
  int patience_ = 8;         // the next value of either; doubles at every trial
  bool trial_ = false;       // the current piece measures one thread
  double team_seconds_ = 0;  // per unit of work
};

}  // namespace fastmlp
