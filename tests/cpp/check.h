// A test framework in one header: TEST(name) { ... }, checks that go on after a failure, a run over all tests.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace fastmlp::testing {

/** What ctest reports as skipped. */
inline constexpr int kSkipped = 77;

/** Under a sanitizer, code runs ten times as long: the longest sweeps then take fewer cases along the same paths. */
#ifdef FASTMLP_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/** Sizes of teams whose results are compared with those of one thread. */
inline std::vector<int> team_sizes() { return kSanitized ? std::vector{3} : std::vector{2, 3, 4, 8}; }

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

/** Failed checks of the test under way; checks may come from any thread. */
inline std::atomic<int> failures{0};

template <class... Values>
void fail(const char* file, int line, const char* format, Values... values) {
  constexpr int kShown = 10;  // of one test: a wrong kernel fails thousands of times
  const int before = failures.fetch_add(1);
  if (before > kShown) return;
  if (before == kShown) {
    std::printf("  ... and more\n");
    return;
  }
  char message[512];
  std::snprintf(message, sizeof message, format, values...);
  std::printf("  %s:%d: %s\n", file, line, message);
}

template <class F>
void check_throws(const char* file, int line, const char* what, const char* expected, F&& f) {
  try {
    f();
  } catch (const std::invalid_argument& error) {
    if (!std::strstr(error.what(), expected))
      fail(file, line, "%s: expected an error with \"%s\"; got \"%s\"", what, expected, error.what());
    return;
  } catch (const std::exception& error) {
    return fail(file, line, "%s: expected std::invalid_argument; got \"%s\"", what, error.what());
  }
  fail(file, line, "%s: did not throw; expected \"%s\"", what, expected);
}

/** Runs the tests whose name holds `filter`; the process's exit status. */
inline int run_all(const char* filter = "") {
  int passed = 0, failed = 0;
  for (const Test& test : tests()) {
    if (!std::strstr(test.name, filter)) continue;
    failures = 0;
    try {
      test.body();
    } catch (const std::exception& error) {
      fail(test.name, 0, "threw \"%s\"", error.what());
    }
    ++(failures == 0 ? passed : failed);
    std::printf("%s %s\n", failures == 0 ? "ok    " : "FAILED", test.name);
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace fastmlp::testing

#define TEST(name)                                                                       \
  static void test_##name();                                                             \
  static const ::fastmlp::testing::Registration registration_##name(#name, test_##name); \
  static void test_##name()

#define CHECK(condition)                                                                            \
  do {                                                                                              \
    if (!(condition)) ::fastmlp::testing::fail(__FILE__, __LINE__, "%s does not hold", #condition); \
  } while (false)

/** The negation makes a NaN fail. */
#define CHECK_NEAR(a, b, tolerance)                                                                                  \
  do {                                                                                                               \
    const double check_a = static_cast<double>(a), check_b = static_cast<double>(b);                                 \
    if (!(std::abs(check_a - check_b) <= (tolerance)))                                                               \
      ::fastmlp::testing::fail(__FILE__, __LINE__, "%s = %.17g, %s = %.17g: further apart than %g", #a, check_a, #b, \
                               check_b, static_cast<double>(tolerance));                                             \
  } while (false)

/** expr throws std::invalid_argument whose text holds `substring`. */
#define CHECK_THROWS(expr, substring) \
  ::fastmlp::testing::check_throws(__FILE__, __LINE__, #expr, substring, [&] { static_cast<void>(expr); })
