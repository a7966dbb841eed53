// Threads that are shared by trainings at the same time.
#pragma once

#include <mutex>
#include <vector>

namespace fastmlp {

/** Divides a number of threads among trainings that run side by side. As long as others wait to begin, those that end
 * leave their threads to them; later to those that still run. */
class ThreadBudget {
 public:
  /** `trainings`: of those that are to come. */
  ThreadBudget(int threads, int trainings);

  int threads() const { return threads_; }

  /** One training's part, as long as it lives. */
  class Part {
   public:
    explicit Part(ThreadBudget& budget);
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    /** Threads that the training may take now, at least 1. */
    int threads() const;

   private:
    ThreadBudget& budget_;
  };

 private:
  const int threads_;
  std::mutex mutex_;
  int left_;                          // trainings that have not ended
  std::vector<const Part*> running_;  // in the order in which they began
};

}  // namespace fastmlp
