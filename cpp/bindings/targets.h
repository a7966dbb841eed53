// True values and weights of rows, from NumPy arrays.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <vector>

#include "nn/loss.h"

namespace fastmlp::bindings {

namespace py = pybind11;

/** What is made of true values. Class numbers are copied: they are used as indices, and another thread may write to y
 * while there is no GIL. */
struct TargetMemory {
  std::vector<std::int32_t> labels;
  std::vector<double> known;

  /** Each row's share of values that are known. */
  template <class Value, class IsGap>
  const double* shares_of(const Value* values, Index rows, Index n, const IsGap& is_gap) {
    known.clear();
    for (Index row = 0; row < rows; ++row, values += n)
      known.push_back(static_cast<double>(n - std::count_if(values, values + n, is_gap)) / static_cast<double>(n));
    return known.data();
  }
};

/** The loss of a dict: its name as "loss", and those of its parameters that are not the default. */
LossOptions loss_options_of(const py::dict& from);

/** True values of `rows` rows: for categorical losses class numbers (of several heads one each, -1: not known), else
 * rows x outputs numbers (NaN: not known), which for cross_entropy may be given too: probabilities of the classes; of
 * gaussian rows x outputs / 2. `memory` and the array must outlive the result. */
template <class T>
Targets<T> targets_of(const py::array& y, const LossOptions& loss, Index rows, Index outputs, const char* name,
                      TargetMemory& memory);

/** One weight per row. The array must outlive the result. */
template <class T>
const T* weights_of(const py::array& weights, Index rows, const char* name);

/** Numbers to add to the raw outputs, rows x outputs. The array must outlive the result. */
template <class T>
const T* offset_of(const py::array& offset, Index rows, Index outputs, const char* name);

}  // namespace fastmlp::bindings
