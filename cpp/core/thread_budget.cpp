#include "core/thread_budget.h"

#include <algorithm>

namespace fastmlp {

ThreadBudget::ThreadBudget(int threads, int trainings) : threads_(std::max(threads, 1)), left_(trainings) {}

ThreadBudget::Part::Part(ThreadBudget& budget) : budget_(budget) {
  const std::lock_guard lock(budget_.mutex_);
  budget_.running_.push_back(this);
}

ThreadBudget::Part::~Part() {
  const std::lock_guard lock(budget_.mutex_);
  std::erase(budget_.running_, this);
  --budget_.left_;
}

int ThreadBudget::Part::threads() const {
  const std::lock_guard lock(budget_.mutex_);
  const int running = static_cast<int>(budget_.running_.size());
  const int parts = std::max(running, std::min(budget_.left_, budget_.threads_));
  const auto own = std::find(budget_.running_.begin(), budget_.running_.end(), this);
  const bool gets_one_more = own - budget_.running_.begin() < budget_.threads_ % parts;
  return std::max(1, budget_.threads_ / parts + gets_one_more);
}

}  // namespace fastmlp
