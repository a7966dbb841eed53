// Dropout's mask: the same as by the formula, one value at a time.
#include <limits>

#include "check.h"
#include "matrices.h"
#include "nn/dropout.h"

namespace fastmlp {
namespace {

template <class T>
void check_mask(Index width, double rate, double share) {
  constexpr Index kRows = 3, kPosition = 2;
  const Pass pass{.training = true, .seed = 5, .step = 9, .first_row = 64, .dropout_share = share};
  testing::Owned<T> in(kRows, width), out(kRows, width);
  in.randomise(1, testing::kNan<T>, false);
  // Both zeros and what is no number are kept or dropped like any other value.
  in.m.row(0)[0] = -T(0);
  in.m.row(1)[width - 1] = testing::kNan<T>;
  in.m.row(2)[width / 2] = std::numeric_limits<T>::infinity();
  Dropout<T>({rate}, width, kPosition).forward({}, {in.m, {}}, out.m, {}, pass);

  const std::uint64_t key = random_key(5, Stream::dropout, 9, kPosition);
  const auto threshold = static_cast<std::uint32_t>(std::min(rate * share * 0x1p16, 0x1p16 - 1));
  const T scale = static_cast<T>(0x1p16 / (0x1p16 - threshold));
  const Index half = padded<T>(ceil_div(width, 2));
  for (Index i = 0; i < kRows; ++i) {
    const std::uint32_t first = random_bits(key, static_cast<std::uint32_t>(64 + i));
    for (Index j = 0; j < width; ++j) {
      const std::uint32_t bits = mix32(first + static_cast<std::uint32_t>(j % half));
      const bool keeps = (j < half ? bits & 0xffff : bits >> 16) >= threshold;
      const T expected = keeps ? in.m.row(i)[j] * scale : T(0);
      CHECK(std::memcmp(&out.m.row(i)[j], &expected, sizeof(T)) == 0);
    }
    for (Index j = width; j < padded<T>(width); ++j) CHECK(out.m.row(i)[j] == 0);
  }
}

TEST(dropout_keeps_what_its_formula_keeps) {
  for (const Index width : {1, 7, 8, 15, 16, 17, 31, 33, 40, 64, 100, 129, 257})
    for (const double rate : {0.0, 0.25, 0.5, 0.999999})
      for (const double share : {1.0, 0.3, 0.0}) {
        check_mask<float>(width, rate, share);
        check_mask<double>(width, rate, share);
      }
}

}  // namespace
}  // namespace fastmlp
