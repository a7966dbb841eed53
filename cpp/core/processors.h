// How many processors this process has, and how many threads its environment allows.
#pragma once

namespace fastmlp {

/** Processors that this process may run on (its affinity mask), at least 1. Counted once per process, since the C
 * library may read a file to count them. */
int processors();
/** The same, counted now. */
int count_processors();

/** Threads a call may use by default: affinity mask, OMP_NUM_THREADS, OMP_THREAD_LIMIT and, with OpenMP,
 * threadpoolctl's limits; 1 in a forked child. */
int available_threads();

/** The most threads that a call gets, however many it asks for: OMP_THREAD_LIMIT; 1 in a forked child. */
int most_threads();

/** How many forks lie between this process and the one that loaded the library. */
int forks();

/** The first number in the text of an environment variable, or `otherwise` if it is not a number above 0. */
int number_in(const char* text, int otherwise);

/** "OpenMP" or "std::thread". */
const char* threading_layer();

}  // namespace fastmlp
