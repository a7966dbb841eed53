#include "train/epochs.h"

#include <algorithm>

namespace fastmlp {

template <class T>
Epochs<T>::Epochs(Network<T>& network, const Samples<T>& data, const StepOptions& options, Index batch_size,
                  int n_threads)
    : network_(network),
      batch_size_(batch_size),
      n_threads_(Step<T>::team_size(network.stack(), batch_size, n_threads)),
      step_(network, unchanged_, data, options, batch_size, n_threads_) {}

template <class T>
void Epochs<T>::begin() {
  step_.interrupted = interrupted;
  step_.resume();
  network_.team.set_full(n_threads_);
}

template <class T>
std::optional<double> Epochs<T>::run(const std::uint32_t* order, Index n_rows, Optimizer<T>& optimizer,
                                     double learning_rate) {
  begin();
  if (before_.size() == 0) before_ = Buffer<T>(network_.values().size());
  before_.assign(network_.values());
  const auto restore = [&] {
    network_.values().assign(before_);
    network_.prepare();
  };
  double loss = 0;
  const auto work = [&](Member& member) {
    std::uint64_t step = optimizer.steps;
    for (Index first = 0; first < n_rows; first += batch_size_) {
      const Index count = std::min(batch_size_, n_rows - first);
      const auto rate = optimizer.rate(learning_rate, ++step);
      if (!step_.run(member, {order + first, count}, step, &optimizer, rate)) return;
      if (member.leads()) loss += step_.loss() * static_cast<double>(count);
    }
    if (member.leads()) optimizer.steps = step;
  };
  try {
    network_.team.went(run_team(network_.team.next(), work));
  } catch (...) {
    restore();
    throw;
  }
  if (step_.stopping()) {
    restore();
    return {};
  }
  return loss / static_cast<double>(n_rows);
}

template <class T>
std::optional<double> Epochs<T>::gradients(const std::uint32_t* rows, Index n_rows) {
  begin();
  network_.prepare();
  network_.team.went(
      run_team(network_.team.next(), [&](Member& member) { step_.run(member, {rows, n_rows}, 0, nullptr, {}); }));
  if (step_.stopping()) return {};
  return step_.loss();
}

template class Epochs<float>;
template class Epochs<double>;

}  // namespace fastmlp
