// Which x86-64 levels this processor has, and whether a matrix unit beyond them. A separate module, built for
// any processor, so that it can be loaded before the others.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "core/cpu.h"

PYBIND11_MODULE(_cpu, m) {
  m.def("levels", [] {
    std::vector<std::string> levels;
    for (int level = 2; level <= fastmlp::processor_level(); ++level) levels.push_back("v" + std::to_string(level));
    if (fastmlp::processor_level() == 4 && fastmlp::has_matrix_unit()) levels.emplace_back("amx");
    return levels;
  });
}
