#include "predict/predictor.h"

#include <algorithm>
#include <utility>

#include "kernels/gather.h"
#include "nn/offset.h"
#include "predict/apply_link.h"
#include "predict/decoding.h"
#include "predict/scratch.h"

namespace fastmlp {
namespace {

/** Gathers rows into memory in which anything may lie. */
template <class T>
void gather_clean(const NetworkInputs<T>& inputs, Index first, Matrix<T> rows) {
  for (Index i = 0; i < rows.rows; ++i) std::fill(rows.row(i) + rows.cols, rows.row(i) + padded<T>(rows.cols), T(0));
  gather<T>(*inputs.table, *inputs.standardisation, nullptr, first, rows);
}

/** The same object for all that read columns as they are: predictors of a mean share theirs. */
const std::shared_ptr<const Standardisation>& as_they_are() {
  static const auto none = std::make_shared<const Standardisation>();
  return none;
}

}  // namespace

template <class T>
Predictor<T>::Snapshot::Snapshot(const Network<T>& network, const std::vector<std::optional<SmallMatrix>>& in_few_bytes)
    : layers(network.shared_stack()) {
  const Index n = stack().n_layers();
  if (!in_few_bytes.empty() && static_cast<Index>(in_few_bytes.size()) != n)
    invalid("small", "must have an entry for each layer");
  small.reserve(in_few_bytes.size());  // layers point to them
  std::vector<Index> skipped, starts = {0}, copies = {0};
  for (Index i = 0; i < n; ++i) {
    const Layer<T>& layer = stack().layer(i);
    const Block main = layer.main_weights();
    const SmallWeights* own = nullptr;
    if (main.rows > 0 && !in_few_bytes.empty())
      if (const auto& given = in_few_bytes[static_cast<std::size_t>(i)]) {
        if (given->rows != main.rows || given->cols != main.cols)
          invalid("small", "must have the shapes of the layers' weights");
        own = &small.emplace_back(*given);
      }
    skipped.push_back(own ? main.rows * main.stride : 0);
    starts.push_back(starts.back() + layer.n_parameters() - skipped.back());
    copies.push_back(copies.back() + (own ? 0 : layer.forward_copy_size(Use::prediction)));
    weights.push_back({nullptr, nullptr, nullptr, own});
  }
  values = Buffer<T>(starts.back());
  forward_copy = Buffer<T>(copies.back());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    T* const own = values.data() + starts[i];
    T* const copy = copies[i + 1] > copies[i] ? forward_copy.data() + copies[i] : nullptr;
    const Index first = stack().first_parameter(static_cast<Index>(i)) + skipped[i];
    std::copy_n(network.values().data() + first, starts[i + 1] - starts[i], own);
    weights[i].values = own;
    weights[i].forward_copy = copy;
    if (!copy) continue;
    for (const Task& task : stack().tasks())
      if (task.layer == static_cast<Index>(i)) stack().layer(task.layer).prepare(task, own, copy, nullptr);
  }
}

template <class T>
Index Predictor<T>::Snapshot::n_bytes() const {
  Index bytes = (values.size() + forward_copy.size()) * static_cast<Index>(sizeof(T));
  for (const SmallWeights& own : small) bytes += own.n_bytes();
  return bytes;
}

template <class T>
Predictor<T>::Predictor(const Network<T>& network, std::shared_ptr<const Standardisation> inputs, Link link,
                        const std::vector<std::optional<SmallMatrix>>& small)
    : Predictor(std::vector{std::make_shared<const Snapshot>(network, small)}, {T(1)}, std::move(inputs),
                std::move(link)) {}

template <class T>
Predictor<T>::Predictor(std::vector<std::shared_ptr<const Snapshot>> networks, std::vector<T> weights,
                        std::shared_ptr<const Standardisation> inputs, Link link)
    : networks_(std::move(networks)),
      weights_(std::move(weights)),
      inputs_(inputs ? std::move(inputs) : as_they_are()),
      link_(std::move(link)) {
  if (!link_.fits(stack().outputs()))
    invalid("link", "must fit networks of " + std::to_string(stack().outputs()) + " outputs");
  if (!inputs_->fits(stack().inputs()))
    invalid("inputs", "must be made for tables of " + std::to_string(stack().inputs()) + " columns");
  for (const auto& network : networks_) {
    work_per_row_ += network->stack().work_per_row();
    widest_ = std::max(widest_, network->stack().workspace_layout(false).size());
  }
}

template <class T>
Predictor<T> Predictor<T>::mean_of(const std::vector<const Predictor*>& predictors, const std::vector<T>& weights) {
  if (predictors.empty()) invalid("predictors", "must hold at least one");
  if (predictors.size() != weights.size()) invalid("weights", "must hold a number for each predictor");
  const Predictor& first = *predictors.front();
  std::vector<std::shared_ptr<const Snapshot>> networks;
  for (const Predictor* own : predictors) {
    const bool alike = own->inputs_ == first.inputs_ && own->link_ == first.link_ &&
                       own->stack().inputs() == first.stack().inputs() && own->outputs() == first.outputs() &&
                       own->stack().takes_sparse() == first.stack().takes_sparse();
    if (!alike || own->n_networks() != 1)
      invalid("predictors", "must be of one network each, and share their inputs, link and outputs");
    networks.push_back(own->networks_.front());
  }
  return Predictor(std::move(networks), weights, first.inputs_, first.link_);
}

template <class T>
Index Predictor<T>::n_bytes() const {
  Index bytes = 0;
  for (const auto& network : networks_) bytes += network->n_bytes();
  return bytes;
}

template <class T>
void Predictor<T>::predict(const Table& table, T* out, int max_threads, const Interruption& interruption,
                           const T* offset) const {
  predict(NetworkInputs<T>{&table, inputs_.get(), nullptr}, table.rows, out, max_threads, interruption, offset);
}

template <class T>
void Predictor<T>::predict(const SparseTable<T>& table, T* out, int max_threads, const Interruption& interruption,
                           const T* offset) const {
  predict(NetworkInputs<T>{nullptr, nullptr, &table}, table.rows, out, max_threads, interruption, offset);
}

template <class T>
void Predictor<T>::predict(const NetworkInputs<T>& inputs, Index n_rows, T* out, int max_threads,
                           const Interruption& interruption, const T* offset) const {
  const bool single = n_networks() == 1;
  const Index of_networks = single ? 0 : n_networks() * outputs();
  const Index per_row = checked_sum(widest_, of_networks, "the workspace");
  const Index block_rows = rows_of_block(n_rows, per_row * static_cast<Index>(sizeof(T)), work_per_row());
  for_each_block(n_rows, block_rows, work_per_row(), max_threads, interruption, [&] {
    return [&, scratch = Scratch<T>(checked_product(block_rows, per_row, "the workspace"))](Index row, Index rows) {
      const Index n = rows * outputs();
      T* const outputs_of_all = scratch.data() + block_rows * widest_;
      T* const mean = out + row * outputs();
      T* to = single ? mean : outputs_of_all;
      for (const auto& network : networks_) {
        // All workspaces are in the same memory. Their inputs come first, so they are in the same place.
        Workspace<T> workspace(network->stack(), block_rows, scratch.data());
        if (inputs.table && network == networks_.front()) gather_clean(inputs, row, workspace.input().slice(0, rows));
        network->stack().forward(network->weights, workspace, 0, rows, Pass{}, {inputs.sparse, nullptr, row, rows});
        const Matrix<T> raw = workspace.output().slice(0, rows);
        if (offset) add_offset<T>(offset + row * stack().outputs(), nullptr, raw);
        apply_link(link_, inputs_->keeps_order(), raw, to);
        to += n;
      }
      if (single) return;
      weighted_mean(outputs_of_all, n, weights_, mean);
      if (link_.kind == Link::gaussian) add_variance_of_means(outputs_of_all, rows, outputs() / 2, weights_, mean);
    };
  });
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace fastmlp
