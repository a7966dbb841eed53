#include "core/thread_pool.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <semaphore>
#include <system_error>
#include <thread>

namespace fastmlp {

struct PoolThread {
  std::binary_semaphore begins{0}, ended{0};
  const std::function<void(int)>* body = nullptr;
  int rank = 0;

  [[noreturn]] void work() {
    for (;;) {
      begins.acquire();
      (*body)(rank);
      ended.release();
    }
  }
};

namespace {

struct Pool {
  std::mutex mutex;
  std::vector<PoolThread*> idle;
  std::size_t started = 0;
};

/** Never destroyed, since its threads never end: the exit of the process waits for neither. */
Pool& pool() {
  static Pool& all = *new Pool;
  return all;
}

}  // namespace

BorrowedThreads::BorrowedThreads(int wanted) {
  const auto count = static_cast<std::size_t>(std::max(wanted, 0));
  threads_.reserve(count);
  {
    const std::lock_guard lock(pool().mutex);
    std::vector<PoolThread*>& idle = pool().idle;
    const std::size_t taken = std::min(count, idle.size());
    // Room for all that will be returned, since returning must not fail.
    idle.reserve(pool().started + count - taken);
    pool().started += count - taken;
    threads_.assign(idle.end() - static_cast<std::ptrdiff_t>(taken), idle.end());
    idle.resize(idle.size() - taken);
  }
  while (threads_.size() < count) {
    try {
      auto thread = std::make_unique<PoolThread>();
      std::thread([own = thread.get()] { own->work(); }).detach();
      threads_.push_back(thread.release());
    } catch (const std::exception&) {
      break;  // no more threads or memory: do the work with those there are
    }
  }
}

BorrowedThreads::~BorrowedThreads() {
  const std::lock_guard lock(pool().mutex);
  pool().idle.insert(pool().idle.end(), threads_.begin(), threads_.end());
}

void BorrowedThreads::run(const std::function<void(int)>& body) {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    threads_[i]->body = &body;
    threads_[i]->rank = static_cast<int>(i) + 1;
    threads_[i]->begins.release();
  }
  body(0);
  for (PoolThread* thread : threads_) thread->ended.acquire();
}

}  // namespace fastmlp
