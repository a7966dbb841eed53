#include "bindings/targets.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bindings/tables.h"
#include "nn/link.h"

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
  read("heads", given.heads);
  return loss_options(from["loss"].cast<std::string>(), given);
}

/** Class numbers of one head, or of several: then -1 stands for one that is not known. */
template <class T>
Targets<T> labels_of(const py::array& y, const LossOptions& loss, Index rows, Index outputs, const char* name,
                     TargetMemory& memory) {
  const bool several = !loss.heads.empty();
  const std::vector<Index> heads = several ? loss.heads : std::vector<Index>{outputs};
  const auto n = static_cast<Index>(heads.size());
  if (!Link(Link::softmax, loss.heads).fits(outputs))
    invalid("heads", "must add up to the network's outputs, " + std::to_string(outputs));
  if (!py::isinstance<py::array_t<std::int32_t, py::array::c_style>>(y) || y.ndim() != (several ? 2 : 1) ||
      y.size() != rows * n)
    invalid(name, several ? "must be an int32 array of class numbers, a column for each head"
                          : "must be a 1-D int32 array of class numbers");
  const auto* given = static_cast<const std::int32_t*>(y.data());
  auto& labels = memory.labels;
  labels.assign(given, given + rows * n);
  bool has_gaps = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = static_cast<Index>(i) / n, classes = heads[i % heads.size()];
    has_gaps = has_gaps || labels[i] < 0;
    if (labels[i] < (several ? -1 : 0) || labels[i] >= classes)
      invalid(name, "must hold class numbers from 0 to " + std::to_string(classes - 1) + "; got " +
                        std::to_string(labels[i]) + " in row " + std::to_string(row));
  }
  Targets<T> targets{nullptr, labels.data(), n};
  if (has_gaps) {
    const auto is_gap = [](std::int32_t label) { return label < 0; };
    targets.known = memory.shares_of(labels.data(), rows, n, is_gap);
  }
  return targets;
}

template <class T>
Targets<T> targets_of(const py::array& y, const LossOptions& loss, Index rows, Index outputs, const char* name,
                      TargetMemory& memory) {
  if (y.ndim() < 1 || y.shape(0) != rows)
    invalid(name, "must have as many rows as X (" + std::to_string(rows) + "); got shape " + shape_of(y));
  const bool probabilities =
      loss.kind == LossKind::cross_entropy && loss.heads.empty() && y.ndim() == 2 && py::isinstance<py::array_t<T>>(y);
  if (is_categorical(loss.kind) && !probabilities) return labels_of<T>(y, loss, rows, outputs, name, memory);
  if (loss.kind == LossKind::gaussian) {
    if (outputs % 2 != 0)
      invalid("loss", "must not be 'gaussian' for a network of " + std::to_string(outputs) +
                          " outputs: it needs a mean and a spread of each value");
    outputs /= 2;
  }
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(y) || y.size() != rows * outputs)
    invalid(name, "must be a C-contiguous array of the network's dtype with " + std::to_string(outputs) +
                      " values per row; got shape " + shape_of(y));
  const auto* values = static_cast<const T*>(y.data());
  Targets<T> targets{values, nullptr, outputs};
  const auto is_gap = [](T value) { return std::isnan(value); };
  if (std::any_of(values, values + y.size(), is_gap)) targets.known = memory.shares_of(values, rows, outputs, is_gap);
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

#define FASTMLP_INSTANTIATE(T)                                                                                    \
  template Targets<T> targets_of(const py::array&, const LossOptions&, Index, Index, const char*, TargetMemory&); \
  template const T* weights_of<T>(const py::array&, Index, const char*);                                          \
  template const T* offset_of<T>(const py::array&, Index, Index, const char*);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp::bindings
