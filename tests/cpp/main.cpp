// Runs the tests: all of them, or those whose name holds the first argument. Compiled for the baseline processor, so
// that it can tell that the level of the other files is missing here before any of their code runs.
#include "check.h"

#if defined(__x86_64__) && defined(__unix__)
#include <unistd.h>
#include <cstring>

namespace {

bool supported(const char* level) {
  __builtin_cpu_init();
  if (!std::strcmp(level, "v2")) return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  if (!std::strcmp(level, "v3"))
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (!std::strcmp(level, "v4"))
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  return true;
}

// Before all static objects of the other files, whose constructors may hold the level's instructions already.
__attribute__((constructor(101))) void skip_where_unsupported() {
  if (supported(FASTMLP_TEST_LEVEL)) return;
  static const char message[] = "skipped: this processor lacks " FASTMLP_TEST_LEVEL "\n";
  if (write(1, message, sizeof message - 1) < 0) _exit(1);
  _exit(fastmlp::testing::kSkipped);
}

}  // namespace
#endif

int main(int argc, char** argv) { return fastmlp::testing::run_all(argc > 1 ? argv[1] : ""); }
