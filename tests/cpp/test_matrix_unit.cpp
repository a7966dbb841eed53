// Products on the matrix unit, where there is one: against naive loops, exactly for small integers, which bfloat16
// numbers hold; against long double for reals. Whatever may not be read is NaN.
#include "kernels/matrix_unit.h"

#include <bit>
#include <cstring>

#include "check.h"
#include "core/cpu.h"
#include "data.h"
#include "matrices.h"
#include "predict/predictor.h"

namespace fastmlp {
namespace {

using testing::check_result;
using testing::kNan;
using testing::naive;
using testing::Owned;
using testing::same_bits;

/** The unit in use while this lives. Where there is none, or the library is built without, a test has nothing to do. */
struct Unit {
  Unit() {
    matrix_unit::use(true);
    if (!*this) std::printf("  skipped: no matrix unit\n");
  }
  ~Unit() { matrix_unit::use(false); }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;
  explicit operator bool() const { return matrix_unit::in_use<float>(); }
};

TEST(the_unit_is_found) {
  matrix_unit::use(true);
  const bool built = !std::strcmp(built_for(), "x86-64-v4");
  CHECK(matrix_unit::in_use<float>() == (built && has_matrix_unit()));
  CHECK(!matrix_unit::in_use<double>());
  matrix_unit::use(false);
  CHECK(!matrix_unit::in_use<float>());
}

Owned<float> transpose(const Owned<float>& m) {
  Owned<float> t(m.m.cols, m.m.rows);
  t.fill(kNan<float>);
  for (Index i = 0; i < m.m.rows; ++i)
    for (Index j = 0; j < m.m.cols; ++j) t.m.row(j)[i] = m.m.row(i)[j];
  return t;
}

void check_products(Index rows, Index depth, Index cols) {
  const auto seed = static_cast<std::uint64_t>((rows * 1000 + depth) * 1000 + cols);
  Owned<float> a(rows, depth), b(depth, cols), c(rows, cols), gate(rows, cols);
  a.randomise(seed, kNan<float>);
  b.randomise(seed + 1, kNan<float>);
  gate.randomise(seed + 2, 0);
  const Owned<float> a_transposed = transpose(a), b_transposed = transpose(b);
  Buffer<float> bias(padded<float>(cols));
  for (Index j = 0; j < cols; ++j) bias[j] = static_cast<float>(j % 7 - 3);
  const Owned<float> plain = naive<float>(a, b, nullptr), biased = naive<float>(a, b, bias.data());
  Owned<float> twice(rows, cols), positive(rows, cols), gated(rows, cols);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      twice.m.row(i)[j] = 2 * plain.m.row(i)[j];
      positive.m.row(i)[j] = std::max(biased.m.row(i)[j], 0.0f);
      gated.m.row(i)[j] = gate.m.row(i)[j] > 0 ? plain.m.row(i)[j] : 0;
    }
  for (const bool left : {false, true})
    for (const bool right : {false, true}) {
      const matrix_unit::Factor<float> l{left ? a_transposed.m : a.m, left}, r{right ? b_transposed.m : b.m, right};
      matrix_unit::product(l, r, {}, c.fill(kNan<float>).m);
      check_result("product", c, plain, depth);
      matrix_unit::product(l, r, {.add = true}, c.m);
      check_result("product, added", c, twice, depth);
      matrix_unit::product(l, r, {.bias = bias.data()}, c.fill(kNan<float>).m);
      check_result("product with bias", c, biased, depth);
      matrix_unit::product(l, r, {.bias = bias.data(), .relu = true}, c.fill(kNan<float>).m);
      check_result("product with bias and relu", c, positive, depth);
      matrix_unit::product(l, r, {.gate = gate.m}, c.fill(kNan<float>).m);
      check_result("product, gated", c, gated, depth);
      if (right) continue;
      // Packed in parts, in any order.
      Buffer<float> packed(matrix_unit::packed_size<float>(depth, cols));
      for (Index column = (cols - 1) / 48 * 48; column >= 0; column -= 48)
        for (Index row = 0; row < depth; row += 64)
          matrix_unit::pack(b.m, row, std::min(depth, row + 64), column, std::min(cols, column + 48), packed.data());
      matrix_unit::product(l, {b.m, false, packed.data()}, {}, c.fill(kNan<float>).m);
      check_result("product, packed", c, plain, depth);
    }
}

TEST(products_on_the_unit_equal_naive_loops) {
  const Unit unit;
  if (!unit) return;
  const Index sizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 65, 100, 129, 255, 257};
  const std::size_t n = std::size(sizes);
  std::size_t next = 0;
  for (const Index rows : sizes)
    for (const Index cols : sizes) check_products(rows, sizes[next = (next + 7) % n], cols);
  for (const Index depth : sizes) check_products(37, depth, 50);
  // Several groups of rows and blocks of the depth.
  check_products(600, 40, 70);
  check_products(40, 600, 70);
  check_products(530, 520, 33);
}

/** Factors of many magnitudes: the result is as near the exact sum as six roundings of it may be, and nearer than a
 * chain of float multiply-adds where there are many terms. */
TEST(products_on_the_unit_are_as_exact_as_float) {
  const Unit unit;
  if (!unit) return;
  for (const Index depth : {1, 10, 100, 1000}) {
    Owned<float> a(40, depth), b(depth, 50), c(40, 50);
    a.randomise(1, 0, false);
    b.randomise(2, 0, false);
    RandomSequence random(3);
    for (Index i = 0; i < a.memory.size(); ++i) a.memory[i] *= std::exp2(static_cast<float>(random.below(40)) - 20);
    matrix_unit::product({a.m}, {b.m}, {}, c.m);
    double squares = 0, chain_squares = 0, worst = 0;
    for (Index i = 0; i < c.m.rows; ++i)
      for (Index j = 0; j < c.m.cols; ++j) {
        long double exact = 0, magnitude = 0;
        float chain = 0;
        for (Index k = 0; k < depth; ++k) {
          const long double term = static_cast<long double>(a.m.row(i)[k]) * b.m.row(k)[j];
          chain = std::fma(a.m.row(i)[k], b.m.row(k)[j], chain);
          exact += term;
          magnitude += std::abs(term);
        }
        const auto error = [&](float got) {
          return static_cast<double>((got - exact) / (magnitude * std::numeric_limits<float>::epsilon()));
        };
        squares += error(c.m.row(i)[j]) * error(c.m.row(i)[j]);
        chain_squares += error(chain) * error(chain);
        worst = std::max(worst, std::abs(error(c.m.row(i)[j])));
      }
    const double n = static_cast<double>(c.m.rows * c.m.cols);
    std::printf("  depth %4td: error %.3f epsilons of the terms' magnitude, of a chain %.3f; at most %.2f\n", depth,
                std::sqrt(squares / n), std::sqrt(chain_squares / n), worst);
    CHECK(std::sqrt(squares / n) <= 0.42);
    CHECK(depth < 100 || squares < 0.7 * chain_squares);
    CHECK(worst <= 3);
  }
}

/** Wherever rows and columns are cut (columns at whole lines), the bits stay. */
TEST(bits_on_the_unit_do_not_depend_on_the_cut) {
  const Unit unit;
  if (!unit) return;
  const Index rows = 301, depth = 290, cols = 100;
  Owned<float> a(rows, depth), b(depth, cols), whole(rows, cols), parts(rows, cols);
  a.randomise(4, 0, false);
  b.randomise(5, 0, false);
  matrix_unit::product({a.m}, {b.m}, {}, whole.m);
  for (const Index cut : {1, 7, 16, 31, 32, 100, 255, 256, 290}) {
    matrix_unit::product({a.m.slice(0, cut)}, {b.m}, {}, parts.fill(0).m.slice(0, cut));
    matrix_unit::product({a.m.slice(cut, rows - cut)}, {b.m}, {}, parts.m.slice(cut, rows - cut));
    CHECK(same_bits(whole.memory.data(), parts.memory.data(), whole.memory.size()));
  }
  for (const Index cut : {16, 32, 80}) {
    matrix_unit::product({a.m}, {b.m.columns(0, cut)}, {}, parts.fill(0).m.columns(0, cut));
    matrix_unit::product({a.m}, {b.m.columns(cut, cols - cut)}, {}, parts.m.columns(cut, cols - cut));
    CHECK(same_bits(whole.memory.data(), parts.memory.data(), whole.memory.size()));
  }
}

TEST(what_is_not_finite_becomes_no_number) {
  const Unit unit;
  if (!unit) return;
  Owned<float> a(2, 40), b(40, 20), c(2, 20);
  a.randomise(6, 0);
  b.randomise(7, 0);
  a.m.row(1)[39] = std::numeric_limits<float>::infinity();
  for (Index j = 0; j < 20; ++j) b.m.row(39)[j] = 1;
  for (const std::uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7fffffffu, 0xffffffffu, 0x7f800001u, 0xff80ffffu}) {
    a.m.row(0)[3] = std::bit_cast<float>(bits);
    b.m.row(3)[7] = 2;
    matrix_unit::product({a.m}, {b.m}, {.relu = true}, c.m);
    for (Index i = 0; i < 2; ++i)
      for (Index j = 0; j < 20; ++j) CHECK(std::isnan(c.m.row(i)[j]));
    a.m.row(0)[3] = 2;
    b.m.row(3)[7] = std::bit_cast<float>(bits);
    matrix_unit::product({a.m}, {b.m}, {}, c.m);
    for (Index j = 0; j < 20; ++j) CHECK(std::isnan(c.m.row(0)[j]) == (j == 7));
    for (Index j = 0; j < 20; ++j) b.m.row(3)[j] = 1;
  }
}

TEST(the_largest_and_the_least_numbers_come_through) {
  const Unit unit;
  if (!unit) return;
  Owned<float> a(2, 1), b(1, 1), c(2, 1);
  b.m.data[0] = 0.75f;
  a.m.row(0)[0] = std::numeric_limits<float>::max();
  a.m.row(1)[0] = -std::numeric_limits<float>::max();
  matrix_unit::product({a.m}, {b.m}, {}, c.m);
  for (Index i = 0; i < 2; ++i) CHECK_NEAR(c.m.row(i)[0] / a.m.row(i)[0], 0.75, 1e-6);
  a.m.row(0)[0] = 1.2345678e-15f;
  a.m.row(1)[0] = -9.8765432e-16f;
  b.m.data[0] = 1.3579246e-15f;
  matrix_unit::product({a.m}, {b.m}, {}, c.m);
  for (Index i = 0; i < 2; ++i) CHECK_NEAR(c.m.row(i)[0] / (double(a.m.row(i)[0]) * double(b.m.data[0])), 1, 1e-6);
}

/** The gradient over some rows, more than are taken at once. */
std::vector<float> gradient(bool on_unit, const char* activation) {
  matrix_unit::use(on_unit);
  Network<float> network(testing::mlp({300, 500, 280, 2}, activation, 0.1), 1);
  const testing::Data<float> data(601, 300, 2);
  const Standardisation none;
  Step<float> step(network, none, data.dataset(), {}, data.rows, 1);
  run_team(1, [&](Member& member) { step.run(member, {data.order.data(), data.rows}, 1, nullptr, {}); });
  return {network.gradients().data(), network.gradients().data() + network.gradients().size()};
}

TEST(gradients_on_the_unit_are_those_of_the_registers) {
  const Unit unit;
  if (!unit) return;
  for (const char* activation : {"relu", "tanh"}) {
    const std::vector<float> tiles = gradient(true, activation), registers = gradient(false, activation);
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < tiles.size(); ++i) {
      difference += std::pow(static_cast<double>(tiles[i]) - static_cast<double>(registers[i]), 2);
      size += std::pow(static_cast<double>(registers[i]), 2);
    }
    CHECK(difference > 0);  // or the unit was not asked
    CHECK(std::sqrt(difference / size) < 2e-6);
  }
}

/** A predictor's packed copy holds what training converts on the way. */
TEST(predictions_on_the_unit_equal_the_forward_pass) {
  const Unit unit;
  if (!unit) return;
  const Network<float> network(testing::mlp({300, 513, 40, 600, 257, 3}, "relu"), 1);
  const testing::Data<float> data(150, 300, 3);
  std::vector<float> predicted(450);
  const Predictor<float> predictor(network, {}, Link::identity);
  predictor.predict(data.table(), predicted.data(), 2);
  Workspace<float> workspace(network.stack(), 150, false);
  gather<float>(data.table(), Standardisation(), nullptr, 0, workspace.input());
  network.stack().forward(network.weights(), workspace, 0, 150, Pass{});
  for (Index i = 0; i < 150; ++i) CHECK(same_bits(workspace.output().row(i), predicted.data() + 3 * i, 3));
}

}  // namespace
}  // namespace fastmlp
