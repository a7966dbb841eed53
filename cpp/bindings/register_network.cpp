// Network and Optimizer: the state that train() works on, and the parts of a training loop in Python.
#include "bindings/interrupt.h"
#include "bindings/layer_specs.h"
#include "bindings/network.h"
#include "bindings/parameter_arrays.h"
#include "bindings/tables.h"
#include "bindings/targets.h"
#include "core/denormals.h"
#include "predict/outputs.h"
#include "train/optimizer.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

/** Views of a flat buffer, one for each parameter array of the stack; none if the buffer is empty. */
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
py::array_t<T> forward(BoundNetwork<T>& network, const TableObject& x, bool training, int n_threads) {
  const Samples<T> data = samples_of(x, network.stack(), "X");
  const Index n_rows = data.table_rows(), outputs = network.stack().outputs();
  py::array_t<T> out({n_rows, outputs});
  T* to = out.mutable_data();
  {
    const py::gil_scoped_release release;
    {
      const DenormalMode flush(true);
      network.prepare();
    }
    const NetworkInputs<T> inputs{&data.x, &standardisation_for(nullptr, data.x.cols), &data.sparse};
    compute_outputs<T>(network.stack(), network.weights(), inputs, n_rows, {training, network.seed(), network.steps},
                       n_threads, check_signals, [&](Index first, Matrix<T> block) {
                         for (Index i = 0; i < block.rows; ++i)
                           std::copy_n(block.row(i), outputs, to + (first + i) * outputs);
                       });
  }
  return out;
}

/** Fills the network's gradients: of the loss, or from the given derivative by the outputs. Returns the loss (0 for a
 * given derivative). */
template <class T>
double backward(BoundNetwork<T>& network, const TableObject& x, const std::optional<py::array>& y,
                const std::optional<py::array>& sample_weight, const std::optional<Array<T>>& output_gradient,
                const py::dict& loss, double l1, double l2, int n_threads) {
  Samples<T> data = samples_of(x, network.stack(), "X");
  const Index n_rows = data.table_rows(), outputs = network.stack().outputs();
  if (!y && !output_gradient) invalid("y", "must be given where output_gradient is not");
  if (n_rows < 1) invalid("X", "must have at least one row");
  StepOptions options;
  options.loss = loss_options_of(loss);
  options.l1 = l1;
  options.l2 = l2;
  TargetMemory memory;
  if (y) data.y = targets_of<T>(*y, options.loss, n_rows, outputs, "y", memory);
  if (sample_weight) data.weights = weights_of<T>(*sample_weight, n_rows, "sample_weight");
  Matrix<const T> given;
  if (output_gradient) {
    if (output_gradient->ndim() != 2 || output_gradient->shape(0) != n_rows || output_gradient->shape(1) != outputs)
      invalid("output_gradient", "must be of shape (" + std::to_string(n_rows) + ", " + std::to_string(outputs) + ")");
    given = {output_gradient->data(), n_rows, outputs, outputs};
  }
  std::unique_ptr<Backward<T>> pass = std::move(network.idle_backward);
  double value;
  {
    const py::gil_scoped_release release;
    if (!pass || !pass->serves(n_rows, n_threads)) pass = std::make_unique<Backward<T>>(network, n_rows, n_threads);
    value = pass->run(data, options, given, check_signals);
  }
  network.idle_backward = std::move(pass);
  return value;
}

/** Initialises the parameters from data: from the inputs that these rows of a table give to every layer. */
template <class T>
void initialise_from(BoundNetwork<T>& network, const py::array& x, const Array<std::uint32_t>& rows,
                     const Standardisation* inputs) {
  const Table table = table_for(x, network.stack(), "X");
  if (rows.size() < 1) invalid("rows", "must hold at least one row number");
  const std::vector<std::uint32_t> numbers = row_numbers(rows, table.rows, "rows", "X");
  const Standardisation& known = standardisation_for(inputs, network.stack().inputs());
  const py::gil_scoped_release release;
  const DenormalMode flush(true);
  const Index stride = row_stride<T>(table.cols);
  Buffer<T> memory(checked_product(rows.size(), stride, "rows"));
  const Matrix<T> block{memory.data(), rows.size(), table.cols, stride};
  gather<T>(table, known, numbers.data(), 0, block);
  network.stack().initialise_from(block, network.values().data(), network.seed());
  network.prepare();
}

template <class T>
void register_network_classes(py::module_& m, const std::string& suffix) {
  using Bound = BoundNetwork<T>;
  py::class_<Bound>(m, ("Network" + suffix).c_str())
      .def(py::init([](const py::list& layers, std::optional<std::uint64_t> seed) {
             return std::make_unique<Bound>(layer_specs(layers), seed);
           }),
           arg("layers"), arg("seed"))
      .def_property_readonly("inputs", [](const Bound& n) { return n.stack().inputs(); })
      .def_property_readonly("outputs", [](const Bound& n) { return n.stack().outputs(); })
      .def_property_readonly("seed", &Bound::seed)
      .def_readwrite("steps", &Bound::steps)
      .def("arrays",
           [](py::object self) {
             auto& network = self.cast<Bound&>();
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
             auto& network = self.cast<Bound&>();
             return view(network.values().data(), {network.values().size()}, {1}, self);
           })
      .def(
          "holds",
          [](const Bound& network, const py::list& arrays) { return holds(network.stack(), network.values(), arrays); },
          arg("arrays"))
      .def("prepare", [](Bound& network) { network.prepare(); })
      .def("initialise_from", &initialise_from<T>, arg("X"), arg("rows"), arg("inputs"))
      .def("forward", &forward<T>, arg("X"), arg("training"), arg("n_threads") = 1)
      .def("backward", &backward<T>, arg("X"), arg("y"), arg("sample_weight"), arg("output_gradient"), arg("loss"),
           arg("l1"), arg("l2"), arg("n_threads"));

  py::class_<Optimizer<T>>(m, ("Optimizer" + suffix).c_str())
      .def(py::init([](const Bound& network, const std::string& solver, double momentum, bool nesterov, double beta_1,
                       double beta_2, double epsilon, double weight_decay,
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
          [](Optimizer<T>& optimizer, Bound& network, double learning_rate, double max_grad_norm) {
            const py::gil_scoped_release release;
            return optimizer.step(network, learning_rate, max_grad_norm);
          },
          arg("network"), arg("learning_rate"), arg("max_grad_norm"));
}

}  // namespace

void register_network(py::module_& m) {
  register_network_classes<float>(m, "F32");
  register_network_classes<double>(m, "F64");
}

}  // namespace fastmlp::bindings
