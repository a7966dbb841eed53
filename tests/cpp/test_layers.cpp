// What layers are asked for alone, and what the stack does for them.
#include <cstddef>
#include <limits>

#include "check.h"
#include "data.h"
#include "matrices.h"

namespace fastmlp {
namespace {

using testing::Owned;

/** A layer between others need not know what lies below it: the stack multiplies by that activation's derivative. */
template <class T>
void check_backward_of_its_own() {
  constexpr Index kRows = 3, kWidth = 5;
  Owned<T> delta(kRows, kWidth), values(kRows, kWidth), d_in(kRows, kWidth), scale(1, kWidth);
  delta.randomise(1, 0);
  values.randomise(2, 0);
  scale.randomise(3, 0);
  const Activated<T> tanh_below{Activation::tanh, false, values.m, {}};
  const Pass pass{.training = true};
  const Scale<T> scaling({kWidth});
  Fused fused = scaling.backward({scale.m.data, nullptr, nullptr}, delta.m, tanh_below, d_in.m, pass, nullptr, false);
  CHECK(!fused.derivative && !fused.gradient);
  for (Index i = 0; i < kRows; ++i)
    for (Index j = 0; j < kWidth; ++j) CHECK(d_in.m.row(i)[j] == delta.m.row(i)[j] * scale.m.row(0)[j]);
  fused = Dropout<T>({0}, kWidth, 1).backward({}, delta.m, tanh_below, d_in.m, pass, nullptr, false);
  CHECK(!fused.derivative && !fused.gradient);
  for (Index i = 0; i < kRows; ++i)
    for (Index j = 0; j < kWidth; ++j) CHECK(d_in.m.row(i)[j] == delta.m.row(i)[j]);
}

TEST(layers_leave_the_derivative_below_to_the_stack) {
  check_backward_of_its_own<float>();
  check_backward_of_its_own<double>();
}

/** Every matrix is filled with a number of its own: where two lay over each other one would lose it. */
template <class T>
void check_workspace(const std::vector<LayerSpec>& specs, bool training) {
  constexpr Index kRows = 7;
  const Stack<T> stack(specs);
  const Workspace<T> workspace(stack, kRows, training);
  std::vector<Matrix<T>> all{workspace.input()};
  Index elements = all[0].stride;
  for (Index i = 0; i < stack.n_layers(); ++i) {
    CHECK(workspace.output(i).cols == stack.layer(i).outputs());
    // In prediction layers take turns.
    if (!training && i < stack.n_layers() - 2) continue;
    for (const Matrix<T>& m : {workspace.output(i), workspace.saved(i), workspace.delta(i)})
      if (m.data) {
        all.push_back(m);
        elements += m.stride;
      }
  }
  CHECK(Workspace<T>::bytes_per_row(stack, training) == elements * static_cast<Index>(sizeof(T)));
  for (std::size_t k = 0; k < all.size(); ++k)
    std::fill_n(all[k].data, all[k].rows * all[k].stride, static_cast<T>(k + 1));
  for (std::size_t k = 0; k < all.size(); ++k)
    for (Index i = 0; i < all[k].rows; ++i)
      for (Index j = 0; j < all[k].stride; ++j) CHECK(all[k].row(i)[j] == static_cast<T>(k + 1));
}

TEST(matrices_of_a_workspace_do_not_overlap) {
  for (const bool training : {false, true}) {
    check_workspace<float>(testing::mlp({5, 17, 9, 2}, "gelu"), training);
    check_workspace<double>(testing::tabular(3, 1, {{40, 3}}, {33, 70}, 2, "mish"), training);
  }
  check_workspace<double>(testing::mlp({5, 1024, 9, 2}, "silu", 0.5), true);
}

TEST(sizes_at_the_end_of_the_integers_are_errors) {
  constexpr Index kLargest = std::numeric_limits<Index>::max();
  CHECK(ceil_div(0, kLargest) == 0 && ceil_div(5, kLargest) == 1 && ceil_div(kLargest, 2) == kLargest / 2 + 1);
  CHECK_THROWS(Scale<float>({kLargest}), "Scale.width");
  CHECK_THROWS(Dense<float>({kLargest, 1}), "Dense");
  CHECK_THROWS(Dense<float>({1, kLargest}), "Dense");
  CHECK_THROWS(Embedding<float>({.n_numbers = kLargest}), "Embedding");
  CHECK_THROWS(Buffer<std::byte>(kLargest), "buffer");
  CHECK_THROWS(Buffer<double>(kLargest / 8), "buffer");
}

}  // namespace
}  // namespace fastmlp
