#include "core/denormals.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace fastmlp {

#if defined(__x86_64__) || defined(_M_X64)
DenormalMode::DenormalMode(bool flush) : saved_(_mm_getcsr()) {
  constexpr unsigned flush_and_daz = 0x8040u;
  const auto control = static_cast<unsigned>(saved_);
  _mm_setcsr(flush ? control | flush_and_daz : control & ~flush_and_daz);
}
DenormalMode::~DenormalMode() { _mm_setcsr(static_cast<unsigned>(saved_)); }
#elif defined(__aarch64__)
DenormalMode::DenormalMode(bool flush) {
  constexpr std::uint64_t flush_to_zero = std::uint64_t{1} << 24;
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" ::"r"(flush ? saved_ | flush_to_zero : saved_ & ~flush_to_zero));
}
DenormalMode::~DenormalMode() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }
#else
DenormalMode::DenormalMode(bool) {}
DenormalMode::~DenormalMode() = default;
#endif

}  // namespace fastmlp
