// Packets from numbers of one byte or two. Include from .cpp files only, as kernels/packet.h.
#pragma once

#include <bit>
#include <cstring>

#include "kernels/packet.h"
#include "kernels/small_matrix.h"

namespace fastmlp::simd {

/** As SmallType calls them. */
struct Float16 {
  std::uint16_t bits;
};
struct Bfloat16 {
  std::uint16_t bits;
};

inline float as_float(Float16 x) {
  const std::uint32_t magnitude = (x.bits & 0x7fffu) << 13;
  // No number in between is denormal as a float: those may count as zero here.
  const float size = magnitude >= 0x800000 ? std::bit_cast<float>(magnitude + (112u << 23))
                                           : std::bit_cast<float>(magnitude + (113u << 23)) - 0x1p-14f;
  return x.bits & 0x8000 ? -size : size;
}
inline float as_float(Bfloat16 x) { return std::bit_cast<float>(std::uint32_t{x.bits} << 16); }
inline float as_float(std::int8_t x) { return x; }

/** A packet of floats. */
template <class Small>
inline Packet<float> widen(const Small* from) {
  constexpr int n = kWidth<float>;
  alignas(64) float lanes[n];
  for (int i = 0; i < n; ++i) lanes[i] = as_float(from[i]);
  return load(lanes);
}

// Compilers make of such loops single numbers.
#if defined(__AVX512F__)
inline __m256i sixteen_halves(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
template <>
inline Packet<float> widen(const Float16* from) {
  return _mm512_cvtph_ps(sixteen_halves(from));
}
template <>
inline Packet<float> widen(const Bfloat16* from) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(sixteen_halves(from)), 16));
}
template <>
inline Packet<float> widen(const std::int8_t* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}
#elif defined(__AVX2__)
inline __m128i eight_halves(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
template <>
inline Packet<float> widen(const Float16* from) {
  return _mm256_cvtph_ps(eight_halves(from));
}
template <>
inline Packet<float> widen(const Bfloat16* from) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(eight_halves(from)), 16));
}
template <>
inline Packet<float> widen(const std::int8_t* from) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}
#elif defined(__SSE4_1__)
inline __m128i four_halves(const void* from) { return _mm_loadl_epi64(static_cast<const __m128i*>(from)); }
template <>
inline Packet<float> widen(const Float16* from) {
  // As as_float() does.
  const __m128i bits = _mm_cvtepu16_epi32(four_halves(from));
  const __m128i magnitude = _mm_slli_epi32(_mm_and_si128(bits, _mm_set1_epi32(0x7fff)), 13);
  const __m128 normal = _mm_castsi128_ps(_mm_add_epi32(magnitude, _mm_set1_epi32(112 << 23)));
  const __m128 above = _mm_castsi128_ps(_mm_add_epi32(magnitude, _mm_set1_epi32(113 << 23)));
  const __m128 is_small = _mm_castsi128_ps(_mm_cmplt_epi32(magnitude, _mm_set1_epi32(0x800000)));
  const __m128 size = _mm_blendv_ps(normal, _mm_sub_ps(above, _mm_set1_ps(0x1p-14f)), is_small);
  return _mm_or_ps(size, _mm_castsi128_ps(_mm_slli_epi32(_mm_srli_epi32(bits, 15), 31)));
}
template <>
inline Packet<float> widen(const Bfloat16* from) {
  return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), four_halves(from)));
}
template <>
inline Packet<float> widen(const std::int8_t* from) {
  int bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  return _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(bytes)));
}
#elif FASTMLP_ARM64
inline uint16x4_t four_halves(const void* from) { return vld1_u16(static_cast<const std::uint16_t*>(from)); }
template <>
inline Packet<float> widen(const Float16* from) {
  return vcvt_f32_f16(vreinterpret_f16_u16(four_halves(from)));
}
template <>
inline Packet<float> widen(const Bfloat16* from) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(four_halves(from)), 16));
}
template <>
inline Packet<float> widen(const std::int8_t* from) {
  std::uint32_t bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(bytes)))));
}
#endif

/** What the elements of a SmallMatrix stand for. */
template <class T, class Small>
struct SmallRows {
  explicit SmallRows(const SmallMatrix& m)
      : data(reinterpret_cast<const Small*>(m.data)), scale(m.scale), stride(m.stride) {}

  /** From row k and a column that starts a packet on. */
  Packet<T> packet(Index k, Index column) const {
    constexpr bool scales = std::is_same_v<Small, std::int8_t>;
    const Small* from = data + k * stride + column;
    if constexpr (std::is_same_v<T, float>) {
      const Packet<float> numbers = widen(from);
      if constexpr (scales) return pmul(numbers, load(scale + column));
      return numbers;
    } else {
      constexpr int n = kWidth<T>;
      alignas(64) T lanes[n];
      for (int i = 0; i < n; ++i)
        lanes[i] = static_cast<T>(scales ? as_float(from[i]) * scale[column + i] : as_float(from[i]));
      return load(lanes);
    }
  }

  const Small* data;
  const float* scale;
  Index stride;
};

/** Calls f with the rows of the matrix. */
template <class T, class F>
inline void visit(const SmallMatrix& m, F&& f) {
  switch (m.type) {
    case SmallType::float16: return f(SmallRows<T, Float16>(m));
    case SmallType::bfloat16: return f(SmallRows<T, Bfloat16>(m));
    case SmallType::int8: return f(SmallRows<T, std::int8_t>(m));
  }
}

}  // namespace fastmlp::simd
