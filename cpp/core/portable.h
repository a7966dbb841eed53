// Compilers and processors have different words for these. Other files ask for the compiler only where what they do has
// no word here.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define FASTMLP_X86 1
#else
#define FASTMLP_X86 0
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
#define FASTMLP_ARM64 1
#else
#define FASTMLP_ARM64 0
#endif

#if defined(_MSC_VER)
#include <intrin.h>
#elif FASTMLP_X86
#include <emmintrin.h>
#endif

/** Before a loop with a small constant number of iterations. */
#if defined(__clang__)
#define FASTMLP_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define FASTMLP_UNROLL _Pragma("GCC unroll 16")
#else
#define FASTMLP_UNROLL
#endif

/** Before a function: always inlined, never inlined. */
#if defined(__GNUC__)
#define FASTMLP_ALWAYS_INLINE [[gnu::always_inline]] inline
#define FASTMLP_NEVER_INLINE [[gnu::noinline]]
#elif defined(_MSC_VER)
#define FASTMLP_ALWAYS_INLINE __forceinline
#define FASTMLP_NEVER_INLINE __declspec(noinline)
#else
#define FASTMLP_ALWAYS_INLINE inline
#define FASTMLP_NEVER_INLINE
#endif

namespace fastmlp {

/** Fetch the line at an address ahead of its use: to be read, to be read from the second cache (so that the first keeps
 * what is in use), to be written. */
#if defined(__GNUC__)
inline void prefetch_read(const void* address) { __builtin_prefetch(address); }
inline void prefetch_second_cache(const void* address) { __builtin_prefetch(address, 0, 2); }
inline void prefetch_write(const void* address) { __builtin_prefetch(address, 1); }
#elif FASTMLP_X86
inline void prefetch_read(const void* address) { _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T0); }
inline void prefetch_second_cache(const void* address) { _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T1); }
inline void prefetch_write(const void* address) { prefetch_read(address); }
#else
inline void prefetch_read(const void*) {}
inline void prefetch_second_cache(const void*) {}
inline void prefetch_write(const void*) {}
#endif

/** Tells the processor that this thread spins. */
inline void pause_core() {
#if FASTMLP_X86
  _mm_pause();
#elif FASTMLP_ARM64 && defined(__GNUC__)
  asm volatile("yield");
#elif FASTMLP_ARM64
  __yield();
#endif
}

}  // namespace fastmlp
