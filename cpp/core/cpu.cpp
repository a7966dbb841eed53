#include "core/cpu.h"

#include <cstdint>

#include "core/portable.h"

#if FASTMLP_X86 && defined(__GNUC__)
#include <cpuid.h>
#endif
#if FASTMLP_X86 && defined(__linux__)
#define FASTMLP_ASKS_LINUX
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace fastmlp {

#if FASTMLP_X86
namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/** What CPUID returns; zeros for leaves that the processor does not have. */
Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
#ifdef __GNUC__
  if (!__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx)) return {};
#else
  int known[4], all[4];
  __cpuid(known, static_cast<int>(leaf & 0x80000000u));
  if (static_cast<unsigned>(known[0]) < leaf) return {};
  __cpuidex(all, static_cast<int>(leaf), static_cast<int>(subleaf));
  r = {static_cast<unsigned>(all[0]), static_cast<unsigned>(all[1]), static_cast<unsigned>(all[2]),
       static_cast<unsigned>(all[3])};
#endif
  return r;
}

/** The registers that the system saves for a process; only where it says that it does. */
std::uint64_t saved_registers() {
#ifdef __GNUC__
  std::uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
#else
  return _xgetbv(0);
#endif
}

constexpr bool has_all(std::uint64_t bits, std::uint64_t wanted) { return (bits & wanted) == wanted; }
constexpr std::uint64_t bits(auto... positions) { return ((std::uint64_t{1} << positions) | ...); }

}  // namespace
#endif

#ifdef FASTMLP_ASKS_LINUX
namespace {
// Since Linux 5.16; older ones return an error.
constexpr long kSupported = 0x1021, kRequestPermission = 0x1023, kTileData = 18;
}  // namespace
#endif

int processor_level() {
#if FASTMLP_X86
  // The x86-64 ABI's table of levels.
  const Registers basic = cpuid(1), more = cpuid(7), extended = cpuid(0x80000001u);
  constexpr std::uint64_t v2 = bits(0, 9, 13, 19, 20, 23);     // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT
  constexpr std::uint64_t v3 = bits(12, 22, 27, 28, 29);       // FMA, MOVBE, OSXSAVE, AVX, F16C
  constexpr std::uint64_t v3_more = bits(3, 5, 8);             // BMI1, AVX2, BMI2
  constexpr std::uint64_t v4_more = bits(16, 17, 28, 30, 31);  // AVX512 F, DQ, CD, BW, VL
  constexpr std::uint64_t lahf = bits(0), lzcnt = bits(5);
  constexpr std::uint64_t avx_state = bits(1, 2), avx512_state = bits(1, 2, 5, 6, 7);
  if (!has_all(basic.ecx, v2) || !has_all(extended.ecx, lahf)) return 1;
  if (!has_all(basic.ecx, v3) || !has_all(more.ebx, v3_more) || !has_all(extended.ecx, lzcnt) ||
      !has_all(saved_registers(), avx_state))
    return 2;
  return has_all(more.ebx, v4_more) && has_all(saved_registers(), avx512_state) ? 4 : 3;
#else
  return 0;
#endif
}

const char* built_for() {
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
  return "x86-64-v4";
#elif defined(__AVX2__) && defined(__FMA__)
  return "x86-64-v3";
#elif defined(__SSE4_2__)
  return "x86-64-v2";
#elif FASTMLP_X86
  return "x86-64";
#elif FASTMLP_ARM64
  return "aarch64";
#else
  return "generic";
#endif
}

bool has_matrix_unit() {
#ifdef FASTMLP_ASKS_LINUX
  constexpr std::uint64_t kBfloat16AndTiles = bits(22, 24);
  std::uint64_t known = 0;
  return has_all(cpuid(7).edx, kBfloat16AndTiles) && syscall(SYS_arch_prctl, kSupported, &known) == 0 &&
         (known >> kTileData & 1);
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
#elif defined(_MSC_VER)
  return "MSVC";
#else
  return "unknown";
#endif
}

}  // namespace fastmlp
