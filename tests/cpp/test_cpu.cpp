// What the library says of the processor, against what the compiler's own library says.
#include "check.h"
#include "core/cpu.h"

namespace fastmlp {
namespace {

TEST(the_processors_level_is_the_compilers) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  __builtin_cpu_init();
  const int level = __builtin_cpu_supports("x86-64-v4")   ? 4
                    : __builtin_cpu_supports("x86-64-v3") ? 3
                    : __builtin_cpu_supports("x86-64-v2") ? 2
                                                          : 1;
  CHECK(processor_level() == level);
#elif !defined(__x86_64__)
  CHECK(processor_level() == 0);
  CHECK(!has_matrix_unit());
#endif
}

}  // namespace
}  // namespace fastmlp
