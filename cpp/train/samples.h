// What networks are trained on: tables with true values, and the rows of them to use.
#pragma once

#include <functional>
#include <numeric>
#include <optional>
#include <vector>

#include "kernels/gather.h"
#include "kernels/sparse_product.h"
#include "nn/loss.h"

namespace fastmlp {

/** A table, dense or sparse, with its true values, weights (null: all one) and offsets (null: none), which are
 * added to the raw outputs. */
template <class T>
struct Samples {
  Table x;
  Targets<T> y;
  const T* weights = nullptr;
  const T* offset = nullptr;  // rows x outputs
  SparseTable<T> sparse;      // instead of x, for a network that reads sparse rows

  void use(const Table& table) { x = table; }
  void use(const SparseTable<T>& table) { sparse = table; }
  Index table_rows() const { return sparse.starts ? sparse.rows : x.rows; }

  /** What these rows count together. */
  double weight_of(const std::uint32_t* rows, Index count) const { return fastmlp::weight_of(y, weights, rows, count); }
};

/** Samples, and the rows of them to use. */
template <class T>
struct Dataset : Samples<T> {
  std::vector<std::uint32_t> rows;

  void use_all_rows() {
    rows.resize(static_cast<std::size_t>(this->table_rows()));
    std::iota(rows.begin(), rows.end(), 0u);
  }
  Index n_rows() const { return static_cast<Index>(rows.size()); }
};

/** A loss of the user's. For rows of these samples and their raw outputs (rows x outputs): the weighted mean of the
 * loss, and, where `derivative` has memory, its derivative by the outputs. Nothing ends training. */
template <class T>
using OwnLoss = std::function<std::optional<double>(const Samples<T>& samples, const std::uint32_t* rows,
                                                    Matrix<const double> outputs, Matrix<T> derivative)>;

}  // namespace fastmlp
