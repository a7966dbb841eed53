// Predictor: an immutable snapshot that any number of Python threads may use.
#include "bindings/arrays.h"
#include "bindings/interrupt.h"
#include "bindings/network.h"
#include "bindings/tables.h"
#include "bindings/targets.h"
#include "predict/predictor.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

template <class T>
void register_for(py::module_& m, const std::string& suffix) {
  py::class_<Predictor<T>>(m, ("Predictor" + suffix).c_str())
      .def(py::init([](const BoundNetwork<T>& network, const Standardisation* inputs, const std::string& link) {
             return std::make_unique<Predictor<T>>(network, standardisation_for(inputs, network.stack().inputs()),
                                                   link_from_name(link));
           }),
           arg("network"), arg("inputs"), arg("link"))
      .def(
          "holds",
          [](const Predictor<T>& predictor, const py::list& arrays) {
            return holds(predictor.stack(), predictor.values(), arrays);
          },
          arg("arrays"))
      .def(
          "predict",
          [](const Predictor<T>& predictor, const TableObject& x, int n_threads,
             const std::optional<py::array>& offset) {
            return visit_table<T>(x, predictor.stack(), "X", [&](const auto& table) {
              const T* added = offset ? offset_of<T>(*offset, table.rows, predictor.outputs(), "offset") : nullptr;
              py::array_t<T> out({table.rows, predictor.outputs()});
              T* to = out.mutable_data();
              const py::gil_scoped_release release;
              predictor.predict(table, to, n_threads, check_signals, added);
              return out;
            });
          },
          arg("X"), arg("n_threads"), arg("offset") = py::none());
}

}  // namespace

void register_prediction(py::module_& m) {
  py::class_<Standardisation>(m, "Standardisation")
      .def(py::init([](const Array<double>& shift, const Array<double>& scale, Index n_filled, bool clips) {
             if (shift.size() != scale.size()) invalid("shift and scale", "must hold one number per column each");
             return Standardisation({shift.data(), shift.data() + shift.size()},
                                    {scale.data(), scale.data() + scale.size()}, n_filled, clips);
           }),
           arg("shift"), arg("scale"), arg("n_filled"), arg("clips"));
  register_for<float>(m, "F32");
  register_for<double>(m, "F64");
}

}  // namespace fastmlp::bindings
