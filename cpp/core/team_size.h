// How many threads a piece of work should take.
#pragma once

#include "core/team.h"

namespace fastmlp {

/** Threads that `work` multiply-adds between two barriers are worth, at most `limit`. */
int worthwhile_threads(double work, int limit);

/** The size of the team for pieces of work that are alike and done one after the other: all threads, or one while other
 * programs hold the processors. Members of a team that are not on a core all at once wait for each other at every
 * barrier, for as long as the system lets others run: small steps then take many times as long as alone. */
class TeamSize {
 public:
  explicit TeamSize(int full) : full_(full) {}

  /** Sets how many all threads are; what was learnt of another number is forgotten. */
  void set_full(int full) {
    if (full != full_) *this = TeamSize(full);
  }
  /** Threads for the next piece. */
  int next() const { return alone_ > 0 ? 1 : full_; }
  /** Records how the piece went that next() was for; `count` such pieces were done. */
  void went(const TeamReport& report, int count = 1);

 private:
  int full_;
  int alone_ = 0;       // pieces that one thread is still to do
  int trusted_ = 0;     // pieces before the team is doubted again
  int patience_ = 8;    // how many of these, the next time
  bool trial_ = false;  // the piece under way is to show whether one thread is faster
  double team_seconds_ = 0;
};

}  // namespace fastmlp
