#include "core/threads.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <thread>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace fastmlp {
namespace {

std::atomic<bool> forked{false};

#if defined(__unix__) || defined(__APPLE__)
// libgomp's pool does not survive a fork: a child that enters a parallel region waits for threads that are not there.
const int fork_handler = pthread_atfork(nullptr, nullptr, [] { forked = true; });
#endif

void pause_core() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

#if defined(__x86_64__) || defined(_M_X64)
DenormalMode::DenormalMode(bool flush) : saved_(_mm_getcsr()) {
  constexpr unsigned flush_and_daz = 0x8040u;
  const auto control = static_cast<unsigned>(saved_);
  _mm_setcsr(flush ? control | flush_and_daz : control & ~flush_and_daz);
}
DenormalMode::~DenormalMode() { _mm_setcsr(static_cast<unsigned>(saved_)); }
#elif defined(__aarch64__)
DenormalMode::DenormalMode(bool flush) {
  constexpr std::uint64_t flush_to_zero = std::uint64_t{1} << 24;
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" ::"r"(flush ? saved_ | flush_to_zero : saved_ & ~flush_to_zero));
}
DenormalMode::~DenormalMode() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }
#else
DenormalMode::DenormalMode(bool) {}
DenormalMode::~DenormalMode() = default;
#endif

int available_threads() {
  if (forked) return 1;
#ifdef _OPENMP
  return std::max(1, omp_get_max_threads());
#else
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#endif
}

int worthwhile_threads(double work, int limit) {
  // n threads take work / n and wait for each other and for the others' cache lines in proportion to n: the sum is
  // least at n = sqrt(work / cost), the cost being about a microsecond's work.
  constexpr double kCost = 1.3e5;
  return static_cast<int>(std::clamp(std::sqrt(work / kCost), 1.0, static_cast<double>(std::max(limit, 1))));
}

const char* threading_layer() {
#ifdef _OPENMP
  return "OpenMP";
#else
  return "std::thread";
#endif
}

Team::Team(int size) : size_(size) {
  // About 100 us of spinning on a core of one's own; with more threads than cores the others need the core.
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  spins_ = size <= std::max(cores, 1) ? 2000 : 20;
}

void Team::add_sleep(std::chrono::steady_clock::duration time) {
  slept_ += std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

void TeamSize::went(const TeamReport& report, int count) {
  constexpr double kSuspicious = 0.4;
  constexpr int kMostPatience = 1024;
  if (full_ == 1) return;
  const double seconds = report.seconds / count;
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

int Member::size() const { return team_.size_; }

bool Member::barrier(bool leader_says) {
  if (team_.size_ == 1) return leader_says;
  // Two slots: the leader writes slot k again at barrier k + 2, which nobody reaches before all have read at k.
  std::atomic<bool>& said = team_.said_[phase_++ & 1];
  if (leads()) said.store(leader_says, std::memory_order_relaxed);
  const std::uint32_t generation = team_.generation_.load(std::memory_order_acquire);
  if (team_.arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == team_.size_) {
    team_.arrived_.store(0, std::memory_order_relaxed);
    team_.generation_.fetch_add(1, std::memory_order_release);
    team_.generation_.notify_all();
  } else {
    const auto moved_on = [&] { return team_.generation_.load(std::memory_order_acquire) != generation; };
    for (int spins = team_.spins_; spins > 0 && !moved_on(); --spins) pause_core();
    if (!moved_on()) {
      const auto since = std::chrono::steady_clock::now();
      while (!moved_on()) team_.generation_.wait(generation, std::memory_order_acquire);
      team_.add_sleep(std::chrono::steady_clock::now() - since);
    }
  }
  return said.load(std::memory_order_relaxed);
}

Member::Range Member::share(Index n, Index grain) const {
  const Index grains = ceil_div(n, grain);
  const auto cut = [&](Index k) { return std::min(n, grains * k / size() * grain); };
  return {cut(rank_), cut(rank_ + 1)};
}

namespace {

/** Threads of all teams now at work in this process. */
std::atomic<int> busy{0};

int processors() {
#ifdef _OPENMP
  return omp_get_num_procs();
#else
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#endif
}

/** A team's threads while it works: as many as wanted, or beside other teams as the processors that they leave. */
class Share {
 public:
  explicit Share(int wanted) {
    int others = busy.load();
    do size = others == 0 ? wanted : std::clamp(processors() - others, 1, wanted);
    while (!busy.compare_exchange_weak(others, others + size));
  }
  ~Share() { busy -= size; }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  int size;
};

}  // namespace

TeamReport run_team(int n_threads, const std::function<void(Member&)>& body) {
  using Clock = std::chrono::steady_clock;
  const Share share(forked ? 1 : std::max(1, n_threads));
  const int n = share.size;
  const auto start = Clock::now();
  const auto run = [&](Team& team, int rank) {
    // Dead units' moments decay into denormals, which cost up to a third of the time.
    const DenormalMode flush(true);
    Member member(team, rank);
    body(member);
  };
  const auto report = [&](const Team& team) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return TeamReport{seconds, team.size() > 1 ? team.slept() / (seconds * (team.size() - 1)) : 0};
  };
  if (n == 1) {
    Team alone(1);
    run(alone, 0);
    return report(alone);
  }
#ifdef _OPENMP
  // The runtime may give fewer threads than asked for, and the barrier counts on every member.
  std::optional<Team> team;
#pragma omp parallel num_threads(n)
  {
#pragma omp single
    team.emplace(omp_get_num_threads());
    // The single ends when all have come.
    if (omp_get_thread_num() == 0) team->add_sleep(Clock::now() - start);
    run(*team, omp_get_thread_num());
  }
  return report(*team);
#else
  Team team(n);
  std::vector<std::thread> others;
  for (int rank = 1; rank < n; ++rank) others.emplace_back(run, std::ref(team), rank);
  run(team, 0);
  for (std::thread& other : others) other.join();
  return report(team);
#endif
}

}  // namespace fastmlp
