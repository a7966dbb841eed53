// The extension module: one register_*() per topic.
#include <pybind11/pybind11.h>

namespace fastmlp::bindings {
void register_info(pybind11::module_& m);
void register_network(pybind11::module_& m);
void register_training(pybind11::module_& m);
void register_epochs(pybind11::module_& m);
void register_prediction(pybind11::module_& m);
}  // namespace fastmlp::bindings

PYBIND11_MODULE(_core, m) {
  using namespace fastmlp::bindings;
  register_info(m);
  register_network(m);
  register_training(m);
  register_epochs(m);
  register_prediction(m);
}
