// A team: some threads that work on one thing together, and wait for each other at barriers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>

#include "core/types.h"

namespace fastmlp {

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

  /** Ends this member's work if another has failed; for long work without barriers. */
  void leave_if_failed() const;

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

/** State shared by the members: a barrier that spins for a while, then sleeps, and the first exception. */
class Team {
 public:
  explicit Team(int size);
  int size() const { return size_; }

  /** Counts time in which a member could not go on for want of another. */
  void add_sleep(std::chrono::steady_clock::duration time);
  /** Seconds of it, of all members together. */
  double slept() const { return 1e-9 * static_cast<double>(slept_.load()); }

  /** Runs the body as one member. What it throws is kept, and the others leave at their next barrier. */
  void run(int rank, const std::function<void(Member&)>& body);
  /** When all have left: throws what the first to fail threw. */
  void rethrow() const;

 private:
  friend class Member;
  /** What ends the others' work; run() catches it. */
  struct Failed {};
  void fail(std::exception_ptr error);

  int size_;
  int spins_;
  std::atomic<std::uint32_t> generation_{0};
  std::atomic<int> arrived_{0};
  std::atomic<bool> said_[2] = {false, false};
  std::atomic<bool> failed_{false};  // set before the generation in which it is to be seen
  std::atomic<bool> has_error_{false};
  std::exception_ptr error_;
  std::atomic<std::int64_t> slept_{0};  // nanoseconds of all members
};

/** How a call of run_team went. */
struct TeamReport {
  double seconds;
  double slept;  // part of them in which one member was waited for, the mean over the others
};

/** Runs body once on each of n_threads threads; the caller is the leader. While other teams of this process are at work
 * there are fewer, so that they share the processors. Sets flush-to-zero and denormals-are-zero for the time of the
 * call and restores what was there. An exception in one member ends the work of all at their next barrier; the first
 * one is thrown here when all have left. */
TeamReport run_team(int n_threads, const std::function<void(Member&)>& body);

}  // namespace fastmlp
