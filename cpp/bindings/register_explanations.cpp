// Outputs for coalitions of columns, which attributions are made of.
#include "bindings/gil.h"
#include "bindings/interrupt.h"
#include "bindings/tables.h"
#include "explain/coalitions.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

/** rows x columns x units. */
template <class T>
ColumnSums<T> column_sums_of(const Array<T>& sums, Index columns, Index units, const char* name) {
  if (sums.ndim() != 3 || sums.shape(1) != columns || sums.shape(2) != units)
    invalid(name, "must be of shape (rows, " + std::to_string(columns) + ", " + std::to_string(units) +
                      "); got shape " + shape_of(sums));
  return {sums.data(), sums.shape(0), columns, units};
}

template <class T>
py::array_t<T> predict_coalitions(const CoalitionNetwork<T>& network, const Array<T>& rows, const Array<T>& background,
                                  const Array<T>& whole, const Array<std::uint8_t>& members, int n_threads) {
  if (members.ndim() != 3) invalid("members", "must be 3-D; got shape " + shape_of(members));
  const Coalitions coalitions{members.data(), members.shape(0), members.shape(1), members.shape(2)};
  const ColumnSums<T> own = column_sums_of(rows, coalitions.columns, network.units(), "rows");
  const ColumnSums<T> others = column_sums_of(background, coalitions.columns, network.units(), "background");
  if (others.rows != coalitions.background || whole.ndim() != 2 || whole.shape(0) != coalitions.background ||
      whole.shape(1) != network.units())
    invalid("background, whole and members", "must be of as many rows of the background");
  py::array_t<T> out({own.rows, coalitions.background, coalitions.count, network.outputs()});
  T* const to = out.mutable_data();
  const py::gil_scoped_release released;
  network.predict(own, others, whole.data(), coalitions, to, n_threads, check_signals);
  return out;
}

template <class T>
void register_coalitions(py::module_& m, const std::string& suffix) {
  using Bound = CoalitionNetwork<T>;
  py::class_<Bound>(m, ("CoalitionNetwork" + suffix).c_str())
      .def(py::init([](const std::string& activation, const std::vector<T>& slopes, const Predictor<T>& rest) {
             return std::make_unique<Bound>(activation_from_name(activation), slopes, rest);
           }),
           arg("activation"), arg("slopes"), arg("rest"))
      .def("predict", &predict_coalitions<T>, arg("rows"), arg("background"), arg("whole"), arg("members"),
           arg("n_threads"));
}

}  // namespace

void register_explanations(py::module_& m) {
  register_coalitions<float>(m, "F32");
  register_coalitions<double>(m, "F64");
}

}  // namespace fastmlp::bindings
