// Learning-rate schedules.
#pragma once

#include <cstdint>
#include <string>

#include "core/names.h"

namespace fastmlp {

enum class Schedule { constant, invscaling, adaptive, cosine, one_cycle, coslog4 };
inline constexpr std::array kScheduleNames = {"constant", "invscaling", "adaptive", "cosine", "one_cycle", "coslog4"};

struct ScheduleOptions {
  Schedule kind = Schedule::constant;
  double learning_rate_init = 1e-3;
  double power_t = 0.5;          // invscaling
  double warmup_fraction = 0.0;  // cosine, one_cycle: the part of all steps in which the rate rises
};

ScheduleOptions schedule_options(const std::string& name, double learning_rate_init, double power_t,
                                 double warmup_fraction);

/** The share of dropout and weight decay at time t in [0, 1] of a fit: 1 in its first half, then down to 0 along half a
 * cosine (Holzmueller et al. 2024, arXiv:2407.04491). */
double flat_cos(double t);

/** The learning rate in the course of a fit. */
class LearningRate {
 public:
  LearningRate(ScheduleOptions options, double total_steps) : options_(options), total_(total_steps) {}

  /** The rate of step `step` of the fit (from 0), in an epoch before which `samples` rows had been seen. */
  double at(std::uint64_t step, double samples) const;

  /** The part of the fit that is over at that step. */
  double progress(std::uint64_t step) const { return static_cast<double>(step) / total_; }
  /** Changes the number of steps that the schedule is laid out for. */
  void set_total(double steps) { total_ = steps; }

  /** What "adaptive" does when the loss has stopped falling: divides the rate by 5. False when there is nothing left
   * to divide (or for the other schedules), and so training should end. */
  bool lower();

  template <class Visit>
  void visit_state(Visit&& visit) {
    visit("schedule_steps", total_);
    visit("learning_rate_divisor", divisor_);
  }

 private:
  ScheduleOptions options_;
  double total_;
  double divisor_ = 1;
};

}  // namespace fastmlp
