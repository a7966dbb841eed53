#include "core/processors.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <thread>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __linux__
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace fastmlp {
namespace {

std::atomic<int> forks_so_far{0};

#if defined(__unix__) || defined(__APPLE__)
// Threads do not survive a fork: a child that waited for those of its parent would never stop waiting.
const int fork_handler = pthread_atfork(nullptr, nullptr, [] { ++forks_so_far; });
#endif

}  // namespace

int forks() { return forks_so_far; }

int count_processors() {
#ifdef __linux__
  cpu_set_t allowed;
  // Fails on machines with more processors than the set has room for.
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int processors() {
  static const int count = count_processors();
  return count;
}

int number_in(const char* text, int otherwise) {
  const long number = text ? std::strtol(text, nullptr, 10) : 0;
  return number > 0 ? static_cast<int>(std::min<long>(number, std::numeric_limits<int>::max())) : otherwise;
}

#ifdef _OPENMP

int most_threads() { return forks() > 0 ? 1 : omp_get_thread_limit(); }
int available_threads() { return forks() > 0 ? 1 : std::max(1, omp_get_max_threads()); }
const char* threading_layer() { return "OpenMP"; }

#else

int most_threads() {
  static const int limit = number_in(std::getenv("OMP_THREAD_LIMIT"), std::numeric_limits<int>::max());
  return forks() > 0 ? 1 : limit;
}
int available_threads() {
  static const int wanted = number_in(std::getenv("OMP_NUM_THREADS"), processors());
  return std::min(wanted, most_threads());
}
const char* threading_layer() { return "std::thread"; }

#endif

}  // namespace fastmlp
