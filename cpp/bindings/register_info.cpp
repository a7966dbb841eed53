// How the core was built, and how many threads it may use.
#include <pybind11/pybind11.h>

#include <string>

#include "core/cpu.h"
#include "core/processors.h"
#include "kernels/matrix_unit.h"

namespace py = pybind11;

namespace fastmlp::bindings {

void register_info(py::module_& m) {
  m.def("build_info", [] {
    py::dict info;
    info["instruction_set"] = std::string(built_for()) + (matrix_unit::is_expected() ? " with AMX" : "");
    info["compiler"] = compiler();
    info["eigen"] = FASTMLP_EIGEN_VERSION;
    info["threading"] = threading_layer();
    return info;
  });
  m.def("use_matrix_unit", &matrix_unit::use, py::arg("wanted"), py::arg("required"));
  m.def("available_threads", &available_threads);
}

}  // namespace fastmlp::bindings
