// Layers as Python describes them.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "nn/stack.h"

namespace fastmlp::bindings {

namespace py = pybind11;

std::vector<LayerSpec> layer_specs(const py::list& layers);

}  // namespace fastmlp::bindings
