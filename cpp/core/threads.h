// The one place that knows OpenMP: a team of threads in one parallel region, its barrier,
// how many threads there may be, and the floating-point mode they train in.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "core/types.h"

namespace fastmlp {

/** Threads a call may use when nobody says: affinity mask, OMP_NUM_THREADS and threadpoolctl's limits; 1 in a forked
 * child, where OpenMP may hang. */
int available_threads();

/** Threads that `work` multiply-adds between two barriers are worth, at most `limit`. */
int worthwhile_threads(double work, int limit);

/** "OpenMP" or "std::thread". */
const char* threading_layer();

class Team;

/** Rows are shared out in such numbers: those of a register tile, and of a line of losses. */
inline constexpr Index kRowGrain = 8;

/** One thread's place in a team. */
class Member {
 public:
  Member(Team& team, int rank) : team_(team), rank_(rank) {}
  int rank() const { return rank_; }
  int size() const;
  bool leads() const { return rank_ == 0; }

  /** Waits for the whole team. Every member gets the value that the leader gave at this barrier, so that all take the
   * same turn even while the leader already thinks of the next one. */
  bool barrier(bool leader_says = false);

  /** This member's part [first, last) of n items, cut at multiples of `grain`. */
  struct Range {
    Index first, last;
  };
  Range share(Index n, Index grain = 1) const;

 private:
  Team& team_;
  int rank_;
  std::uint32_t phase_ = 0;
};

/** State shared by the members: a barrier that spins for a while, then sleeps. */
class Team {
 public:
  explicit Team(int size);
  int size() const { return size_; }

  /** Counts time in which a member could not go on for want of another. */
  void add_sleep(std::chrono::steady_clock::duration time);
  /** Seconds of it, of all members together. */
  double slept() const { return 1e-9 * static_cast<double>(slept_.load()); }

 private:
  friend class Member;
  int size_;
  int spins_;
  std::atomic<std::uint32_t> generation_{0};
  std::atomic<int> arrived_{0};
  std::atomic<bool> said_[2] = {false, false};
  std::atomic<std::int64_t> slept_{0};  // nanoseconds of all members
};

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

/** How a call of run_team went. */
struct TeamReport {
  double seconds;
  double slept;  // part of them in which one member was waited for, the mean over the others
};

/** Runs body once on each of n_threads threads in one parallel region; the caller is the leader. While other teams of
 * this process are at work there are fewer, so that they share the processors. Sets flush-to-zero and
 * denormals-are-zero for the time of the call and restores what was there. The body must not throw. */
TeamReport run_team(int n_threads, const std::function<void(Member&)>& body);

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
  /** Tells how the piece went that next() was for; `count` such pieces were done. */
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
