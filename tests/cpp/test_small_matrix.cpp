// Weights in fewer bytes: what their numbers stand for, and products with them, which are those of floats.
#include "kernels/small_matrix.h"

#include <cmath>
#include <limits>
#include <vector>

#include "check.h"
#include "core/denormals.h"
#include "data.h"
#include "kernels/matrix_unit.h"
#include "kernels/product.h"
#include "matrices.h"
#include "predict/predictor.h"

namespace fastmlp {
namespace {

using testing::kNan;
using testing::Owned;
using testing::same_bits;

constexpr SmallType kTypes[] = {SmallType::float16, SmallType::bfloat16, SmallType::int8};

/** What the bits of a number of the type are worth, by its definition. */
double worth(SmallType type, int bits) {
  if (type == SmallType::int8) return static_cast<std::int8_t>(bits);
  const int fraction_bits = type == SmallType::float16 ? 10 : 7, bias = type == SmallType::float16 ? 15 : 127;
  const int fraction = bits & ((1 << fraction_bits) - 1), exponent = (bits & 0x7fff) >> fraction_bits;
  const int units = exponent > 0 ? fraction + (1 << fraction_bits) : fraction;
  const double size = std::ldexp(units, std::max(exponent, 1) - bias - fraction_bits);
  return bits & 0x8000 ? -size : size;
}

/** A matrix of random numbers, of all of them where it is large enough. */
struct Small {
  std::vector<std::byte> bytes;
  std::vector<float> scale;
  SmallMatrix m;

  Small(SmallType type, Index rows, Index cols) {
    RandomSequence random(5);
    for (Index i = 0; i < rows * cols; ++i) {
      auto bits = static_cast<unsigned>(i < 0x10000 && rows * cols >= 0x10000 ? i : random.below(0x10000));
      // Neither infinite nor none, nor so large that sums overflow; a float that is denormal counts as zero.
      if (type == SmallType::float16 && (bits & 0x7c00) == 0x7c00) bits &= 0xbfff;
      if (type == SmallType::bfloat16 && ((bits & 0x7f80) == 0 || (bits & 0x7f80) > 0x5000)) bits = bits % 2 << 15;
      bytes.push_back(static_cast<std::byte>(bits & 0xff));
      if (type != SmallType::int8) bytes.push_back(static_cast<std::byte>(bits >> 8));
    }
    if (type == SmallType::int8)
      for (Index j = 0; j < cols; ++j) scale.push_back(static_cast<float>(random.uniform()) / 127);
    m = {type, bytes.data(), scale.empty() ? nullptr : scale.data(), rows, cols, cols};
  }

  template <class T>
  T at(Index i, Index j) const {
    const auto k = static_cast<std::size_t>(i * m.cols + j);
    if (m.type == SmallType::int8)
      return static_cast<float>(worth(m.type, static_cast<int>(bytes[k]))) * scale[static_cast<std::size_t>(j)];
    return static_cast<T>(worth(m.type, static_cast<int>(bytes[2 * k]) | static_cast<int>(bytes[2 * k + 1]) << 8));
  }
  template <class T>
  Owned<T> widened() const {
    Owned<T> all(m.rows, m.cols);
    for (Index i = 0; i < m.rows; ++i)
      for (Index j = 0; j < m.cols; ++j) all.m.row(i)[j] = at<T>(i, j);
    return all;
  }
};

template <class T>
void check_widened() {
  const DenormalMode flush(true);
  for (const SmallType type : kTypes) {
    const Small small(type, 0x10000 / 100 + 1, 100);
    const SmallWeights weights(small.m);
    Owned<T> c(small.m.rows, small.m.cols);
    widen<T>(weights, 0, 0, c.fill(kNan<T>).m);
    const DenormalMode keep(false);
    testing::check_result("widened", c, small.widened<T>(), 0);
  }
}

TEST(small_numbers_become_the_floats_that_they_stand_for) {
  check_widened<float>();
  check_widened<double>();
}

template <class T>
void check_products() {
  for (const SmallType type : kTypes)
    for (const Index depth : {1, 5, 130, 300})
      for (const Index cols : {1, 5, 16, 17, 100, 150}) {
        const Small small(type, depth, cols);
        const SmallWeights weights(small.m);
        const Owned<T> w = small.widened<T>();
        Buffer<T> packed(packed_size<T>(depth, cols)), bias(padded<T>(cols));
        pack<T>(w.m, 0, depth, 0, cols, packed.data());
        testing::fill_uniform(bias.data(), cols, 3);
        for (const Index rows : {1, 2, 13, 150})
          for (const bool relu : {false, true}) {
            Owned<T> a(rows, depth), expected(rows, cols), c(rows, cols);
            a.randomise(depth + rows, kNan<T>, false);
            product_bias<T>(a.m, Panels<T>::packed(packed.data(), depth), bias.data(), relu, expected.m);
            product_bias<T>(a.m, SmallMatrix(weights), bias.data(), relu, c.fill(kNan<T>).m);
            testing::check_result("small", c, expected, depth);
          }
      }
}

TEST(products_with_small_weights_are_those_with_floats) {
  const DenormalMode flush(true);
  check_products<float>();
  check_products<double>();
}

TEST(the_matrix_unit_multiplies_small_weights_as_floats) {
  matrix_unit::use(true);
  const bool has_unit = matrix_unit::in_use<float>();
  matrix_unit::use(false);
  if (!has_unit) return;
  const DenormalMode flush(true);
  for (const SmallType type : kTypes) {
    const Small small(type, 700, 290);
    const SmallWeights weights(small.m);
    const SmallMatrix view = weights;
    const Owned<float> w = small.widened<float>();
    Buffer<float> bias(padded<float>(290));
    testing::fill_uniform(bias.data(), 290, 3);
    Owned<float> a(40, 700), expected(40, 290), c(40, 290);
    a.randomise(1, 0, false);
    matrix_unit::product({a.m}, {w.m}, {.bias = bias.data()}, expected.m);
    matrix_unit::product({a.m}, {.small = &view}, {.bias = bias.data()}, c.fill(kNan<float>).m);
    testing::check_result("small, unit", c, expected, 700);
  }
}

/** A network's predictions with its weights in fewer bytes are those with the floats that they stand for. */
template <class T>
void check_predictor(const std::vector<LayerSpec>& specs) {
  constexpr Index kRows = 150;
  const testing::Data<T> data(kRows, testing::inputs_of(specs), 1);
  for (const SmallType type : kTypes) {
    Network<T> network(specs, 2);
    const Stack<T>& stack = network.stack();
    std::vector<Small> small;
    small.reserve(specs.size());
    std::vector<std::optional<SmallMatrix>> given;
    Index held = 0;
    for (Index i = 0; i < stack.n_layers(); ++i) {
      const Block main = stack.layer(i).main_weights();
      given.emplace_back();
      if (main.rows == 0) continue;
      given.back() = small.emplace_back(type, main.rows, main.cols).m;
      const Matrix<T> own = main.in(network.values().data() + stack.first_parameter(i));
      for (Index k = 0; k < main.rows; ++k)
        for (Index j = 0; j < main.cols; ++j) own.row(k)[j] = small.back().template at<T>(k, j);
      held += main.rows * main.cols;
    }
    const Predictor<T> floats(network, {}, Link::identity), bytes(network, {}, Link::identity, given);
    std::vector<T> expected(static_cast<std::size_t>(kRows * floats.outputs())), out = expected;
    floats.predict(data.table(), expected.data(), 1);
    bytes.predict(data.table(), out.data(), 2);
    CHECK(same_bits(out, expected));
    CHECK(bytes.n_bytes() < floats.n_bytes() - held * (2 * static_cast<Index>(sizeof(T)) - bytes_of(type)) / 2);
    CHECK(floats.holds_all_values() && !bytes.holds_all_values());
  }
}

TEST(a_predictor_with_small_weights_predicts_what_their_floats_do) {
  check_predictor<float>(testing::mlp({20, 70, 33, 5}, "relu"));
  check_predictor<float>(testing::mlp({20, 70, 1}, "silu", 0.5));
  check_predictor<double>(testing::mlp({20, 70, 33, 5}, "tanh"));
  check_predictor<float>(
      {DenseSpec{9, 40, Activation::relu, true}, ScaleSpec{40}, DenseSpec{40, 20, Activation::mish, true}});
}

TEST(small_weights_of_other_shapes_are_an_error) {
  const Network<float> network(testing::mlp({3, 8, 5}, "relu"), 2);
  const Small small(SmallType::int8, 3, 7);
  CHECK_THROWS(Predictor<float>(network, {}, Link::identity, {small.m, std::nullopt}), "shapes");
  CHECK_THROWS(Predictor<float>(network, {}, Link::identity, {small.m}), "each layer");
}

}  // namespace
}  // namespace fastmlp
