#include "core/denormals.h"

#include "core/portable.h"

#if FASTMLP_X86
#include <xmmintrin.h>
#endif

namespace fastmlp {

#if FASTMLP_X86
DenormalMode::DenormalMode(bool flush) : saved_(_mm_getcsr()) {
  constexpr unsigned flush_and_daz = 0x8040u;
  const auto control = static_cast<unsigned>(saved_);
  _mm_setcsr(flush ? control | flush_and_daz : control & ~flush_and_daz);
}
DenormalMode::~DenormalMode() { _mm_setcsr(static_cast<unsigned>(saved_)); }
#elif FASTMLP_ARM64 && defined(__GNUC__)
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
