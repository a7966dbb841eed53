// The state of a training as a dictionary of NumPy arrays, numbers and strings: visitors for Trainer::visit_state().
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <string>
#include <vector>

#include "train/trainer.h"

namespace fastmlp::bindings {

namespace py = pybind11;

/** Copies the state to a dictionary. */
struct StateWriter {
  py::dict to;

  template <class Value>
  void operator()(const char* name, const Value& value) const {
    to[name] = value;
  }
  void operator()(const char* name, StopReason reason) const { to[name] = name_of(reason, kStopReasonNames); }
  void operator()(const char* name, const std::vector<double>& values) const {
    to[name] = py::array_t<double>(static_cast<Index>(values.size()), values.data());
  }
  template <class T>
  void operator()(const char* name, const Buffer<T>& values) const {
    to[name] = py::array_t<T>(values.size(), values.data());
  }
};

/** Checks that a dictionary holds a state of this training, or takes it from there. */
class StateReader {
 public:
  StateReader(const py::dict& from, bool assigns) : from_(from), assigns_(assigns) {}

  template <class Value>
  void operator()(const char* name, Value& value) {
    take(value, read<Value>(name));
  }
  void operator()(const char* name, StopReason& reason) {
    take(reason, value_of<StopReason>(read<std::string>(name), kStopReasonNames, "state['reason']"));
  }
  void operator()(const char* name, std::vector<double>& values) {
    const auto given = array<double>(name);
    take(values, std::vector<double>(given.data(), given.data() + given.size()));
  }
  template <class T>
  void operator()(const char* name, Buffer<T>& values) {
    const auto given = array<T>(name);
    if (given.size() != values.size())
      invalid(named(name),
              "must hold " + std::to_string(values.size()) + " numbers; got " + std::to_string(given.size()));
    ++n_read_;
    if (assigns_) std::copy_n(given.data(), given.size(), values.data());
  }

  /** To be called when all of it has been visited. */
  void check_end() const {
    if (n_read_ != from_.size()) invalid("state", "must be of a training with the same options");
  }

 private:
  static std::string named(const char* name) { return "state['" + std::string(name) + "']"; }

  py::object entry(const char* name) const {
    if (!from_.contains(name)) invalid("state", "must hold '" + std::string(name) + "'");
    return from_[name];
  }
  template <class Value>
  Value read(const char* name) const {
    try {
      return entry(name).cast<Value>();
    } catch (const py::cast_error&) {
      invalid(named(name), "is of the wrong type");
    }
  }
  template <class T>
  py::array_t<T, py::array::c_style> array(const char* name) const {
    py::object given = entry(name);
    if (!py::isinstance<py::array_t<T, py::array::c_style>>(given) || py::len(given.attr("shape")) != 1)
      invalid(named(name), "must be a contiguous 1-D array of the training's dtype");
    return given;
  }
  template <class Value>
  void take(Value& to, Value value) {
    ++n_read_;
    if (assigns_) to = std::move(value);
  }

  py::dict from_;
  bool assigns_;
  std::size_t n_read_ = 0;
};

}  // namespace fastmlp::bindings
