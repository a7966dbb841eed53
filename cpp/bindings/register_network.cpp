// Network and Optimizer: for those who write their own loop, and as the state that training works on.
#include <cmath>

#include "bindings/arrays.h"
#include "nn/network.h"
#include "train/optimizer.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

/** A flat buffer of the stack's as one array for each of its parameter arrays; no arrays if it is empty. */
template <class T>
py::list parameter_views(const Stack<T>& stack, Buffer<T>& flat, py::handle owner) {
  py::list views;
  if (flat.size() == 0) return views;
  for (Index i = 0; i < stack.n_layers(); ++i)
    for (const ParameterArray& a : stack.layer(i).arrays())
      views.append(view(flat.data() + stack.first_parameter(i) + a.offset, a.shape, a.strides, owner));
  return views;
}

template <class T>
py::array_t<T> forward(Network<T>& network, const py::array& x, bool training) {
  const Table table = table_for(x, network.stack(), "X");
  py::array_t<T> out({table.rows, network.stack().outputs()});
  T* to = out.mutable_data();
  {
    const py::gil_scoped_release release;
    const DenormalMode flush(true);
    network.prepare();
    constexpr Index kBlockRows = 256;
    Workspace<T> workspace(network.stack(), std::min(kBlockRows, table.rows), training);
    for (Index first = 0; first < table.rows; first += kBlockRows) {
      const Index rows = std::min(kBlockRows, table.rows - first);
      gather<T>(table, {}, nullptr, first, workspace.input().slice(0, rows));
      network.stack().forward(network.weights(), workspace, 0, rows, {training, network.seed(), network.steps, first});
      for (Index i = 0; i < rows; ++i)
        std::copy_n(workspace.output().row(i), network.stack().outputs(), to + (first + i) * network.stack().outputs());
    }
  }
  return out;
}

/** Fills the network's gradients: of the loss, or from the given derivative by the outputs. Returns the loss (0 for a
 * given derivative). */
template <class T>
double gradients(Network<T>& network, const py::array& x, const std::optional<py::array>& y,
                 const std::optional<py::array>& sample_weight, const std::optional<Array<T>>& output_gradient,
                 const std::string& loss, double delta, const std::vector<double>& quantiles, double label_smoothing,
                 double l1, double l2, int n_threads) {
  Dataset<T> data;
  data.x = table_for(x, network.stack(), "X");
  if (data.x.rows < 1) invalid("X", "must have at least one row");
  const Index outputs = network.stack().outputs();
  StepOptions options;
  options.loss = loss_options(loss, delta, quantiles, label_smoothing);
  options.l1 = l1;
  options.l2 = l2;
  if (y) data.y = targets_of<T>(*y, options.loss.kind, data.x.rows, outputs, "y");
  if (sample_weight) data.weights = weights_of<T>(*sample_weight, data.x.rows, "sample_weight");
  Matrix<const T> given;
  if (output_gradient) {
    if (output_gradient->ndim() != 2 || output_gradient->shape(0) != data.x.rows ||
        output_gradient->shape(1) != outputs)
      invalid("output_gradient",
              "must be of shape (" + std::to_string(data.x.rows) + ", " + std::to_string(outputs) + ")");
    given = {output_gradient->data(), data.x.rows, outputs, outputs};
  }
  const py::gil_scoped_release release;
  network.prepare();
  data.use_all_rows();
  const Standardisation none;
  const int team = Step<T>::team_size(network.stack(), data.x.rows, n_threads);
  Step<T> step(network, none, data, options, data.x.rows, team);
  step.given_delta = given;
  run_team(team,
           [&](Member& member) { step.run(member, {data.rows.data(), data.x.rows}, network.steps, nullptr, {}); });
  return step.loss();
}

/** Starts the parameters anew, from what these rows of a table make of every layer's inputs. */
template <class T>
void initialise_from(Network<T>& network, const py::array& x, const Array<std::uint32_t>& rows,
                     const Standardisation* inputs) {
  const Table table = table_for(x, network.stack(), "X");
  if (rows.size() < 1) invalid("rows", "must hold at least one row number");
  for (Index i = 0; i < rows.size(); ++i)
    if (static_cast<Index>(rows.data()[i]) >= table.rows) invalid("rows", "must be row numbers of X");
  const Standardisation& known = standardisation_for(inputs, network.stack().inputs());
  const py::gil_scoped_release release;
  const DenormalMode flush(true);
  const Index stride = row_stride<T>(table.cols);
  Buffer<T> memory(checked_product(rows.size(), stride, "rows"));
  const Matrix<T> block{memory.data(), rows.size(), table.cols, stride};
  gather<T>(table, known, rows.data(), 0, block);
  network.stack().initialise_from(block, network.values().data(), network.seed());
  network.prepare();
}

template <class T>
void register_for(py::module_& m, const std::string& suffix) {
  py::class_<Network<T>>(m, ("Network" + suffix).c_str())
      .def(py::init([](const py::list& layers, std::optional<std::uint64_t> seed) {
             return std::make_unique<Network<T>>(layer_specs(layers), seed);
           }),
           arg("layers"), arg("seed"))
      .def_property_readonly("inputs", [](const Network<T>& n) { return n.stack().inputs(); })
      .def_property_readonly("outputs", [](const Network<T>& n) { return n.stack().outputs(); })
      .def_property_readonly("seed", &Network<T>::seed)
      .def_readwrite("steps", &Network<T>::steps)
      .def("arrays",
           [](py::object self) {
             auto& network = self.cast<Network<T>&>();
             const py::list values = parameter_views(network.stack(), network.values(), self);
             const py::list gradients = parameter_views(network.stack(), network.gradients(), self);
             py::list all;
             for (std::size_t i = 0, k = 0; i < static_cast<std::size_t>(network.stack().n_layers()); ++i)
               for (const ParameterArray& a : network.stack().layer(static_cast<Index>(i)).arrays()) {
                 all.append(py::make_tuple(i, a.name, values[k], gradients[k]));
                 ++k;
               }
             return all;
           })
      .def("flat",
           [](py::object self) {
             auto& network = self.cast<Network<T>&>();
             return view(network.values().data(), {network.values().size()}, {1}, self);
           })
      .def(
          "holds",
          [](const Network<T>& network, const py::list& arrays) {
            return holds(network.stack(), network.values(), arrays);
          },
          arg("arrays"))
      .def("prepare", [](Network<T>& network) { network.prepare(); })
      .def("initialise_from", &initialise_from<T>, arg("X"), arg("rows"), arg("inputs"))
      .def("forward", &forward<T>, arg("X"), arg("training"))
      .def("gradients", &gradients<T>, arg("X"), arg("y"), arg("sample_weight"), arg("output_gradient"), arg("loss"),
           arg("delta"), arg("quantiles"), arg("label_smoothing"), arg("l1"), arg("l2"), arg("n_threads"));

  py::class_<Optimizer<T>>(m, ("Optimizer" + suffix).c_str())
      .def(py::init([](const Network<T>& network, const std::string& solver, double momentum, bool nesterov,
                       double beta_1, double beta_2, double epsilon, double weight_decay,
                       const std::vector<std::pair<double, double>>& learning_rate_factors,
                       std::vector<double> weight_decay_factors) {
             std::vector<RateFactors> rates;
             for (const auto& [weights, bias] : learning_rate_factors) rates.push_back({weights, bias});
             return std::make_unique<Optimizer<T>>(
                 optimizer_options(solver, momentum, nesterov, beta_1, beta_2, epsilon, weight_decay, std::move(rates),
                                   std::move(weight_decay_factors)),
                 network.stack());
           }),
           py::keep_alive<1, 2>(), arg("network"), arg("solver"), arg("momentum"), arg("nesterov"), arg("beta_1"),
           arg("beta_2"), arg("epsilon"), arg("weight_decay"), arg("learning_rate_factors"),
           arg("weight_decay_factors"))
      .def_readwrite("steps", &Optimizer<T>::steps)
      .def("moments",
           [](py::object self) {
             auto& optimizer = self.cast<Optimizer<T>&>();
             return py::make_tuple(view(optimizer.first().data(), {optimizer.first().size()}, {1}, self),
                                   view(optimizer.second().data(), {optimizer.second().size()}, {1}, self));
           })
      .def("moment_arrays",
           [](py::object self) {
             auto& optimizer = self.cast<Optimizer<T>&>();
             return py::make_tuple(parameter_views(optimizer.stack(), optimizer.first(), self),
                                   parameter_views(optimizer.stack(), optimizer.second(), self));
           })
      .def(
          "step",
          [](Optimizer<T>& optimizer, Network<T>& network, double learning_rate, double max_grad_norm) {
            const py::gil_scoped_release release;
            return optimizer.step(network, learning_rate, max_grad_norm);
          },
          arg("network"), arg("learning_rate"), arg("max_grad_norm"));
}

}  // namespace

void register_network(py::module_& m) {
  register_for<float>(m, "F32");
  register_for<double>(m, "F64");
}

}  // namespace fastmlp::bindings
