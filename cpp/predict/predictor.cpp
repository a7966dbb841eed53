#include "predict/predictor.h"

#include <algorithm>
#include <vector>

#include "core/threads.h"
#include "kernels/softmax.h"

namespace fastmlp {
namespace {

/** Rows of raw outputs, which softmax overwrites, to predictions without padding. */
template <class T>
void apply_link(Link link, Matrix<T> outputs, T* to) {
  const Index n = outputs.cols;
  for (Index i = 0; i < outputs.rows; ++i) {
    T* row = outputs.row(i);
    const T scale = link == Link::softmax ? 1 / exponentials(row, n, row).normaliser : T(1);
    for (Index k = 0; k < n; ++k) to[i * n + k] = scale * row[k];
  }
  if (link == Link::exponential) exponential(to, outputs.rows * n);
  if (link == Link::logistic) logistic(to, outputs.rows * n);
}

}  // namespace

Link link_from_name(const std::string& name) {
  if (name == "identity") return Link::identity;
  if (name == "logistic") return Link::logistic;
  if (name == "softmax") return Link::softmax;
  if (name == "exponential") return Link::exponential;
  invalid("link", "must be 'identity', 'logistic', 'softmax' or 'exponential'; got '" + name + "'");
}

template <class T>
Predictor<T>::Predictor(const Network<T>& network, Standardisation inputs, Link link)
    : stack_(network.shared_stack()),
      values_(network.values().clone()),
      forward_copy_(stack_->forward_copy_size(Use::prediction)),
      inputs_(std::move(inputs)),
      link_(link) {
  stack_->prepare(values_.data(), forward_copy_.data(), nullptr, Use::prediction);
}

template <class T>
void Predictor<T>::predict(const Table& table, T* out, int max_threads) const {
  predict(&table, nullptr, table.rows, out, max_threads);
}

template <class T>
void Predictor<T>::predict(const SparseTable<T>& table, T* out, int max_threads) const {
  predict(nullptr, &table, table.rows, out, max_threads);
}

template <class T>
void Predictor<T>::predict(const Table* dense, const SparseTable<T>* sparse, Index n_rows, T* out,
                           int max_threads) const {
  constexpr Index kMostRows = 128, kMostBytes = Index{1} << 22;
  const Index block_rows = std::clamp<Index>(kMostBytes / Workspace<T>::bytes_per_row(*stack_, false), 1, kMostRows);
  // To start a team takes as long as several meetings of one.
  const double work = static_cast<double>(n_rows) * static_cast<double>(stack_->work_per_row());
  const int n_threads = worthwhile_threads(work / 4, max_threads);
  std::vector<Workspace<T>> workspaces;
  for (int i = 0; i < n_threads; ++i) workspaces.emplace_back(*stack_, std::min(block_rows, n_rows), false);
  run_team(n_threads, [&](Member& member) {
    Workspace<T>& workspace = workspaces[static_cast<std::size_t>(member.rank())];
    const Member::Range mine = member.share(n_rows, kRowGrain);
    for (Index row = mine.first; row < mine.last; row += block_rows) {
      const Index rows = std::min(block_rows, mine.last - row);
      if (dense) gather<T>(*dense, inputs_, nullptr, row, workspace.input().slice(0, rows));
      stack_->forward({values_.data(), forward_copy_.data(), nullptr, Use::prediction}, workspace, 0, rows, Pass{},
                      {sparse, nullptr, row, rows});
      apply_link(link_, workspace.output().slice(0, rows), out + row * outputs());
    }
  });
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace fastmlp
