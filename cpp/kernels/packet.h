// The vector type of the kernels: Eigen's packets under short names. Include from .cpp files only, so that no other
// translation unit pays for Eigen's headers.
#pragma once

#include <Eigen/Core>
#include <utility>

#include "core/portable.h"
#include "core/types.h"

namespace fastmlp::simd {

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;

/** Elements of T in a packet. */
template <class T>
inline constexpr int kWidth = Eigen::internal::packet_traits<T>::size;

inline constexpr int kRegisters = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;

using Eigen::internal::padd;
using Eigen::internal::pand;
using Eigen::internal::pcmp_eq;
using Eigen::internal::pcmp_le;
using Eigen::internal::pcmp_lt;
using Eigen::internal::pdiv;
using Eigen::internal::pexp;
using Eigen::internal::plog;
using Eigen::internal::pmadd;
using Eigen::internal::pmax;
using Eigen::internal::pmin;
using Eigen::internal::pmul;
using Eigen::internal::pselect;
using Eigen::internal::psqrt;
using Eigen::internal::psub;

template <class T>
inline Packet<T> load(const T* from) {
  return Eigen::internal::pload<Packet<T>>(from);
}
template <class T>
inline Packet<T> loadu(const T* from) {
  return Eigen::internal::ploadu<Packet<T>>(from);
}
template <class T>
inline void store(T* to, const Packet<T>& p) {
  Eigen::internal::pstore(to, p);
}
template <class T>
inline void storeu(T* to, const Packet<T>& p) {
  Eigen::internal::pstoreu(to, p);
}
/** The first `count` > 0 elements; nothing is read beyond them, and the other lanes are zero. */
template <class T>
inline Packet<T> load_first(const T* from, std::ptrdiff_t count) {
  if (count == kWidth<T>) return loadu(from);
  alignas(64) T lanes[kWidth<T>] = {};
  for (std::ptrdiff_t i = 0; i < count; ++i) lanes[i] = from[i];
  return load(lanes);
}
/** Writes the first `count` > 0 lanes. */
template <class T>
inline void store_first(T* to, const Packet<T>& p, std::ptrdiff_t count) {
  if (count == kWidth<T>) return storeu(to, p);
  alignas(64) T lanes[kWidth<T>];
  store(lanes, p);
  for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = lanes[i];
}
template <class T>
inline Packet<T> set(T value) {
  return Eigen::internal::pset1<Packet<T>>(value);
}
/** x where `gate` is above zero, and 0 elsewhere. */
template <class T>
inline Packet<T> where_positive(const Packet<T>& gate, const Packet<T>& x) {
  return pand(x, pcmp_lt(set<T>(0), gate));
}
/** x where `gate` is above zero, and y elsewhere. */
template <class T>
inline Packet<T> where_positive(const Packet<T>& gate, const Packet<T>& x, const Packet<T>& y) {
  return pselect(pcmp_lt(set<T>(0), gate), x, y);
}
/** x, but 0 where it is NaN. */
template <class T>
inline Packet<T> zero_for_nan(const Packet<T>& x) {
  return pand(x, pcmp_eq(x, x));
}
#ifdef __AVX512F__
template <>
inline Packet<float> load_first<float>(const float* from, std::ptrdiff_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
}
template <>
inline Packet<double> load_first<double>(const double* from, std::ptrdiff_t count) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), from);
}
template <>
inline void store_first<float>(float* to, const Packet<float>& p, std::ptrdiff_t count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), p);
}
template <>
inline void store_first<double>(double* to, const Packet<double>& p, std::ptrdiff_t count) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << count) - 1), p);
}
// Comparisons give masks, which are not packets; to turn one into a packet costs more
template <>
inline Packet<float> zero_for_nan<float>(const Packet<float>& x) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, x, _CMP_EQ_OQ), x);
}
template <>
inline Packet<double> zero_for_nan<double>(const Packet<double>& x) {
  return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(x, x, _CMP_EQ_OQ), x);
}
template <>
inline Packet<float> where_positive<float>(const Packet<float>& gate, const Packet<float>& x) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(gate, _mm512_setzero_ps(), _CMP_GT_OQ), x);
}
template <>
inline Packet<double> where_positive<double>(const Packet<double>& gate, const Packet<double>& x) {
  return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(gate, _mm512_setzero_pd(), _CMP_GT_OQ), x);
}
template <>
inline Packet<float> where_positive<float>(const Packet<float>& gate, const Packet<float>& x, const Packet<float>& y) {
  return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(gate, _mm512_setzero_ps(), _CMP_GT_OQ), x);
}
template <>
inline Packet<double> where_positive<double>(const Packet<double>& gate, const Packet<double>& x,
                                             const Packet<double>& y) {
  return _mm512_mask_mov_pd(y, _mm512_cmp_pd_mask(gate, _mm512_setzero_pd(), _CMP_GT_OQ), x);
}
#endif
/** Fetches into the second cache, so that the first keeps what is in use. */
inline void prefetch(const void* from) { prefetch_second_cache(from); }
template <class T>
inline T sum(const Packet<T>& p) {
  alignas(64) T lanes[kWidth<T>];
  store(lanes, p);
  for (int half = kWidth<T> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}
/** Lane i of the result is the sum of packet i's lanes; overwrites the packets. */
template <class T>
inline Packet<T> sums_of_lanes(Packet<T> (&p)[kWidth<T>]) {
  constexpr int n = kWidth<T>;
#ifdef __GNUC__
  if constexpr (n > 1) {
    // Each round folds the runs of every packet, one of `half` lanes upon the other, and puts those of two packets into
    // one, until each lane is a run of its own.
    const auto fold = [&]<int half, int... lane>(std::integer_sequence<int, lane...>) {
      for (int i = 0; i < half; ++i) {
        const Packet<T> a = p[2 * i], b = p[2 * i + 1];
        p[i] = padd(Packet<T>(__builtin_shufflevector(a, b, lane / half * 2 * half + lane % half...)),
                    Packet<T>(__builtin_shufflevector(a, b, lane / half * 2 * half + half + lane % half...)));
      }
    };
    constexpr auto lanes = std::make_integer_sequence<int, n>();
    if constexpr (n >= 16) fold.template operator()<8>(lanes);
    if constexpr (n >= 8) fold.template operator()<4>(lanes);
    if constexpr (n >= 4) fold.template operator()<2>(lanes);
    fold.template operator()<1>(lanes);
    return p[0];
  }
#endif
  alignas(64) T sums[n];
  for (int i = 0; i < n; ++i) sums[i] = sum<T>(p[i]);
  return load(sums);
}

}  // namespace fastmlp::simd
