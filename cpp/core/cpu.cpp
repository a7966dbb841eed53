#include "core/cpu.h"

#if defined(__linux__) && defined(__x86_64__)
#define FASTMLP_ASKS_LINUX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace fastmlp {

#ifdef FASTMLP_ASKS_LINUX
namespace {
// Of Linux 5.16, which older ones refuse.
constexpr long kSupported = 0x1021, kRequestPermission = 0x1023, kTileData = 18;
}  // namespace
#endif

const char* built_for() {
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
  return "x86-64-v4";
#elif defined(__AVX2__) && defined(__FMA__)
  return "x86-64-v3";
#elif defined(__SSE4_2__)
  return "x86-64-v2";
#elif defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "generic";
#endif
}

bool has_matrix_unit() {
#ifdef FASTMLP_ASKS_LINUX
  constexpr unsigned kBfloat16 = 1u << 22, kTiles = 1u << 24;
  unsigned a, b, c, d;
  std::uint64_t known = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kBfloat16) && (d & kTiles) &&
         syscall(SYS_arch_prctl, kSupported, &known) == 0 && (known >> kTileData & 1);
#else
  return false;
#endif
}

bool permit_matrix_unit() {
#ifdef FASTMLP_ASKS_LINUX
  return has_matrix_unit() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

const char* compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

}  // namespace fastmlp
