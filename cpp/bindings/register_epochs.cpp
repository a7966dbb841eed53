// Epochs: training one epoch at a time; and NumPy's shuffle.
#include "bindings/interrupt.h"
#include "bindings/network.h"
#include "bindings/tables.h"
#include "bindings/targets.h"
#include "core/numpy_shuffle.h"
#include "train/epochs.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

using Rows = Array<std::uint32_t>;

template <class T>
class BoundEpochs {
 public:
  BoundEpochs(BoundNetwork<T>& network, const TableObject& x, const py::array& y,
              const std::optional<py::array>& sample_weight, const std::string& link, double alpha, Index batch_size,
              int n_threads)
      : network_(network), options_{canonical_loss(link), 0, alpha, 0} {
    const Stack<T>& stack = network.stack();
    Samples<T> data = samples_of(x, stack, "X");
    rows_ = data.table_rows();
    if (batch_size < 1) invalid("batch_size", "must be at least 1; got " + std::to_string(batch_size));
    data.y = targets_of<T>(y, options_.loss, rows_, stack.outputs(), "y", memory_);
    if (sample_weight) data.weights = weights_of<T>(*sample_weight, rows_, "sample_weight");
    epochs_.emplace(network, data, options_, batch_size, n_threads);
  }

  double run(const Rows& order, Optimizer<T>& optimizer, double learning_rate) {
    optimizer.check(network_.stack());
    return call(order,
                [&](const auto& numbers, Index n) { return epochs_->run(numbers, n, optimizer, learning_rate); });
  }
  double gradients(const Rows& rows) {
    return call(rows, [&](const auto& numbers, Index n) { return epochs_->gradients(numbers, n); });
  }

 private:
  /** Calls f without the GIL, except to check for signals. */
  template <class F>
  double call(const Rows& rows, F&& f) {
    if (rows.size() < 1) invalid("rows", "must hold at least one row number");
    const std::vector<std::uint32_t> numbers = row_numbers(rows, rows_, "rows", "X");
    epochs_->interrupted = [] {
      check_signals();
      return false;
    };
    const py::gil_scoped_release release;
    return f(numbers.data(), rows.size()).value();
  }

  BoundNetwork<T>& network_;
  StepOptions options_;
  Index rows_ = 0;
  TargetMemory memory_;
  std::optional<Epochs<T>> epochs_;
};

template <class T>
void register_epochs_class(py::module_& m, const std::string& suffix) {
  using Self = BoundEpochs<T>;
  py::class_<Self>(m, ("Epochs" + suffix).c_str())
      .def(py::init<BoundNetwork<T>&, const TableObject&, const py::array&, const std::optional<py::array>&,
                    const std::string&, double, Index, int>(),
           // The core holds no references to Python objects: these must outlive it.
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
  register_epochs_class<float>(m, "F32");
  register_epochs_class<double>(m, "F64");
  m.def("shuffle", &shuffle, arg("values").noconvert(), arg("bit_generator"));
}

}  // namespace fastmlp::bindings
