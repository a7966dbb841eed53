// PrivateTraining: differentially private training of a network, without the GIL except to check for signals.
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "bindings/interrupt.h"
#include "bindings/training_arguments.h"
#include "train/private_training.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

ChaChaKey key_of(const py::bytes& bytes) {
  const std::string_view given = bytes;
  ChaChaKey key;
  if (given.size() != sizeof(key)) invalid("key", "must be 32 bytes; got " + std::to_string(given.size()));
  std::memcpy(key.data(), given.data(), sizeof(key));
  return key;
}

PrivateTrainingOptions private_training_options(const py::dict& from, const py::bytes& key, int n_threads) {
  PrivateTrainingOptions to;
  to.step = step_options(from);
  if (to.step.loss.kind == LossKind::own) invalid("loss", "must be a name: a function might mix rows");
  to.schedule = schedule_options(from);
  to.n_steps = from["n_steps"].cast<Index>();
  to.sampling_rate = from["sampling_rate"].cast<double>();
  to.max_row_norm = from["max_row_norm"].cast<double>();
  to.noise_multiplier = from["noise_multiplier"].cast<double>();
  to.average_steps = from["average_steps"].cast<double>();
  to.key = key_of(key);
  to.n_threads = n_threads;
  return to;
}

/** Of a network of either type. */
class BoundPrivateTraining {
 public:
  virtual ~BoundPrivateTraining() = default;
  virtual void run(Index n_steps) = 0;
  virtual void finish() = 0;
  virtual double learning_rate() const = 0;
};

template <class T>
class PrivateTrainingOf final : public BoundPrivateTraining {
 public:
  PrivateTrainingOf(BoundNetwork<T>& network, Optimizer<T>& optimizer, const Standardisation* known_inputs,
                    const py::tuple& part, const PrivateTrainingOptions& options) {
    optimizer.check(network.stack());
    const Standardisation& inputs = standardisation_for(known_inputs, network.stack().inputs());
    Dataset<T> table = dataset_of<T>(network, options.step.loss, part, "", memory_);
    const py::gil_scoped_release release;
    training_.emplace(network, optimizer, inputs, std::move(table), options);
    training_->interrupted = [] {
      check_signals();
      return false;
    };
  }

  void run(Index n_steps) override {
    const py::gil_scoped_release release;
    training_->run(n_steps);
  }
  void finish() override { training_->finish(); }
  double learning_rate() const override { return training_->learning_rate(); }

 private:
  TargetMemory memory_;
  std::optional<PrivateTraining<T>> training_;
};

template <class T>
void register_for(py::class_<BoundPrivateTraining>& training) {
  training.def(py::init([](BoundNetwork<T>& network, Optimizer<T>& optimizer, const Standardisation* inputs,
                           const py::tuple& part, const py::dict& options, const py::bytes& key,
                           int n_threads) -> std::unique_ptr<BoundPrivateTraining> {
                 return std::make_unique<PrivateTrainingOf<T>>(network, optimizer, inputs, part,
                                                               private_training_options(options, key, n_threads));
               }),
               // The core holds no references to Python objects: these must outlive it.
               py::keep_alive<1, 2>(), py::keep_alive<1, 3>(), py::keep_alive<1, 4>(), py::keep_alive<1, 5>(),
               arg("network"), arg("optimizer"), arg("inputs"), arg("part"), arg("options"), arg("key"),
               arg("n_threads"));
}

}  // namespace

void register_private_training(py::module_& m) {
  py::class_<BoundPrivateTraining> training(m, "PrivateTraining");
  register_for<float>(training);
  register_for<double>(training);
  training.def("run", &BoundPrivateTraining::run, arg("n_steps"))
      .def("finish", &BoundPrivateTraining::finish)
      .def_property_readonly("learning_rate", &BoundPrivateTraining::learning_rate);
}

}  // namespace fastmlp::bindings
