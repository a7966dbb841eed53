#include "predict/predictor.h"

#include "kernels/softmax.h"
#include "nn/offset.h"

namespace fastmlp {
namespace {

/** Writes predictions, without padding, from raw outputs; softmax overwrites these. */
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
void Predictor<T>::predict(const Table& table, T* out, int max_threads, const Interruption& interruption,
                           const T* offset) const {
  predict(NetworkInputs<T>{&table, &inputs_, nullptr}, table.rows, out, max_threads, interruption, offset);
}

template <class T>
void Predictor<T>::predict(const SparseTable<T>& table, T* out, int max_threads, const Interruption& interruption,
                           const T* offset) const {
  predict(NetworkInputs<T>{nullptr, nullptr, &table}, table.rows, out, max_threads, interruption, offset);
}

template <class T>
void Predictor<T>::predict(const NetworkInputs<T>& inputs, Index n_rows, T* out, int max_threads,
                           const Interruption& interruption, const T* offset) const {
  compute_outputs<T>(*stack_, {values_.data(), forward_copy_.data(), nullptr, Use::prediction}, inputs, n_rows, Pass{},
                     max_threads, interruption, [this, out, offset](Index row, Matrix<T> raw) {
                       const Index first = row * outputs();
                       if (offset) add_offset<T>(offset + first, nullptr, raw);
                       apply_link(link_, raw, out + first);
                     });
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace fastmlp
