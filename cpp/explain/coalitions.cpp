#include "explain/coalitions.h"

#include <algorithm>
#include <span>
#include <type_traits>
#include <utility>

#include "kernels/sums.h"
#include "predict/row_blocks.h"

namespace fastmlp {

/** Which columns join or leave from one coalition to the next, counted from the empty one for each row of the
 * background. In no anonymous namespace, as predict()'s lambdas, which hold it, are in none. */
class CoalitionChanges {
 public:
  struct Change {
    Index column;
    bool joins;
  };

  explicit CoalitionChanges(const Coalitions& coalitions) : count_(coalitions.count) {
    std::vector<std::uint8_t> inside;
    for (Index row = 0; row < coalitions.background; ++row) {
      inside.assign(static_cast<std::size_t>(coalitions.columns), 0);
      for (Index i = 0; i < coalitions.count; ++i) {
        const std::uint8_t* const members = coalitions.of(row, i);
        for (Index j = 0; j < coalitions.columns; ++j) {
          const std::uint8_t joins = members[j] != 0;
          std::uint8_t& is_inside = inside[static_cast<std::size_t>(j)];
          if (joins != is_inside) changes_.push_back({j, joins != 0});
          is_inside = joins;
        }
        ends_.push_back(changes_.size());
      }
    }
  }

  /** Those of a coalition. */
  std::span<const Change> of(Index row, Index i) const {
    const auto k = static_cast<std::size_t>(row * count_ + i);
    const std::size_t first = k > 0 ? ends_[k - 1] : 0;
    return {changes_.data() + first, ends_[k] - first};
  }

 private:
  Index count_;
  std::vector<Change> changes_;
  std::vector<std::size_t> ends_;
};

namespace {

constexpr Index kBlockRows = 128;  // coalitions whose units are in memory at a time

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
  if (rest_.stack().takes_sparse()) invalid("rest", "must not take sparse rows");
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
  const CoalitionChanges changes(coalitions);
  const Index n = units(), stride = row_stride<T>(n), count = coalitions.count;
  const Index n_pairs = checked_product(rows.rows, coalitions.background, "the coalitions");
  const Index block_pairs = std::max<Index>(1, kBlockRows / std::max<Index>(count, 1));
  for_each_block(n_pairs, block_pairs, work_per_coalition() * count, max_threads, interruption, [&] {
    return [&, sums = Buffer<T>(n), memory = Buffer<T>(kBlockRows * stride)](Index first, Index pairs) mutable {
      Matrix<T> block{memory.data(), 0, n, stride};
      T* to = out + first * count * outputs();
      const auto finish = [&] {
        if (slopes_.size() > 0)
          activate_parametric<T>(activation_, slopes_.data(), block, {});
        else
          activate<T>(activation_, block, {});
        rest_.predict(table_of<T>(block), to, 1);
        to += block.rows * outputs();
        block.rows = 0;
      };
      for (Index pair = first; pair < first + pairs; ++pair) {
        const Index row = pair / coalitions.background, other = pair % coalitions.background;
        std::copy_n(whole + other * n, n, sums.data());
        for (Index i = 0; i < count; ++i) {
          for (const auto [column, joins] : changes.of(other, i)) {
            const T *own = rows.of(row, column), *others = background.of(other, column);
            add_difference(joins ? own : others, joins ? others : own, n, sums.data());
          }
          std::copy_n(sums.data(), n, block.row(block.rows++));
          if (block.rows == kBlockRows) finish();
        }
      }
      if (block.rows > 0) finish();
    };
  });
}

template class CoalitionNetwork<float>;
template class CoalitionNetwork<double>;

}  // namespace fastmlp
