// Predictor: an immutable snapshot that any number of Python threads may use.
#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/interrupt.h"
#include "bindings/network.h"
#include "bindings/tables.h"
#include "bindings/targets.h"
#include "predict/predictor.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

template <class T>
py::array_t<T> predict(const Predictor<T>& predictor, const TableObject& x, int n_threads,
                       const std::optional<py::array>& offset) {
  return visit_table<T>(x, predictor.stack(), "X", [&](const auto& table) {
    const T* added = offset ? offset_of<T>(*offset, table.rows, predictor.outputs(), "offset") : nullptr;
    py::array_t<T> out({table.rows, predictor.outputs()});
    T* to = out.mutable_data();
    const WithoutGil released(table.rows, predictor.work_per_row());
    predictor.predict(table, to, n_threads, check_signals, added);
    return out;
  });
}

template <class T>
void register_predictor(py::module_& m, const std::string& suffix) {
  using Bound = Predictor<T>;
  py::class_<Bound, std::shared_ptr<Bound>>(m, ("Predictor" + suffix).c_str())
      .def(py::init(
               [](const BoundNetwork<T>& network, const std::shared_ptr<Standardisation>& inputs,
                  const std::string& link) { return std::make_shared<Bound>(network, inputs, link_from_name(link)); }),
           arg("network"), arg("inputs"), arg("link"))
      .def_static("mean_of", &Bound::mean_of, arg("predictors"), arg("weights"))
      .def_property_readonly("outputs", &Bound::outputs)
      .def_property_readonly("work_per_row", &Bound::work_per_row)
      .def(
          "holds",
          [](const Bound& predictor, const py::list& arrays) {
            return predictor.n_networks() == 1 && holds(predictor.stack(), predictor.values(), arrays);
          },
          arg("arrays"))
      .def("predict", &predict<T>, arg("X"), arg("n_threads"), arg("offset") = py::none());
}

}  // namespace

void register_prediction(py::module_& m) {
  py::class_<Standardisation, std::shared_ptr<Standardisation>>(m, "Standardisation")
      .def(py::init([](const Array<double>& shift, const Array<double>& scale, Index n_filled, bool clips) {
             if (shift.size() != scale.size()) invalid("shift and scale", "must hold one number per column each");
             return std::make_shared<Standardisation>(std::vector<double>{shift.data(), shift.data() + shift.size()},
                                                      std::vector<double>{scale.data(), scale.data() + scale.size()},
                                                      n_filled, clips);
           }),
           arg("shift"), arg("scale"), arg("n_filled"), arg("clips"));
  register_predictor<float>(m, "F32");
  register_predictor<double>(m, "F64");
}

}  // namespace fastmlp::bindings
