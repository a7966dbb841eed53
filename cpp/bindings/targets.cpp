#include "bindings/targets.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bindings/tables.h"

namespace fastmlp::bindings {

LossOptions loss_options_of(const py::dict& from) {
  LossOptions given;
  const auto read = [&](const char* key, auto& to) {
    if (from.contains(key)) to = from[key].cast<std::decay_t<decltype(to)>>();
  };
  read("delta", given.delta);
  read("quantiles", given.quantiles);
  read("tweedie_power", given.power);
  read("expectile", given.expectile);
  read("focal_gamma", given.focal_gamma);
  read("label_smoothing", given.label_smoothing);
  return loss_options(from["loss"].cast<std::string>(), given);
}

template <class T>
Targets<T> targets_of(const py::array& y, LossKind loss, Index rows, Index outputs, const char* name,
                      TargetMemory& memory) {
  if (y.ndim() < 1 || y.shape(0) != rows)
    invalid(name, "must have as many rows as X (" + std::to_string(rows) + "); got shape " + shape_of(y));
  const bool probabilities = loss == LossKind::cross_entropy && y.ndim() == 2 && py::isinstance<py::array_t<T>>(y);
  if (is_categorical(loss) && !probabilities) {
    if (!py::isinstance<py::array_t<std::int32_t, py::array::c_style>>(y) || y.ndim() != 1)
      invalid(name, "must be a 1-D int32 array of class numbers");
    const auto* given = static_cast<const std::int32_t*>(y.data());
    auto& labels = memory.labels;
    labels.assign(given, given + rows);
    for (std::size_t i = 0; i < labels.size(); ++i)
      if (labels[i] < 0 || labels[i] >= outputs)
        invalid(name, "must hold class numbers from 0 to " + std::to_string(outputs - 1) + "; got " +
                          std::to_string(labels[i]) + " in row " + std::to_string(i));
    return {nullptr, labels.data(), 1};
  }
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(y) || y.size() != rows * outputs)
    invalid(name, "must be a C-contiguous array of the network's dtype with " + std::to_string(outputs) +
                      " values per row; got shape " + shape_of(y));
  const auto* values = static_cast<const T*>(y.data());
  Targets<T> targets{values, nullptr, outputs};
  if (std::any_of(values, values + y.size(), [](T value) { return std::isnan(value); })) {
    memory.known.clear();
    for (Index row = 0; row < rows; ++row) {
      const T* of_row = values + row * outputs;
      const auto gaps = std::count_if(of_row, of_row + outputs, [](T value) { return std::isnan(value); });
      memory.known.push_back(static_cast<double>(outputs - gaps) / static_cast<double>(outputs));
    }
    targets.known = memory.known.data();
  }
  return targets;
}

template <class T>
const T* weights_of(const py::array& weights, Index rows, const char* name) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(weights) || weights.ndim() != 1 || weights.shape(0) != rows)
    invalid(name, "must be an array of the network's dtype with one number per row (" + std::to_string(rows) +
                      "); got shape " + shape_of(weights));
  return static_cast<const T*>(weights.data());
}

template <class T>
const T* offset_of(const py::array& offset, Index rows, Index outputs, const char* name) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(offset) || offset.ndim() != 2 || offset.shape(0) != rows ||
      offset.shape(1) != outputs)
    invalid(name, "must be a C-contiguous array of the network's dtype with shape (" + std::to_string(rows) + ", " +
                      std::to_string(outputs) + "); got shape " + shape_of(offset));
  return static_cast<const T*>(offset.data());
}

#define FASTMLP_INSTANTIATE(T)                                                                          \
  template Targets<T> targets_of(const py::array&, LossKind, Index, Index, const char*, TargetMemory&); \
  template const T* weights_of<T>(const py::array&, Index, const char*);                                \
  template const T* offset_of<T>(const py::array&, Index, Index, const char*);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp::bindings
