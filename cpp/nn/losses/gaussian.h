// The loss of Gaussians: of means and raw spreads z for true values y, and its derivative by z.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/vector_math.h"
#include "nn/loss.h"

namespace fastmlp::losses {

using namespace simd;

/** What is added to each standard deviation. Targets are usually standardised. */
inline constexpr double kLeastDeviation = 1e-3;

/** x_k <- the variance of raw spread x_k, n contiguous elements wherever they lie. */
template <class T>
void variances_of_spreads(T* x, Index n) {
  for (Index k = 0; k < n; ++k) {
    const T deviation = std::max(x[k], T(0)) + std::log1p(std::exp(-std::abs(x[k]))) + T(kLeastDeviation);
    x[k] = deviation * deviation;
  }
}

/** The continuous ranked probability score of a Gaussian of mean m and standard deviation d = softplus(s) + 1e-3:
 * e erf(u / sqrt 2) + d (sqrt(2 / pi) exp(-u^2 / 2) - 1 / sqrt pi), with e = m - y and u = e / d (Gneiting et al. 2005,
 * doi:10.1175/MWR2904.1).
 *
 * It is proper, as the likelihood is, and has the unit of y; its derivatives are bounded, so that neither rows of small
 * nor of large spread outweigh the others. */
template <class T>
struct Gaussian {
  using P = Packet<T>;
  Gaussian(const P& m, const P& s, const P& y)
      : error(psub(m, y)),
        deviation(padd(softplus<T>(s), set<T>(T(kLeastDeviation)))),
        slope(logistic<T>(s)),
        ratio(pdiv(error, deviation)) {
    constexpr T root_of_pi = std::numbers::inv_sqrtpi_v<T>;
    by_mean = simd::erf<T>(pmul(ratio, set<T>(std::numbers::sqrt2_v<T> / 2)));
    const P density =
        pmul(set<T>(std::numbers::sqrt2_v<T> * root_of_pi), pexp(pmul(set<T>(T(-0.5)), pmul(ratio, ratio))));
    by_deviation = psub(density, set<T>(root_of_pi));
  }
  P value() const { return padd(pmul(error, by_mean), pmul(deviation, by_deviation)); }
  P derivative_by_mean() const { return by_mean; }
  P derivative_by_spread() const { return pmul(by_deviation, slope); }

  P error, deviation, slope, ratio, by_mean, by_deviation;
};

/** The first half of the outputs are means, the second half spreads. The loss is the mean over means. */
template <class T>
void gaussian(Matrix<const T> output, const Targets<T>& targets, const T* weights, const std::uint32_t* rows,
              double scale, double* losses, Matrix<T> delta) {
  constexpr Index at_once = 256;
  const Index n = output.cols / 2;
  const double share = 1 / static_cast<double>(n);
  alignas(kAlignment) T m[at_once] = {}, s[at_once] = {}, y[at_once] = {};
  for (Index first = 0; first < output.rows; first += at_once)
    for (Index j = 0; j < n; ++j) {
      const Index count = std::min(at_once, output.rows - first);
      for (Index i = 0; i < count; ++i) {
        const T* z = output.row(first + i);
        m[i] = z[j];
        s[i] = z[n + j];
        y[i] = targets.values[static_cast<Index>(rows[first + i]) * targets.stride + j];
      }
      for (Index i = 0; i < count; i += kWidth<T>) {
        const Packet<T> y_packet = load(y + i), known = pcmp_eq(y_packet, y_packet);
        const Gaussian<T> term(load(m + i), load(s + i), y_packet);
        store(y + i, pand(known, term.value()));
        store(m + i, pand(known, term.derivative_by_mean()));
        store(s + i, pand(known, term.derivative_by_spread()));
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
