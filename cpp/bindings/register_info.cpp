// What was built, and how many threads there are.
#include <pybind11/pybind11.h>

#include "core/cpu.h"
#include "core/threads.h"

namespace py = pybind11;

namespace fastmlp::bindings {

void register_info(py::module_& m) {
  m.def("build_info", [] {
    py::dict info;
    info["instruction_set"] = built_for();
    info["compiler"] = compiler();
    info["eigen"] = FASTMLP_EIGEN_VERSION;
    info["threading"] = threading_layer();
    return info;
  });
  m.def("available_threads", &available_threads);
}

}  // namespace fastmlp::bindings
