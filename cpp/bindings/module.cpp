// The extension module: one register_*() per topic.
#include "bindings/interrupt.h"

namespace fastmlp::bindings {
void register_info(pybind11::module_& m);
void register_network(pybind11::module_& m);
void register_training(pybind11::module_& m);
void register_epochs(pybind11::module_& m);
void register_prediction(pybind11::module_& m);
void register_private_training(pybind11::module_& m);
void register_rows(pybind11::module_& m);
void register_explanations(pybind11::module_& m);
void register_stream(pybind11::module_& m);
}  // namespace fastmlp::bindings

PYBIND11_MODULE(fastmlp_core, m) {
  using namespace fastmlp::bindings;
  main_thread = pybind11::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>();
  register_info(m);
  register_network(m);
  register_training(m);
  register_epochs(m);
  register_prediction(m);
  register_private_training(m);
  register_rows(m);
  register_explanations(m);
  register_stream(m);
}
