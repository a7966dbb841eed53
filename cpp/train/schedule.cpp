#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/checks.h"

namespace fastmlp {
namespace {

/** From `from` at 0 to `to` at 1 along half a cosine. */
double anneal(double from, double to, double t) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(t, 0.0, 1.0)));
}

}  // namespace

ScheduleOptions schedule_options(const std::string& name, double learning_rate_init, double power_t,
                                 double warmup_fraction) {
  ScheduleOptions options;
  options.kind = value_of<Schedule>(name, kScheduleNames, "learning_rate");
  check_positive("learning_rate_init", learning_rate_init);
  check_not_negative("power_t", power_t);
  check_below_one("warmup_fraction", warmup_fraction);
  options.learning_rate_init = learning_rate_init;
  options.power_t = power_t;
  options.warmup_fraction = warmup_fraction;
  return options;
}

double flat_cos(double t) { return anneal(1, 0, 2 * t - 1); }

double LearningRate::at(std::uint64_t step, double samples) const {
  const double rate = options_.learning_rate_init;
  const double warmup = options_.warmup_fraction * total_;
  const double t = static_cast<double>(step);
  switch (options_.kind) {
    case Schedule::constant: return rate;
    case Schedule::invscaling: return rate / std::pow(samples + 1, options_.power_t);  // as scikit-learn
    case Schedule::adaptive: return rate / divisor_;
    case Schedule::cosine:
      if (t < warmup) return rate * (t + 1) / (warmup + 1);
      return anneal(rate, 0, (t - warmup) / std::max(total_ - warmup, 1.0));
    case Schedule::one_cycle:  // Smith & Topin 2018, arXiv:1708.07120 with PyTorch's defaults: from rate / 25 up, then
                               // down to rate / 25e4
      if (t < warmup) return anneal(rate / 25, rate, t / warmup);
      return anneal(rate, rate / 25e4, (t - warmup) / std::max(total_ - warmup - 1, 1.0));
    case Schedule::coslog4:  // four cycles, each twice as long as the one before (Holzmueller et al. 2024,
                             // arXiv:2407.04491)
      return rate * 0.5 * (1 - std::cos(2 * std::numbers::pi * std::log2(1 + 15 * std::min(progress(step), 1.0))));
  }
  return rate;
}

bool LearningRate::lower() {
  constexpr double smallest = 1e-6;  // as scikit-learn
  if (options_.kind != Schedule::adaptive || options_.learning_rate_init / divisor_ <= smallest) return false;
  divisor_ *= 5;
  return true;
}

}  // namespace fastmlp
