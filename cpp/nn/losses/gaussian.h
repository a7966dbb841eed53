// The negative log-likelihood of Gaussians: losses of means and spreads z for true values y, and their derivatives.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <numbers>

#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** The variance of a raw output s, exp(s) + 1e-6: true values that can be predicted exactly have a finite loss. */
template <class T>
Packet<T> variance_of(const Packet<T>& s) {
  return padd(pexp(s), set<T>(T(1e-6)));
}

/** x_k <- the variance of raw output x_k, n contiguous elements wherever they lie. */
template <class T>
void variances(T* x, Index n) {
  static const char* variant = std::getenv("VARIANT");
  const int kind = variant ? std::atoi(variant) : 0;
  for (Index k = 0; k < n; ++k) {
    const T z = x[k] + T(0.5413), soft = std::max(z, T(0)) + std::log1p(std::exp(-std::abs(z)));
    x[k] = kind == 3 ? (soft + T(1e-3)) * (soft + T(1e-3)) : kind == 4 ? soft + T(1e-6) : std::exp(x[k]) + T(1e-6);
  }
}

/** (log v + (m - y)^2 / v + log 2 pi) / 2, v the variance of output s; the first half of the outputs are m, the second
 * half s. */
template <class T>
void gaussian(const LossOptions& loss, Matrix<const T> output, const Targets<T>& targets, const T* weights, const std::uint32_t* rows,
              double scale, double* losses, Matrix<T> delta) {
  constexpr Index at_once = 256;
  const auto env = [](const char* name) { const char* v = std::getenv(name); return v ? std::atof(v) : 0.0; };
  static const int variant = static_cast<int>(env("VARIANT")), watch = static_cast<int>(env("WATCH"));
  const T beta = static_cast<T>(loss.power - 1), gamma = static_cast<T>(loss.delta - 1);
  const Index n = output.cols / 2;
  const double share = 1 / static_cast<double>(n);
  alignas(kAlignment) T m[at_once], s[at_once], y[at_once];
  const T log_two_pi = std::log(T(2) * std::numbers::pi_v<T>);
  for (Index first = 0; first < output.rows; first += at_once)
    for (Index j = 0; j < n; ++j) {
      const Index count = std::min(at_once, output.rows - first);
      const Index rest = count / kWidth<T> * kWidth<T>;
      if (rest < count) for (T* values : {m, s, y}) store(values + rest, set<T>(0));
      for (Index i = 0; i < count; ++i) {
        const T* z = output.row(first + i);
        m[i] = z[j];
        s[i] = z[n + j];
        y[i] = targets.values[static_cast<Index>(rows[first + i]) * targets.stride + j];
      }
      for (Index i = 0; i < count; i += kWidth<T>) {
        const Packet<T> given = load(y + i), known = pcmp_eq(given, given);
        const Packet<T> raw = load(s + i);
        Packet<T> v, dv;  // dv: d log v / d s
        if (variant == 3) {
          const Packet<T> sd = padd(softplus<T>(padd(raw, set<T>(T(0.5413)))), set<T>(T(1e-3)));
          v = pmul(sd, sd);
          dv = pdiv(pmul(set<T>(2), logistic<T>(padd(raw, set<T>(T(0.5413))))), sd);
        } else if (variant == 4) {
          v = padd(softplus<T>(padd(raw, set<T>(T(0.5413)))), set<T>(T(1e-6)));
          dv = pdiv(logistic<T>(padd(raw, set<T>(T(0.5413)))), v);
        } else {
          v = variance_of<T>(raw);
          dv = pdiv(pexp(raw), v);
        }
        const Packet<T> e = psub(load(m + i), given), ratio = pdiv(pmul(e, e), v);
        const Packet<T> value = padd(padd(plog(v), ratio), set<T>(log_two_pi));
        const Packet<T> power = pexp(pmul(set<T>(beta), plog(v)));
        const Packet<T> of_s = pexp(pmul(set<T>(gamma), plog(v)));
        store(y + i, pand(known, pmul(set<T>(T(0.5)), value)));
        if (watch == 1) {
          alignas(kAlignment) T vv[kWidth<T>], ee[kWidth<T>];
          store(vv, v); store(ee, e);
          for (Index k = 0; k < kWidth<T>; ++k) {
            const double sd = std::sqrt(double(vv[k])), x = double(ee[k]) / sd;
            y[i + k] = T(sd * (x * std::erf(x / std::sqrt(2.0)) + 2 * std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979) - 1 / std::sqrt(3.14159265358979)));
          }
        }
        if (watch == 2) store(y + i, pmul(e, e));
        static const int train = static_cast<int>(env("TRAIN"));
        if (train == 1) {
          alignas(kAlignment) T vv[kWidth<T>], ee[kWidth<T>], dd[kWidth<T>];
          store(vv, v); store(ee, e); store(dd, dv);
          for (Index k = 0; k < kWidth<T>; ++k) {
            const double sd = std::sqrt(double(vv[k])), x = double(ee[k]) / sd, f = std::pow(double(vv[k]), double(beta));
            m[i + k] = T(f * std::erf(x / std::sqrt(2.0)));
            s[i + k] = T(f * sd * double(dd[k]) / 2 * (2 * std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979) - 1 / std::sqrt(3.14159265358979)));
          }
        } else {
        store(m + i, pand(known, pmul(power, pdiv(e, v))));
        store(s + i, pand(known, pmul(of_s, pmul(set<T>(T(0.5)), pmul(dv, psub(set<T>(1), ratio))))));
        }
      }
      for (Index i = 0; i < count; ++i) {
        const double weight = share * (weights ? static_cast<double>(weights[rows[first + i]]) : 1.0);
        losses[first + i] = (j > 0 ? losses[first + i] : 0.0) + weight * static_cast<double>(y[i]);
        if (!delta.data) continue;
        const T factor = static_cast<T>(weight * scale);
        delta.row(first + i)[j] = factor * m[i];
        delta.row(first + i)[n + j] = factor * s[i];
      }
    }
}

}  // namespace fastmlp::losses
