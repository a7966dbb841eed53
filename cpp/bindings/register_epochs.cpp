// Epochs: training one epoch at a time, and the order of rows that NumPy would shuffle.
#include <algorithm>
#include <exception>

#include "bindings/arrays.h"
#include "core/numpy_shuffle.h"
#include "train/epochs.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

using Rows = Array<std::uint32_t>;

template <class T>
class BoundEpochs {
 public:
  BoundEpochs(Network<T>& network, const TableObject& x, const py::array& y,
              const std::optional<py::array>& sample_weight, const std::string& link, double alpha, Index batch_size,
              int n_threads)
      : network_(network), options_{canonical_loss(link), 0, alpha, 0} {
    const Stack<T>& stack = network.stack();
    Samples<T> data;
    visit_table<T>(x, stack, "X", [&](const auto& table) {
      rows_ = table.rows;
      if constexpr (std::is_same_v<decltype(table), const Table&>)
        data.x = table;
      else
        data.sparse = table;
    });
    if (batch_size < 1) invalid("batch_size", "must be at least 1; got " + std::to_string(batch_size));
    data.y = targets_of<T>(y, options_.loss.kind, rows_, stack.outputs(), "y");
    if (sample_weight) data.weights = weights_of<T>(*sample_weight, rows_, "sample_weight");
    epochs_.emplace(network, data, options_, batch_size, n_threads);
  }

  double run(const Rows& order, Optimizer<T>& optimizer, double learning_rate) {
    optimizer.check(network_.stack());
    return call(order, [&] { return epochs_->run(order.data(), order.size(), optimizer, learning_rate); });
  }
  double gradients(const Rows& rows) {
    return call(rows, [&] { return epochs_->gradients(rows.data(), rows.size()); });
  }

 private:
  /** Calls f without the GIL, but for the look at Ctrl-C; what the signal's handler raised is raised behind it. */
  template <class F>
  double call(const Rows& rows, F&& f) {
    if (rows.size() < 1) invalid("rows", "must hold at least one row number");
    for (Index i = 0; i < rows.size(); ++i)
      if (static_cast<Index>(rows.data()[i]) >= rows_) invalid("rows", "must be row numbers of X");
    std::exception_ptr raised;
    epochs_->interrupted = [&raised] {
      const py::gil_scoped_acquire acquire;
      if (PyErr_CheckSignals() == 0) return false;
      raised = std::make_exception_ptr(py::error_already_set());
      return true;
    };
    std::optional<double> loss;
    {
      const py::gil_scoped_release release;
      loss = f();
    }
    if (raised) std::rethrow_exception(raised);
    return *loss;
  }

  Network<T>& network_;
  StepOptions options_;
  Index rows_ = 0;
  std::optional<Epochs<T>> epochs_;
};

template <class T>
void register_for(py::module_& m, const std::string& suffix) {
  using Self = BoundEpochs<T>;
  py::class_<Self>(m, ("Epochs" + suffix).c_str())
      .def(py::init<Network<T>&, const TableObject&, const py::array&, const std::optional<py::array>&,
                    const std::string&, double, Index, int>(),
           // The engine keeps no Python objects: these must outlive it.
           py::keep_alive<1, 2>(), py::keep_alive<1, 3>(), py::keep_alive<1, 4>(), py::keep_alive<1, 5>(),
           arg("network"), arg("X"), arg("y"), arg("sample_weight"), arg("link"), arg("alpha"), arg("batch_size"),
           arg("n_threads"))
      .def("run", &Self::run, arg("order"), arg("optimizer"), arg("learning_rate"))
      .def("gradients", &Self::gradients, arg("rows"));
}

/** The generator behind the capsule of a numpy.random.BitGenerator, as NumPy's C API documents it (bitgen_t). */
struct BitGenerator {
  void* state;
  std::uint64_t (*next_uint64)(void*);
  std::uint32_t (*next_uint32)(void*);
  double (*next_double)(void*);
  std::uint64_t (*next_raw)(void*);
};

/** RandomState.shuffle with that generator, whose lock the caller holds. */
void shuffle(py::array_t<std::uint32_t, py::array::c_style>& values, const py::capsule& bit_generator) {
  const auto* random = bit_generator.get_pointer<BitGenerator>();
  numpy_shuffle([&] { return random->next_uint32(random->state); }, values.mutable_data(), values.size());
}

}  // namespace

void register_epochs(py::module_& m) {
  register_for<float>(m, "F32");
  register_for<double>(m, "F64");
  m.def("shuffle", &shuffle, arg("values").noconvert(), arg("bit_generator"));
}

}  // namespace fastmlp::bindings
