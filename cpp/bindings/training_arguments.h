// What training takes from Python: options and rows.
#pragma once

#include <string>

#include "bindings/network.h"
#include "bindings/tables.h"
#include "bindings/targets.h"
#include "train/schedule.h"

namespace fastmlp::bindings {

/** Loss and penalty. A function as "loss" is LossKind::own. */
inline StepOptions step_options(const py::dict& from) {
  const auto number = [&](const char* key) { return from[key].cast<double>(); };
  StepOptions to;
  if (py::isinstance<py::function>(from["loss"]))
    to.loss.kind = LossKind::own;
  else
    to.loss = loss_options_of(from);
  to.l1 = number("l1");
  to.l2 = number("l2");
  return to;
}

inline ScheduleOptions schedule_options(const py::dict& from) {
  const auto number = [&](const char* key) { return from[key].cast<double>(); };
  return fastmlp::schedule_options(from["learning_rate"].cast<std::string>(), number("learning_rate_init"),
                                   number("power_t"), number("warmup_fraction"));
}

/** Part is (X, y, sample_weight or None, row numbers or None, offset or None), X a TableObject; its arrays and `memory`
 * must outlive the result. */
template <class T>
Dataset<T> dataset_of(const Network<T>& network, const LossOptions& loss, const py::tuple& part,
                      const std::string& suffix, TargetMemory& memory) {
  const auto array = [&](std::size_t i) { return part[i].cast<py::array>(); };
  Dataset<T> data{samples_of(part[0].cast<TableObject>(), network.stack(), ("X" + suffix).c_str()), {}};
  const Index n_rows = data.table_rows();
  if (n_rows < 1) invalid("X" + suffix, "must have at least one row");
  data.y = targets_of<T>(array(1), loss, n_rows, network.stack().outputs(), ("y" + suffix).c_str(), memory);
  if (!part[2].is_none()) data.weights = weights_of<T>(array(2), n_rows, ("sample_weight" + suffix).c_str());
  if (part[3].is_none())
    data.use_all_rows();
  else
    data.rows = row_numbers(part[3].cast<Array<std::uint32_t>>(), n_rows, "rows" + suffix, "X" + suffix);
  if (!part[4].is_none())
    data.offset = offset_of<T>(array(4), n_rows, network.stack().outputs(), ("offset" + suffix).c_str());
  return data;
}

}  // namespace fastmlp::bindings
