#include "predict/decoding.h"

#include <algorithm>
#include <cmath>

#include "core/denormals.h"

namespace fastmlp {
namespace {

constexpr double kClose = 0x1p-20;  // more than rounding and calibration can turn

}  // namespace

template <class T>
void weighted_mean(const T* of_networks, Index n, const std::vector<T>& weights, T* out) {
  const DenormalMode keep(false);
  T total = 0;
  // Weights and their sum are rounded alike, so that no mean is larger than all outputs.
  for (std::size_t k = 0; k < weights.size(); ++k, of_networks += n) {
    const T weight = weights[k];
    total += weight;
    if (k == 0)
      for (Index i = 0; i < n; ++i) out[i] = weight * of_networks[i];
    else
      for (Index i = 0; i < n; ++i) out[i] += weight * of_networks[i];
  }
  for (Index i = 0; i < n; ++i) out[i] /= total;
}

template <class T>
void add_variance_of_means(const T* of_networks, Index rows, Index n, const std::vector<T>& weights, T* mixture) {
  T total = 0;
  for (const T weight : weights) total += weight;
  for (const T weight : weights)
    for (Index i = 0; i < rows; ++i, of_networks += 2 * n)
      for (Index k = 0; k < n; ++k) {
        const T distance = of_networks[k] - mixture[i * 2 * n + k];
        mixture[(i * 2 + 1) * n + k] += weight / total * distance * distance;
      }
}

bool NumberDecoding::fits(Index n) const {
  const auto holds = [&](const std::vector<double>& numbers) {
    return numbers.size() == 1 || static_cast<Index>(numbers.size()) == n;
  };
  return holds(unit) && holds(shift) && lowest.size() == highest.size() && (lowest.empty() || holds(lowest));
}

template <class T>
void NumberDecoding::decode(const T* outputs, Index n, double* to) const {
  const auto of = [](const std::vector<double>& numbers, Index k) {
    return numbers[numbers.size() == 1 ? 0 : static_cast<std::size_t>(k)];
  };
  for (Index k = 0; k < n; ++k) {
    to[k] = static_cast<double>(outputs[k]) * of(unit, k) + of(shift, k);
    if (lowest.empty()) continue;
    if (to[k] < of(lowest, k)) to[k] = of(lowest, k);
    if (to[k] > of(highest, k)) to[k] = of(highest, k);
  }
  // NaN, of a network that diverged, comes last.
  if (sorts) std::sort(to, to + n, [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); });
}

template <class T>
void class_probabilities(const T* outputs, Index n, double* to) {
  if (n == 1) {
    to[1] = static_cast<double>(outputs[0]);
    to[0] = 1 - to[1];
    return;
  }
  double sum = 0;
  for (Index k = 0; k < n; ++k) sum += to[k] = static_cast<double>(outputs[k]);
  for (Index k = 0; k < n; ++k) to[k] /= sum;
}

template <class T>
Index most_probable(const T* outputs, Index n) {
  if (n == 1) return is_probable(outputs[0]);
  Index best = 0;
  T second = 0;
  for (Index k = 0; k < n; ++k) {
    if (std::isnan(outputs[k])) return -1;
    if (k == 0) continue;
    second = std::max(second, std::min(outputs[k], outputs[best]));
    if (outputs[k] > outputs[best]) best = k;
  }
  return outputs[best] - second > T(kClose) * outputs[best] ? best : -1;
}

template <class T>
int is_probable(T output) {
  const T beyond = output - T(0.5);
  return std::abs(beyond) > T(kClose) ? beyond > 0 : -1;
}

#define FASTMLP_INSTANTIATE(T)                                                            \
  template void weighted_mean(const T*, Index, const std::vector<T>&, T*);                \
  template void add_variance_of_means(const T*, Index, Index, const std::vector<T>&, T*); \
  template void NumberDecoding::decode(const T*, Index, double*) const;                   \
  template void class_probabilities(const T*, Index, double*);                            \
  template Index most_probable(const T*, Index);                                          \
  template int is_probable(T);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
