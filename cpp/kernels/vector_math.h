// Elementary functions over packets, where Eigen's own stop: good to a few units in the last place for float and
// double. Measured against long double by tests/cpp/test_vector_math.cpp.
#pragma once

#include <array>
#include <numbers>
#include <type_traits>

#include "kernels/packet.h"

namespace fastmlp::simd {

/** c[0] x^(n-1) + ... + c[n-1] by Horner's rule. */
template <class T, std::size_t n>
inline Packet<T> polynomial(const Packet<T>& x, const std::array<double, n>& c) {
  Packet<T> y = set<T>(static_cast<T>(c[0]));
  for (std::size_t i = 1; i < n; ++i) y = pmadd(y, x, set<T>(static_cast<T>(c[i])));
  return y;
}

template <class T>
inline Packet<T> absolute(const Packet<T>& x) {
  return pmax(x, psub(set<T>(0), x));
}

/** The square root of x >= 0. In float the processors' own takes as long as ten multiplications, and their
 * approximations differ between makers; this one has only operations that IEEE 754 defines: a first guess at
 * 1 / sqrt(x) from the bits of x, off by at most 3.5%, corrected by the minimax polynomial of (1 + u)^(-1/2) over what
 * u can then be. */
template <class T>
inline Packet<T> square_root(const Packet<T>& x) {
  if constexpr (std::is_same_v<T, float> && kWidth<T> > 1) {
    using namespace Eigen::internal;
    using Bits = typename unpacket_traits<Packet<T>>::integer_packet;
    constexpr std::array<double, 5> p = {0.27495883641966085, -0.31393425182981033, 0.3749974743014859,
                                         -0.4999983328725133, 1.000000000601224};
    const Bits half = plogical_shift_right<1>(preinterpret<Bits>(x));
    const Packet<T> guess = preinterpret<Packet<T>>(Bits(psub(pset1<Bits>(0x5f374800), half)));
    const Packet<T> root = pmul(x, guess);
    return pmul(root, polynomial<T>(pmadd(root, guess, set<T>(-1)), p));
  } else {
    return psqrt(x);
  }
}

/** 1 / (1 + exp(-x)) */
template <class T>
inline Packet<T> logistic(const Packet<T>& x) {
  const Packet<T> one = set<T>(1);
  return pdiv(one, padd(one, pexp(psub(set<T>(0), x))));
}

/** exp(x) - 1 without cancellation near 0, up to where exp(x) overflows. In float by its series: with n the integer
 * next to x / log(2) and r the rest, 2^n (exp(r) - 1) + (2^n - 1). In double by Kahan's correction of the rounded
 * exponential. */
template <class T>
inline Packet<T> expm1(const Packet<T>& x) {
  const Packet<T> one = set<T>(1);
  if constexpr (std::is_same_v<T, float> && kWidth<T> > 1) {
    using namespace Eigen::internal;
    using Bits = typename unpacket_traits<Packet<T>>::integer_packet;
    constexpr std::array<double, 6> series = {1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2};
    // Beyond, n would be 128; and exp(x) not a normal number.
    const Packet<T> bounded = pmin(pmax(x, set<T>(-87)), set<T>(88.37f));
    // Rounded to an integer by adding a number of which it is the last digits.
    const Packet<T> big = set<T>(0x1.8p23f);
    const Packet<T> shifted = pmadd(bounded, set<T>(std::numbers::log2e_v<float>), big);
    const Packet<T> n = psub(shifted, big);
    const Bits exponent = plogical_shift_left<23>(preinterpret<Bits>(shifted));
    const Packet<T> power = preinterpret<Packet<T>>(Bits(padd(exponent, pset1<Bits>(0x3f800000))));
    // log(2) in two parts, of which the first has few digits, so that its product with n is exact.
    const Packet<T> r = pmadd(n, set<T>(2.12194440e-4f), pmadd(n, set<T>(-0.693359375f), bounded));
    const Packet<T> p = pmadd(pmul(r, r), polynomial<T>(r, series), r);
    return pmadd(power, p, psub(power, one));
  } else {
    const Packet<T> u = pexp(x);
    const Packet<T> v = psub(u, one);
    const Packet<T> corrected = pmul(v, pdiv(x, plog(u)));
    const Packet<T> y = pselect(pcmp_eq(v, set<T>(-1)), v, corrected);
    return pselect(pcmp_eq(u, one), x, y);
  }
}

/** log(1 + x) without cancellation near 0, for finite x >= 0 (Kahan). */
template <class T>
inline Packet<T> log1p(const Packet<T>& x) {
  const Packet<T> one = set<T>(1);
  const Packet<T> u = padd(one, x);
  const Packet<T> corrected = pmul(plog(u), pdiv(x, psub(u, one)));
  return pselect(pcmp_eq(u, one), x, corrected);
}

/** log(1 + exp(x)), safe for any x */
template <class T>
inline Packet<T> softplus(const Packet<T>& x) {
  return padd(pmax(x, set<T>(0)), log1p<T>(pexp(psub(set<T>(0), absolute<T>(x)))));
}

/** tanh: a rational minimax below 5/8 (Cephes), 1 - 2 / (exp(2|x|) + 1) above. */
template <class T>
inline Packet<T> tanh(const Packet<T>& x) {
  if constexpr (std::is_same_v<T, float>) {
    return Eigen::internal::ptanh(x);
  } else {
    constexpr std::array<double, 3> p = {-9.64399179425052238628e-1, -9.92877231001918586564e1,
                                         -1.61468768441708447952e3};
    constexpr std::array<double, 4> q = {1.0, 1.12811678491632931402e2, 2.23548839060100448583e3,
                                         4.84406305325125486048e3};
    const Packet<T> one = set<T>(1);
    const Packet<T> magnitude = pmin(absolute<T>(x), set<T>(20));
    const Packet<T> square = pmul(x, x);
    const Packet<T> small = pmadd(pmul(x, square), pdiv(polynomial<T>(square, p), polynomial<T>(square, q)), x);
    const Packet<T> e = pexp(padd(magnitude, magnitude));
    const Packet<T> large = psub(one, pdiv(set<T>(2), padd(e, one)));
    const Packet<T> signed_large = pselect(pcmp_lt(x, set<T>(0)), psub(set<T>(0), large), large);
    return pselect(pcmp_lt(magnitude, set<T>(0.625)), small, signed_large);
  }
}

/** sin(pi r) and cos(pi r) for r in [-1/2, 1/2]: their series, as far as T has digits. */
template <class T>
struct SineCosine {
  Packet<T> sine, cosine;

  explicit SineCosine(const Packet<T>& r) {
    constexpr int terms = std::is_same_v<T, float> ? 7 : 11;
    // (-1)^k pi^(2k + first) / (2k + first)!, the highest power first
    constexpr auto series = [](double first) {
      std::array<double, terms> c{};
      double term = first == 0 ? 1 : std::numbers::pi;
      for (int k = 0; k < terms; ++k) {
        c[static_cast<std::size_t>(terms - 1 - k)] = term;
        term *= -std::numbers::pi * std::numbers::pi / ((2 * k + first + 1) * (2 * k + first + 2));
      }
      return c;
    };
    static constexpr auto odd = series(1), even = series(0);
    const Packet<T> square = pmul(r, r);
    sine = pmul(r, polynomial<T>(square, odd));
    cosine = polynomial<T>(square, even);
  }
};

/** x - n with n the integer next to x, for |x| below 2^22 (float) or 2^51 (double). */
template <class T>
inline Packet<T> fraction(const Packet<T>& x) {
  const Packet<T> big = set<T>(std::is_same_v<T, float> ? T(0x1.8p23) : T(0x1.8p52));
  return psub(x, psub(padd(x, big), big));
}

/** erf by Cody's rational approximations (1969): one for |x| <= 0.46875, two for exp(x^2) erfc beyond. */
template <class T>
inline Packet<T> erf(const Packet<T>& x) {
  constexpr std::array<double, 5> a = {1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
                                       3.77485237685302021e2, 3.20937758913846947e3};
  constexpr std::array<double, 5> b = {1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
                                       2.84423683343917062e3};
  constexpr std::array<double, 9> c = {2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
                                       6.61191906371416295e1,  2.98635138197400131e2,  8.81952221241769090e2,
                                       1.71204761263407058e3,  2.05107837782607147e3,  1.23033935479799725e3};
  constexpr std::array<double, 9> d = {1.0,
                                       1.57449261107098347e1,
                                       1.17693950891312499e2,
                                       5.37181101862009858e2,
                                       1.62138957456669019e3,
                                       3.29079923573345963e3,
                                       4.36261909014324716e3,
                                       3.43936767414372164e3,
                                       1.23033935480374942e3};
  const Packet<T> one = set<T>(1);
  // Beyond 4 (float) and 6 (double) erf is 1 to the last bit; from 4 on Cody's third range differs from the second
  // by less than 2e-8 * exp(-16), below the rounding of 1, so two ranges are enough.
  const Packet<T> magnitude = pmin(absolute<T>(x), set<T>(std::is_same_v<T, float> ? 4 : 6));
  const Packet<T> square = pmul(magnitude, magnitude);
  const Packet<T> small = pmul(x, pdiv(polynomial<T>(square, a), polynomial<T>(square, b)));
  const Packet<T> scaled = pdiv(polynomial<T>(magnitude, c), polynomial<T>(magnitude, d));
  const Packet<T> large = psub(one, pmul(pexp(psub(set<T>(0), square)), scaled));
  const Packet<T> signed_large = pselect(pcmp_lt(x, set<T>(0)), psub(set<T>(0), large), large);
  return pselect(pcmp_le(magnitude, set<T>(0.46875)), small, signed_large);
}

}  // namespace fastmlp::simd
