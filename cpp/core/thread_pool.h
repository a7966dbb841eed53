// Threads that are kept between calls, for builds without OpenMP.
#pragma once

#include <functional>
#include <vector>

namespace fastmlp {

struct PoolThread;

/** Threads of the pool, borrowed for one call. Starts new ones if too few are idle. */
class BorrowedThreads {
 public:
  /** Borrows `wanted` threads, or as many as the system allows. */
  explicit BorrowedThreads(int wanted);
  ~BorrowedThreads();
  BorrowedThreads(const BorrowedThreads&) = delete;
  BorrowedThreads& operator=(const BorrowedThreads&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }
  /** Calls body(0) here and body(1) to body(size()) on the threads; returns when all have returned. The body must not
   * throw. */
  void run(const std::function<void(int)>& body);

 private:
  std::vector<PoolThread*> threads_;
};

}  // namespace fastmlp
