#include "kernels/softmax.h"

#include <algorithm>
#include <limits>

#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

using namespace simd;

/** f over packets of unaligned memory, the last one by way of a buffer. */
template <class T, class F>
void map(T* x, Index n, F&& f) {
  Index i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>) storeu(x + i, f(loadu(x + i)));
  if (i == n) return;
  alignas(kAlignment) T rest[kWidth<T>] = {};
  std::copy(x + i, x + n, rest);
  store(rest, f(load(rest)));
  std::copy_n(rest, n - i, x + i);
}

/** z and e are on cache lines and padded to whole ones. */
template <class T>
struct WholeLines {
  static Packet<T> read(const T* z, Index) { return load(z); }
  static void write(T* e, const Packet<T>& x, Index) { store(e, x); }
};

/** They lie anywhere, and end where their elements do. */
template <class T>
struct Anywhere {
  static Packet<T> read(const T* z, Index left) {
    if (left >= kWidth<T>) return loadu(z);
    alignas(kAlignment) T rest[kWidth<T>] = {};
    std::copy_n(z, left, rest);
    return load(rest);
  }
  static void write(T* e, const Packet<T>& x, Index left) {
    if (left >= kWidth<T>) return storeu(e, x);
    alignas(kAlignment) T rest[kWidth<T>];
    store(rest, x);
    std::copy_n(rest, left, e);
  }
};

template <class Memory, class T>
Exponentials<T> exponentials_in(const T* z, Index n, T* e) {
  const Packet<T> end = set<T>(static_cast<T>(n)), zero = set<T>(0);
  /** f(place, z there, which lanes are elements) */
  const auto each = [&](auto&& f) {
    for (Index j = 0; j < n; j += kWidth<T>) {
      const Packet<T> places = Eigen::internal::plset<Packet<T>>(static_cast<T>(j));
      f(j, Memory::read(z + j, n - j), pcmp_lt(places, end));
    }
  };
  Packet<T> most = set<T>(-std::numeric_limits<T>::infinity());
  each([&](Index, const Packet<T>& x, const Packet<T>& inside) { most = pmax(most, pselect(inside, x, most)); });
  alignas(kAlignment) T lanes[kWidth<T>];
  store(lanes, most);
  const T largest = *std::max_element(lanes, lanes + kWidth<T>);
  Packet<T> shifted = zero, normaliser = zero;
  each([&](Index j, const Packet<T>& x, const Packet<T>& inside) {
    const Packet<T> below = pselect(inside, psub(x, set<T>(largest)), zero);
    const Packet<T> power = pselect(inside, pexp(below), zero);
    shifted = padd(shifted, below);
    normaliser = padd(normaliser, power);
    if (e) Memory::write(e + j, power, n - j);
  });
  return {largest, sum<T>(shifted), sum<T>(normaliser)};
}

}  // namespace

template <class T>
Exponentials<T> exponentials(const T* z, Index n, T* e) {
  return exponentials_in<WholeLines<T>>(z, n, e);
}

template <class T>
Exponentials<T> exponentials_of_part(const T* z, Index n, T* e) {
  return exponentials_in<Anywhere<T>>(z, n, e);
}

template <class T>
void exponential(T* x, Index n) {
  map(x, n, [](const Packet<T>& p) { return pexp(p); });
}

template <class T>
void logistic(T* x, Index n) {
  map(x, n, [](const Packet<T>& p) { return simd::logistic<T>(p); });
}

#define FASTMLP_INSTANTIATE(T)                                        \
  template Exponentials<T> exponentials(const T*, Index, T*);         \
  template Exponentials<T> exponentials_of_part(const T*, Index, T*); \
  template void exponential(T*, Index);                               \
  template void logistic(T*, Index);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
