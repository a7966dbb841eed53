// The vector type of the kernels: Eigen's packets under short names. Include from .cpp files only, so that no other
// translation unit pays for Eigen's headers.
#pragma once

#include <Eigen/Core>

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
template <class T>
inline Packet<T> set(T value) {
  return Eigen::internal::pset1<Packet<T>>(value);
}
template <class T>
inline void prefetch(const T* from) {
  Eigen::internal::prefetch(from);
}
/** Into the second cache, so that the first keeps what is in use. */
template <class T>
inline void prefetch_far(const T* from) {
  __builtin_prefetch(from, 0, 2);
}
template <class T>
inline T sum(const Packet<T>& p) {
  alignas(64) T lanes[kWidth<T>];
  store(lanes, p);
  for (int half = kWidth<T> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

}  // namespace fastmlp::simd
