// The team: who runs, what the barrier hands over, how work is shared, the floating-point mode.
#ifdef __unix__
#include <sys/wait.h>
#include <unistd.h>
#endif
#ifdef __linux__
#include <sched.h>
#include <sys/resource.h>
#endif

#include <array>
#include <atomic>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.h"
#include "core/denormals.h"
#include "core/processors.h"
#include "core/random.h"
#include "core/team_size.h"
#include "core/thread_pool.h"

#include "core/portable.h"

#if FASTMLP_X86
#include <xmmintrin.h>
#endif

namespace fastmlp {
namespace {

constexpr int kSizes[] = {1, 2, 3, 4, 8};

TEST(every_member_runs_once) {
  for (const int n : kSizes) {
    std::array<std::atomic<int>, 8> runs{};
    run_team(n, [&](Member& member) {
      ++runs[static_cast<std::size_t>(member.rank())];
      CHECK(member.size() == n);
      CHECK(member.leads() == (member.rank() == 0));
    });
    for (int rank = 0; rank < 8; ++rank) CHECK(runs[static_cast<std::size_t>(rank)] == (rank < n ? 1 : 0));
  }
}

TEST(teams_at_work_at_the_same_time_share_the_processors) {
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  int alone = 0, beside = 0, again = 0;
  const auto team_into = [](int& size) {
    run_team(8, [&](Member& member) {
      if (member.leads()) size = member.size();
    });
  };
  team_into(alone);
  run_team(processors, [&](Member& first) {
    if (first.leads()) std::thread([&] { team_into(beside); }).join();
  });
  team_into(again);
  CHECK(beside == 1);
  CHECK(again == alone);
}

TEST(a_team_has_at_least_one_member) {
  for (const int n : {0, -3}) {
    int runs = 0;
    run_team(n, [&](Member& member) {
      ++runs;
      CHECK(member.size() == 1);
      CHECK(member.barrier(true));
    });
    CHECK(runs == 1);
  }
}

TEST(the_barrier_hands_over_the_leaders_value_in_order) {
  for (const int n : kSizes) {
    // More threads than cores sleep and wake at every barrier.
    const std::uint32_t rounds = testing::kSanitized ? 5'000 : n <= 2 ? 100'000 : 10'000;
    run_team(n, [&](Member& member) {
      std::uint32_t wrong = 0;
      for (std::uint32_t i = 0; i < rounds; ++i) {
        const bool said = mix32(i) & 1;
        // What the others say counts for nothing.
        wrong += member.barrier(member.leads() ? said : !said) != said;
      }
      CHECK(wrong == 0);
    });
  }
}

TEST(what_was_written_before_the_barrier_is_seen_after_it) {
  for (const int n : kSizes) {
    std::array<int, 8> plain{};
    run_team(n, [&](Member& member) {
      int wrong = 0;
      for (int i = 1; i <= 1000; ++i) {
        plain[static_cast<std::size_t>(member.rank())] = i;
        member.barrier();
        for (int other = 0; other < n; ++other) wrong += plain[static_cast<std::size_t>(other)] != i;
        member.barrier();
      }
      CHECK(wrong == 0);
    });
  }
}

TEST(an_exception_in_one_member_ends_the_work_of_all) {
  for (const int n : kSizes)
    for (int failing = 0; failing < n; ++failing)
      for (const int after : {0, 1, 2, 50}) {
        std::atomic<int> begun{0}, finished{0};
        const auto work = [&](Member& member) {
          ++begun;
          for (int i = 0; i < 100; ++i) {
            if (member.rank() == failing && i == after) throw std::invalid_argument("on purpose");
            member.barrier();
          }
          ++finished;
        };
        CHECK_THROWS(run_team(n, work), "on purpose");
        CHECK(begun == n);
        CHECK(finished == 0);
      }
  // The next team knows nothing of it.
  run_team(8, [](Member& member) { CHECK(member.barrier(true)); });
}

TEST(one_of_several_exceptions_comes_out_whole) {
  for (int i = 0; i < 200; ++i)
    CHECK_THROWS(run_team(4, [](Member&) { throw std::invalid_argument("on purpose"); }), "on purpose");
}

TEST(the_first_exception_comes_out) {
  std::atomic<bool> thrown{false};
  const auto work = [&](Member& member) {
    if (member.rank() == member.size() - 1) {
      thrown = true;
      throw std::invalid_argument("the first");
    }
    // Until the others are told to leave; what they throw then comes later.
    try {
      for (;;) member.leave_if_failed();
    } catch (...) {
      if (!thrown) throw std::invalid_argument("too early");
      throw std::invalid_argument("a later one");
    }
  };
  CHECK_THROWS(run_team(4, work), "the first");
}

TEST(members_without_barriers_leave_when_another_fails) {
  const auto work = [](Member& member) {
    if (member.leads()) throw std::invalid_argument("on purpose");
    for (;;) member.leave_if_failed();
  };
  CHECK_THROWS(run_team(4, work), "on purpose");
}

TEST(many_callers_have_teams_of_their_own) {
  std::vector<std::thread> callers;
  std::atomic<int> sum{0};
  for (int k = 0; k < 6; ++k)
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        run_team(3, [&](Member& member) {
          member.barrier();
          if (member.leads()) ++sum;
          member.barrier();
        });
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(sum == 300);
}

#ifdef __unix__
TEST(a_forked_child_runs_on_one_thread) {
  run_team(4, [](Member&) {});
  const pid_t child = fork();
  if (child == 0) {
    int size = 0;
    run_team(4, [&](Member& member) { size = member.size(); });
    _exit(size == 1 && available_threads() == 1 ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
#endif

// A sanitizer's own memory does not fit in there.
#if defined(__linux__) && !defined(FASTMLP_SANITIZED)
/** In a child, whose memory has room for the stacks of a few more threads. */
TEST(threads_that_do_not_start_are_done_without) {
  constexpr int kWanted = 64;
  const pid_t child = fork();
  if (child == 0) {
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t room = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE)) + (rlim_t{64} << 20);
    const rlimit limit{room, room};
    bool holds = pages > 0 && setrlimit(RLIMIT_AS, &limit) == 0;
    for (int call = 0; call < 2; ++call) {  // with new threads, and with those that were kept
      BorrowedThreads others(kWanted);
      std::atomic<int> runs{0};
      others.run([&](int) { ++runs; });
      holds = holds && others.size() < kWanted && runs == 1 + others.size();
    }
    _exit(holds ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
#endif

#ifdef __linux__
TEST(processors_are_those_of_the_affinity_mask) {
  cpu_set_t before, one;
  CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(count_processors() == CPU_COUNT(&before));
  CPU_ZERO(&one);
  for (int i = 0; CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(count_processors() == 1);
  CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}
#endif

TEST(numbers_of_threads_in_the_environment) {
  CHECK(number_in(nullptr, 7) == 7);
  for (const char* text : {"", "many", "0", "-2"}) CHECK(number_in(text, 7) == 7);
  CHECK(number_in("3", 7) == 3);
  CHECK(number_in(" 4,2,1", 7) == 4);
  CHECK(number_in("99999999999", 7) == std::numeric_limits<int>::max());
}

TEST(shares_cover_everything_once) {
  for (const int n : kSizes) {
    Team team(n);
    for (const Index items : {0, 1, 2, 5, 7, 8, 63, 64, 65, 1000, 1001})
      for (const Index grain : {1, 2, 3, 16}) {
        Index next = 0;
        for (int rank = 0; rank < n; ++rank) {
          const Member::Range range = Member(team, rank).share(items, grain);
          CHECK(range.first == next);
          CHECK(range.last >= range.first);
          CHECK(range.first % grain == 0 || range.first == items);
          // No part is more than one grain larger than an even one.
          CHECK((range.last - range.first) * n <= items + 2 * grain * n);
          next = range.last;
        }
        CHECK(next == items);
      }
  }
}

TEST(threads_follow_the_work) {
  CHECK(worthwhile_threads(0, 8) == 1);
  CHECK(worthwhile_threads(1e3, 8) == 1);
  CHECK(worthwhile_threads(1e12, 8) == 8);
  CHECK(worthwhile_threads(1e12, 1) == 1);
  CHECK(worthwhile_threads(1e12, 0) == 1);
  CHECK(worthwhile_threads(1e300, std::numeric_limits<int>::max()) == std::numeric_limits<int>::max());
  CHECK(available_threads() >= 1);
}

#if FASTMLP_X86

constexpr unsigned kFlushAndDaz = 0x8040u;

bool flushes_all() { return (_mm_getcsr() & kFlushAndDaz) == kFlushAndDaz; }
bool flushes_any() { return (_mm_getcsr() & kFlushAndDaz) != 0; }

TEST(denormals_are_flushed_inside_a_team_and_restored_after) {
  const unsigned before = _mm_getcsr();
  for (const int n : kSizes) {
    std::atomic<int> flushing{0}, flushed{0};
    run_team(n, [&](Member&) {
      flushing += flushes_all();
      volatile float tiny = std::numeric_limits<float>::min();
      volatile float half = tiny * 0.5f;
      flushed += half == 0.0f;
    });
    CHECK(flushing == n);
    CHECK(flushed == n);
    // The status flags may have been raised; the control bits are as before.
    CHECK((_mm_getcsr() & ~0x3fu) == (before & ~0x3fu));
  }
}

TEST(a_caller_who_flushes_goes_on_flushing) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | kFlushAndDaz);
  run_team(2, [](Member&) {});
  CHECK(flushes_all());
  _mm_setcsr(before);
  CHECK(!flushes_any());
}

TEST(denormal_modes_nest) {
  const DenormalMode outer(true);
  CHECK(flushes_all());
  {
    const DenormalMode inner(false);
    CHECK(!flushes_any());
  }
  CHECK(flushes_all());
}

#endif

TEST(a_team_that_sleeps_is_tried_alone) {
  constexpr TeamReport kGood{1, 0.05}, kHeldUp{5, 0.9}, kAlone{2, 0};
  TeamSize team(4);
  for (int i = 0; i < 10; ++i) {
    CHECK(team.next() == 4);
    team.went(kGood);
  }
  // Held up by others, and slower than alone: alone for a while, then the team again, for which patience grows.
  for (const int patience : {8, 16, 32}) {
    CHECK(team.next() == 4);
    team.went(kHeldUp);
    for (int i = 0; i <= patience; ++i) {
      CHECK(team.next() == 1);
      team.went(kAlone);
    }
  }
  CHECK(team.next() == 4);
  team.went(kGood);
  CHECK(team.next() == 4);
  // One that sleeps and is faster all the same is left in peace for as long.
  TeamSize uneven(2);
  uneven.went({1, 0.9});
  CHECK(uneven.next() == 1);
  uneven.went(kAlone);
  for (int i = 0; i < 8; ++i) {
    CHECK(uneven.next() == 2);
    uneven.went({1, 0.9});
  }
  CHECK(uneven.next() == 1);
  TeamSize single(1);
  single.went(kHeldUp);
  CHECK(single.next() == 1);
}

TEST(sleep_at_barriers_is_reported) {
  const TeamReport report = run_team(2, [](Member& member) {
    if (member.leads()) std::this_thread::sleep_for(std::chrono::milliseconds(60));
    member.barrier();
  });
  CHECK(report.seconds >= 0.06);
  CHECK(report.slept > 0.5);
  CHECK(run_team(1, [](Member&) {}).slept == 0);
}

}  // namespace
}  // namespace fastmlp
