// The outputs of a network for rows whose columns come from two rows: a coalition of columns from one that is
// explained, the others from one of the background.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/activation.h"
#include "predict/predictor.h"

namespace fastmlp {

/** What each column of some rows gives to the sums of a network's first hidden units, before their activation:
 * rows x columns x units, without padding. Layers below the first dense layer treat each column separately, so that the
 * sums of a row are those of another plus the differences of the columns in which the two rows differ. */
template <class T>
struct ColumnSums {
  const T* data = nullptr;
  Index rows = 0, columns = 0, units = 0;

  const T* of(Index row, Index column) const { return data + (row * columns + column) * units; }
};

/** Coalitions for each row of the background: background rows x coalitions x columns, not 0 where the column comes from
 * the row that is explained. Quick where each differs little from the one before. */
struct Coalitions {
  const std::uint8_t* data = nullptr;
  Index background = 0, count = 0, columns = 0;

  const std::uint8_t* of(Index row, Index i) const { return data + (row * count + i) * columns; }
};

/** A network from its first hidden units on. */
template <class T>
class CoalitionNetwork {
 public:
  /** `slopes`: one for each unit where the activation is parametric, else none. `rest` reads the activated units. */
  CoalitionNetwork(Activation activation, const std::vector<T>& slopes, Predictor<T> rest);

  Index units() const { return rest_.stack().inputs(); }
  Index outputs() const { return rest_.outputs(); }
  /** Multiply-adds of one coalition. */
  Index work_per_coalition() const { return rest_.work_per_row() + units(); }

  /** out (rows x background rows x coalitions x outputs) <- the outputs. `whole` (background rows x units) are the sums
   * of the background's rows. Nothing depends on the rows around a row, nor on the number of threads. */
  void predict(const ColumnSums<T>& rows, const ColumnSums<T>& background, const T* whole, const Coalitions& coalitions,
               T* out, int max_threads, const Interruption& interruption = {}) const;

 private:
  Activation activation_;
  Buffer<T> slopes_;  // padded; empty where the activation is not parametric
  Predictor<T> rest_;
};

}  // namespace fastmlp
