// Which x86-64 levels this processor has, and whether a matrix unit beyond them. A module of its own, built for any
// processor, so that it can be asked before one of the others is loaded.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "core/cpu.h"

PYBIND11_MODULE(_cpu, m) {
  m.def("levels", [] {
    std::vector<std::string> levels;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v2")) levels.emplace_back("v2");
    if (__builtin_cpu_supports("x86-64-v3")) levels.emplace_back("v3");
    if (__builtin_cpu_supports("x86-64-v4")) {
      levels.emplace_back("v4");
      if (fastmlp::has_matrix_unit()) levels.emplace_back("amx");
    }
#endif
    return levels;
  });
}
