#include "explain/coalitions.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "predict/row_blocks.h"

namespace fastmlp {
namespace {

constexpr Index kBlockRows = 128;  // coalitions whose units are in memory at a time

/** The sums of one pair of rows after the other, while their coalition changes column by column. */
template <class T>
class PairSums {
 public:
  PairSums(const ColumnSums<T>& rows, const ColumnSums<T>& background)
      : rows_(rows), background_(background), sums_(rows.units), inside_(static_cast<std::size_t>(rows.columns)) {}

  /** Begins with the empty coalition, whose sums are those of the background's row. */
  void start(Index row, Index other, const T* whole) {
    row_ = row;
    other_ = other;
    std::copy_n(whole, rows_.units, sums_.data());
    std::fill(inside_.begin(), inside_.end(), false);
  }

  /** The sums of a coalition. */
  const T* of(const std::uint8_t* members) {
    for (Index j = 0; j < rows_.columns; ++j) {
      const auto place = static_cast<std::size_t>(j);
      const bool joins = members[j] != 0;
      if (joins == inside_[place]) continue;
      const T *own = rows_.of(row_, j), *others = background_.of(other_, j);
      joins ? exchange(others, own) : exchange(own, others);
      inside_[place] = joins;
    }
    return sums_.data();
  }

 private:
  void exchange(const T* leaves, const T* joins) {
    for (Index k = 0; k < rows_.units; ++k) sums_[k] += joins[k] - leaves[k];
  }

  const ColumnSums<T>&rows_, &background_;
  Index row_ = 0, other_ = 0;
  Buffer<T> sums_;
  std::vector<bool> inside_;
};

/** A block of units as the table that the rest of the network reads. */
template <class T>
Table table_of(Matrix<const T> block) {
  constexpr Index kSize = sizeof(T);
  const Scalar type = std::is_same_v<T, float> ? Scalar::f32 : Scalar::f64;
  return {reinterpret_cast<const char*>(block.data), type, block.rows, block.cols, block.stride * kSize, kSize};
}

}  // namespace

template <class T>
CoalitionNetwork<T>::CoalitionNetwork(Activation activation, const std::vector<T>& slopes, Predictor<T> rest)
    : activation_(activation), rest_(std::move(rest)) {
  if (slopes.empty()) return;
  if (static_cast<Index>(slopes.size()) != units())
    invalid("slopes", "must hold a number for each of the " + std::to_string(units()) + " units");
  slopes_ = Buffer<T>(padded<T>(units()));
  std::copy(slopes.begin(), slopes.end(), slopes_.data());
}

template <class T>
void CoalitionNetwork<T>::predict(const ColumnSums<T>& rows, const ColumnSums<T>& background, const T* whole,
                                  const Coalitions& coalitions, T* out, int max_threads,
                                  const Interruption& interruption) const {
  const Index n = units(), stride = row_stride<T>(n), block_rows = std::min(kBlockRows, coalitions.count);
  const Index n_pairs = checked_product(rows.rows, coalitions.background, "the coalitions");
  for_each_block(n_pairs, 1, work_per_coalition() * coalitions.count, max_threads, interruption, [&] {
    return
        [&, sums = PairSums<T>(rows, background), memory = Buffer<T>(block_rows * stride)](Index pair, Index) mutable {
          const Index other = pair % coalitions.background;
          sums.start(pair / coalitions.background, other, whole + other * n);
          for (Index first = 0; first < coalitions.count; first += block_rows) {
            const Matrix<T> block{memory.data(), std::min(block_rows, coalitions.count - first), n, stride};
            for (Index i = 0; i < block.rows; ++i)
              std::copy_n(sums.of(coalitions.of(other, first + i)), n, block.row(i));
            if (slopes_.size() > 0)
              activate_parametric<T>(activation_, slopes_.data(), block, {});
            else
              activate<T>(activation_, block, {});
            rest_.predict(table_of<T>(block), out + (pair * coalitions.count + first) * outputs(), 1);
          }
        };
  });
}

template class CoalitionNetwork<float>;
template class CoalitionNetwork<double>;

}  // namespace fastmlp
