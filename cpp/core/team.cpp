#include "core/team.h"

#include <algorithm>
#include <optional>

#include "core/denormals.h"
#include "core/portable.h"
#include "core/processors.h"

#ifdef _OPENMP
#include <omp.h>
#else
#include "core/thread_pool.h"
#endif

namespace fastmlp {

Team::Team(int size) : size_(size) {
  // About 100 us of spinning. With more threads than cores, the others need the core.
  spins_ = size <= processors() ? 2000 : 20;
}

void Team::add_sleep(std::chrono::steady_clock::duration time) {
  slept_ += std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

void Team::run(int rank, const std::function<void(Member&)>& body) {
  // Dead units' moments decay into denormals, which cost up to a third of the time.
  const DenormalMode flush(true);
  Member member(*this, rank);
  try {
    body(member);
  } catch (const Failed&) {
  } catch (...) {
    fail(std::current_exception());
  }
}

void Team::fail(std::exception_ptr error) {
  if (!has_error_.exchange(true)) error_ = std::move(error);
  failed_.store(true, std::memory_order_relaxed);
  // Wakes those who wait. From now on no barrier completes.
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
}

void Team::rethrow() const {
  if (error_) std::rethrow_exception(error_);
}

int Member::size() const { return team_.size_; }

bool Member::barrier(bool leader_says) {
  if (team_.size_ == 1) return leader_says;
  // Two slots: the leader writes slot k again at barrier k + 2, which nobody reaches before all have read at k.
  std::atomic<bool>& said = team_.said_[phase_++ & 1];
  if (leads()) said.store(leader_says, std::memory_order_relaxed);
  const std::uint32_t generation = team_.generation_.load(std::memory_order_acquire);
  // A failure before that load is seen here, a later one by the change of the generation.
  leave_if_failed();
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
  leave_if_failed();
  return said.load(std::memory_order_relaxed);
}

void Member::leave_if_failed() const {
  if (team_.failed_.load(std::memory_order_relaxed)) [[unlikely]]
    throw Team::Failed();
}

Member::Range Member::share(Index n, Index grain) const {
  const Index grains = ceil_div(n, grain);
  const auto cut = [&](Index k) { return std::min(n, grains * k / size() * grain); };
  return {cut(rank_), cut(rank_ + 1)};
}

namespace {

/** Threads of all teams now at work in this process. */
std::atomic<int> busy{0};

/** The number of threads of a team while it runs: as many as wanted or, beside other teams, as many as there are
 * processors left. */
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
  const Share share(std::clamp(n_threads, 1, most_threads()));
  const auto start = Clock::now();
  const auto report = [&](const Team& team) {
    team.rethrow();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return TeamReport{seconds, team.size() > 1 ? team.slept() / (seconds * (team.size() - 1)) : 0};
  };
  if (share.size == 1) {
    Team alone(1);
    alone.run(0, body);
    return report(alone);
  }
#ifdef _OPENMP
  // The runtime may start fewer threads than asked for; the barrier must know how many.
  std::optional<Team> team;
#pragma omp parallel num_threads(share.size)
  {
#pragma omp single
    team.emplace(omp_get_num_threads());
    // All threads have arrived when the single ends.
    if (omp_get_thread_num() == 0) team->add_sleep(Clock::now() - start);
    team->run(omp_get_thread_num(), body);
  }
  return report(*team);
#else
  BorrowedThreads others(share.size - 1);
  Team team(1 + others.size());
  others.run([&](int rank) { team.run(rank, body); });
  return report(team);
#endif
}

}  // namespace fastmlp
