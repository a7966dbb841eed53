// True values and weights of rows, from NumPy arrays.
#pragma once

#include <pybind11/numpy.h>

#include <vector>

#include "nn/loss.h"

namespace fastmlp::bindings {

namespace py = pybind11;

/** Class numbers, copied: they are used as indices, and another thread may write to y while there is no GIL. */
using Labels = std::vector<std::int32_t>;

/** True values of `rows` rows: for categorical losses class numbers, copied to `labels`, else rows x outputs numbers,
 * which for cross_entropy may be given too: probabilities of the classes. `labels` or the array must outlive the
 * result. */
template <class T>
Targets<T> targets_of(const py::array& y, LossKind loss, Index rows, Index outputs, const char* name, Labels& labels);

/** One weight per row. The array must outlive the result. */
template <class T>
const T* weights_of(const py::array& weights, Index rows, const char* name);

/** Numbers to add to the raw outputs, rows x outputs. The array must outlive the result. */
template <class T>
const T* offset_of(const py::array& offset, Index rows, Index outputs, const char* name);

}  // namespace fastmlp::bindings
