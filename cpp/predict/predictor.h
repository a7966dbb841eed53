// The immutable predictor: a snapshot of a network, or the weighted mean of several that read the same rows. Any number
// of threads may use it at once.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "nn/link.h"
#include "nn/network.h"
#include "predict/outputs.h"

namespace fastmlp {

template <class T>
class Predictor {
 public:
  /** `inputs` must fit the network and may be shared by predictors; null: columns are read as they are. `small`: none,
   * or for each layer its weights in fewer bytes, which it then holds so where it has main_weights(). */
  Predictor(const Network<T>& network, std::shared_ptr<const Standardisation> inputs, Link link,
            const std::vector<std::optional<SmallMatrix>>& small = {});

  /** The mean of predictors that share their inputs and have the same link and outputs; their networks are shared. A
   * row is read once for them all. */
  static Predictor mean_of(const std::vector<const Predictor*>& predictors, const std::vector<T>& weights);

  /** Of the first network, and of the only one where there are no others. */
  const Stack<T>& stack() const { return networks_.front()->stack(); }
  /** Its parameters, without those weights that are held in fewer bytes. */
  const Buffer<T>& values() const { return networks_.front()->values; }
  bool holds_all_values() const { return networks_.front()->small.empty(); }
  Index outputs() const { return link_.predictions(stack().outputs()); }
  Index n_networks() const { return static_cast<Index>(networks_.size()); }
  /** Multiply-adds of one row. */
  Index work_per_row() const { return work_per_row_; }
  /** Memory of all networks' parameters and their copies. */
  Index n_bytes() const;

  /** out (table.rows x outputs, row-major without padding) <- predictions. `offset` (rows x the stack's outputs) is
   * added to the raw outputs of each network; null: nothing is. A row's prediction does not depend on the rows around
   * it. */
  void predict(const Table& table, T* out, int max_threads, const Interruption& interruption = {},
               const T* offset = nullptr) const;
  /** The same for networks that take sparse rows. */
  void predict(const SparseTable<T>& table, T* out, int max_threads, const Interruption& interruption = {},
               const T* offset = nullptr) const;

 private:
  /** The parameters of a network at one time, prepared for prediction. */
  struct Snapshot {
    Snapshot(const Network<T>& network, const std::vector<std::optional<SmallMatrix>>& small);
    const Stack<T>& stack() const { return *layers; }
    Index n_bytes() const;

    std::shared_ptr<const Stack<T>> layers;
    Buffer<T> values, forward_copy;
    std::vector<SmallWeights> small;
    std::vector<LayerWeights<T>> weights;  // of each layer, in these
  };

  Predictor(std::vector<std::shared_ptr<const Snapshot>> networks, std::vector<T> weights,
            std::shared_ptr<const Standardisation> inputs, Link link);

  void predict(const NetworkInputs<T>& inputs, Index n_rows, T* out, int max_threads, const Interruption& interruption,
               const T* offset) const;

  std::vector<std::shared_ptr<const Snapshot>> networks_;
  std::vector<T> weights_;
  std::shared_ptr<const Standardisation> inputs_;  // not null
  Link link_;
  Index work_per_row_ = 0, widest_ = 0;  // elements of the largest workspace's rows
};

}  // namespace fastmlp
