// The immutable predictor: a snapshot of a network that any number of threads may use at once.
#pragma once

#include <memory>

#include "nn/link.h"
#include "nn/network.h"
#include "predict/outputs.h"

namespace fastmlp {

template <class T>
class Predictor {
 public:
  Predictor(const Network<T>& network, Standardisation inputs, Link link);

  const Stack<T>& stack() const { return *stack_; }
  Index outputs() const { return stack_->outputs(); }
  const Buffer<T>& values() const { return values_; }

  /** out (table.rows x outputs, row-major without padding) <- predictions. `offset` (like out) is added to the raw
   * outputs; null: nothing is. A row's prediction does not depend on the rows around it. */
  void predict(const Table& table, T* out, int max_threads, const Interruption& interruption = {},
               const T* offset = nullptr) const;
  /** The same for a network that takes sparse rows. */
  void predict(const SparseTable<T>& table, T* out, int max_threads, const Interruption& interruption = {},
               const T* offset = nullptr) const;

 private:
  void predict(const NetworkInputs<T>& inputs, Index n_rows, T* out, int max_threads, const Interruption& interruption,
               const T* offset) const;

  std::shared_ptr<const Stack<T>> stack_;
  Buffer<T> values_, forward_copy_;
  Standardisation inputs_;
  Link link_;
};

}  // namespace fastmlp
