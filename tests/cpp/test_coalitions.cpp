// Outputs for coalitions of columns: those of rows that are mixed of two.
#include <algorithm>
#include <cmath>
#include <vector>

#include "check.h"
#include "data.h"
#include "explain/coalitions.h"

namespace fastmlp {
namespace {

using testing::Data;
using testing::mlp;
using testing::same_bits;

constexpr Index kColumns = 5, kUnits = 19, kExplained = 3, kBackground = 9, kCount = 61, kOutputs = 2;

template <class T>
using Numbers = std::vector<T>;

template <class T>
Numbers<T> predict(const Predictor<T>& predictor, const Numbers<T>& x, Index cols) {
  const Index rows = static_cast<Index>(x.size()) / cols;
  Numbers<T> out(static_cast<std::size_t>(rows * predictor.outputs()));
  predictor.predict(testing::table_of(x.data(), rows, cols), out.data(), 1);
  return out;
}

/** A network in two parts, the rows of two tables and what their columns give to the sums between the parts. */
template <class T>
struct Parts {
  Predictor<T> first{Network<T>(mlp({kColumns, kUnits}, "relu"), 1), {}, Link::identity};
  Predictor<T> rest{Network<T>(mlp({kUnits, 33, kOutputs}, "tanh"), 2), {}, Link::logistic};
  Numbers<T> rows = Data<T>(kExplained, kColumns, 1, LossKind::squared_error, 3).x;
  Numbers<T> background = Data<T>(kBackground, kColumns, 1, LossKind::squared_error, 4).x;
  std::vector<std::uint8_t> members;

  Parts() {
    RandomSequence random(5);
    for (Index i = 0; i < kBackground * kCount * kColumns; ++i) members.push_back(random.uniform() < 0.5 ? 0 : 7);
  }

  /** Changes of the sums of a row of zeros if a column is that of a row: rows x columns x units. */
  Numbers<T> column_sums(const Numbers<T>& table) const {
    const Numbers<T> none = predict(first, Numbers<T>(kColumns), kColumns);
    Numbers<T> sums;
    for (std::size_t cell = 0; cell < table.size(); ++cell) {
      Numbers<T> row(kColumns);
      row[cell % kColumns] = table[cell];
      const Numbers<T> own = predict(first, row, kColumns);
      for (std::size_t k = 0; k < kUnits; ++k) sums.push_back(own[k] - none[k]);
    }
    return sums;
  }

  /** Of all coalitions, by way of CoalitionNetwork. */
  Numbers<T> outputs(Activation activation, const Numbers<T>& slopes, int n_threads) const {
    const Numbers<T> own = column_sums(rows), others = column_sums(background),
                     whole = predict(first, background, kColumns);
    Numbers<T> out(kExplained * kBackground * kCount * kOutputs);
    CoalitionNetwork<T>(activation, slopes, rest)
        .predict({own.data(), kExplained, kColumns, kUnits}, {others.data(), kBackground, kColumns, kUnits},
                 whole.data(), {members.data(), kBackground, kCount, kColumns}, out.data(), n_threads);
    return out;
  }

  /** Of one, row by row. */
  Numbers<T> expected(Activation activation, const Numbers<T>& slopes, Index row, Index other, Index i) const {
    const std::uint8_t* const inside = members.data() + (other * kCount + i) * kColumns;
    Numbers<T> mixed;
    for (Index j = 0; j < kColumns; ++j)
      mixed.push_back(inside[j] ? rows[static_cast<std::size_t>(row * kColumns + j)]
                                : background[static_cast<std::size_t>(other * kColumns + j)]);
    const Numbers<T> sums = predict(first, mixed, kColumns);
    Buffer<T> units(padded<T>(kUnits)), all_slopes(padded<T>(kUnits));
    std::copy(sums.begin(), sums.end(), units.data());
    std::copy(slopes.begin(), slopes.end(), all_slopes.data());
    const Matrix<T> block{units.data(), 1, kUnits, padded<T>(kUnits)};
    if (slopes.empty())
      activate<T>(activation, block, {});
    else
      activate_parametric<T>(activation, all_slopes.data(), block, {});
    return predict(rest, Numbers<T>(units.data(), units.data() + kUnits), kUnits);
  }
};

template <class T>
void check_coalitions(Activation activation, const Numbers<T>& slopes, double tolerance) {
  const Parts<T> parts;
  const Numbers<T> out = parts.outputs(activation, slopes, 1);
  const T* found = out.data();
  for (Index row = 0; row < kExplained; ++row)
    for (Index other = 0; other < kBackground; ++other)
      for (Index i = 0; i < kCount; ++i, found += kOutputs) {
        const Numbers<T> expected = parts.expected(activation, slopes, row, other, i);
        for (std::size_t k = 0; k < kOutputs; ++k) CHECK_NEAR(found[k], expected[k], tolerance);
      }
  for (const int n_threads : testing::team_sizes()) {
    const Numbers<T> same = parts.outputs(activation, slopes, n_threads);
    CHECK(same_bits(same.data(), out.data(), static_cast<Index>(out.size())));
  }
}

TEST(coalitions_equal_mixed_rows) {
  check_coalitions<float>(Activation::silu, {}, 1e-5);
  check_coalitions<double>(Activation::relu, {}, 1e-13);
  check_coalitions<double>(Activation::mish, Data<double>(kUnits, 1, 1).x, 1e-13);
}

TEST(slopes_must_be_as_many_as_units) {
  const Parts<double> parts;
  CHECK_THROWS(CoalitionNetwork<double>(Activation::silu, Numbers<double>(kUnits - 1), parts.rest),
               "slopes must hold a number for each of the 19 units");
}

TEST(coalitions_are_of_dense_rows) {
  const Predictor<float> sparse(Network<float>({DenseSpec{.inputs = 3, .outputs = 1, .sparse = true}}, 1), {},
                                Link::identity);
  CHECK_THROWS(CoalitionNetwork<float>(Activation::relu, {}, sparse), "rest");
}

}  // namespace
}  // namespace fastmlp
