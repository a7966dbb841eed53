// Predictor: an immutable snapshot that any number of Python threads may use.
#include "bindings/gil.h"
#include "bindings/interrupt.h"
#include "bindings/network.h"
#include "bindings/parameter_arrays.h"
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
    const T* added = offset ? offset_of<T>(*offset, table.rows, predictor.stack().outputs(), "offset") : nullptr;
    py::array_t<T> out({table.rows, predictor.outputs()});
    T* to = out.mutable_data();
    const WithoutGil released(table.rows, predictor.work_per_row());
    predictor.predict(table, to, n_threads, check_signals, added);
    return out;
  });
}

/** Type, values and scales of a layer's weights; None: it has none, or they are not held in fewer bytes. */
using SmallArrays = std::optional<std::tuple<std::string, py::array, std::optional<Array<float>>>>;

/** Views of the arrays, which must outlive them. */
std::vector<std::optional<SmallMatrix>> small_matrices(const std::vector<SmallArrays>& arrays) {
  std::vector<std::optional<SmallMatrix>> all;
  for (const SmallArrays& own : arrays) {
    all.emplace_back();
    if (!own) continue;
    const auto& [name, values, scale] = *own;
    const SmallType type = small_type_from_name(name);
    if (values.ndim() != 2 || values.itemsize() != bytes_of(type) || !(values.flags() & py::array::c_style))
      invalid("small", "must hold 2-D arrays of " + std::to_string(bytes_of(type)) + "-byte numbers in C's order");
    if (scale.has_value() != (type == SmallType::int8) || (scale && scale->size() != values.shape(1)))
      invalid("small", "must have a scale for each column of int8 and for no other type");
    all.back() = {type,
                  static_cast<const std::byte*>(values.data()),
                  scale ? scale->data() : nullptr,
                  values.shape(0),
                  values.shape(1),
                  values.shape(1)};
  }
  return all;
}

template <class T>
void register_predictor(py::module_& m, const std::string& suffix) {
  using Bound = Predictor<T>;
  py::class_<Bound, std::shared_ptr<Bound>>(m, ("Predictor" + suffix).c_str())
      .def(py::init([](const BoundNetwork<T>& network, const std::shared_ptr<Standardisation>& inputs,
                       const std::string& link, std::vector<Index> heads, const std::vector<SmallArrays>& small) {
             return std::make_shared<Bound>(network, inputs, link_from_name(link, std::move(heads)),
                                            small_matrices(small));
           }),
           arg("network"), arg("inputs"), arg("link"), arg("heads") = py::list(), arg("small") = py::list())
      .def_static("mean_of", &Bound::mean_of, arg("predictors"), arg("weights"))
      .def_property_readonly("outputs", &Bound::outputs)
      .def_property_readonly("work_per_row", &Bound::work_per_row)
      .def_property_readonly("nbytes", &Bound::n_bytes)
      .def(
          "holds",
          [](const Bound& predictor, const py::list& arrays) {
            return predictor.n_networks() == 1 && predictor.holds_all_values() &&
                   holds(predictor.stack(), predictor.values(), arrays);
          },
          arg("arrays"))
      .def("predict", &predict<T>, arg("X"), arg("n_threads"), arg("offset") = py::none());
}

}  // namespace

void register_prediction(py::module_& m) {
  py::class_<Standardisation, std::shared_ptr<Standardisation>>(m, "Standardisation")
      .def(py::init([](const Array<double>& shift, const Array<double>& scale, Index n_filled, bool clips,
                       bool keeps_order) {
             if (shift.size() != scale.size()) invalid("shift and scale", "must hold one number per column each");
             return std::make_shared<Standardisation>(std::vector<double>{shift.data(), shift.data() + shift.size()},
                                                      std::vector<double>{scale.data(), scale.data() + scale.size()},
                                                      n_filled, clips, keeps_order);
           }),
           arg("shift"), arg("scale"), arg("n_filled"), arg("clips"), arg("keeps_order") = false);
  register_predictor<float>(m, "F32");
  register_predictor<double>(m, "F64");
}

}  // namespace fastmlp::bindings
