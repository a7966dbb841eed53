// A network's parameters as NumPy arrays.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <vector>

#include "nn/stack.h"

namespace fastmlp::bindings {

namespace py = pybind11;

/** Whether these arrays are equal to the parameters of a stack, bit for bit. */
template <class T>
bool holds(const Stack<T>& stack, const Buffer<T>& parameters, const py::list& arrays);

/** The core's memory as an array that keeps `owner` alive. */
template <class T>
py::array_t<T> view(T* data, const std::vector<Index>& shape, const std::vector<Index>& strides, py::handle owner);

}  // namespace fastmlp::bindings
