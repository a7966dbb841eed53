// A team: threads that run the same function at the same time and wait for each other at barriers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>

#include "core/types.h"

namespace fastmlp {

class Team;

/** Rows are divided in multiples of this: the rows of a register tile, and the losses in a cache line. */
inline constexpr Index kRowGrain = 8;

/** One thread's place in a team. */
class Member {
 public:
  Member(Team& team, int rank) : team_(team), rank_(rank) {}
  int rank() const { return rank_; }
  int size() const;
  bool leads() const { return rank_ == 0; }

  /** Waits for the whole team. Returns to every member the value that the leader passed at this barrier, so that all
   * take the same branch, even if the leader has already gone on. */
  bool barrier(bool leader_says = false);

  /** Ends this member's work if another member has failed. For long work without barriers. */
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

  /** Adds time in which a member waited for another. */
  void add_sleep(std::chrono::steady_clock::duration time);
  /** The sum over all members, in seconds. */
  double slept() const { return 1e-9 * static_cast<double>(slept_.load()); }

  /** Runs the body as one member. Keeps what it throws, and makes the others leave at their next barrier. */
  void run(int rank, const std::function<void(Member&)>& body);
  /** Throws the first exception again, if there was one. To be called when all members have left. */
  void rethrow() const;

 private:
  friend class Member;
  /** Thrown in the other members to end their work; run() catches it. */
  struct Failed {};
  void fail(std::exception_ptr error);

  int size_;
  int spins_;
  std::atomic<std::uint32_t> generation_{0};
  std::atomic<int> arrived_{0};
  std::atomic<bool> said_[2] = {false, false};
  std::atomic<bool> failed_{false};  // set before the generation changes
  std::atomic<bool> has_error_{false};
  std::exception_ptr error_;
  std::atomic<std::int64_t> slept_{0};  // nanoseconds of all members
};

/** How long a call of run_team took. */
struct TeamReport {
  double seconds;
  double slept;  // the fraction of it that a member spent waiting, on average
};

/** Runs body once on each of n_threads threads; the calling thread is the leader. Starts fewer while other teams of
 * this process are running, so that they share the processors. Sets flush-to-zero and denormals-are-zero during the
 * call and restores the mode afterwards. An exception in one member ends the work of the others at their next barrier;
 * the first exception is thrown here when all have left. */
TeamReport run_team(int n_threads, const std::function<void(Member&)>& body);

}  // namespace fastmlp
