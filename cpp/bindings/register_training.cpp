// Training, a window at a time or a whole fit in one call: without the GIL except for callbacks and to check for
// signals.
#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "bindings/training_arguments.h"
#include "bindings/training_state.h"
#include "core/thread_budget.h"
#include "train/trainer.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

TrainOptions train_options(const py::dict& from) {
  TrainOptions to;
  const auto number = [&](const char* key) { return from[key].cast<double>(); };
  to.step = step_options(from);
  to.step.max_grad_norm = number("max_grad_norm");
  const auto optional = [&](const char* key) { return from.contains(key) ? number(key) : 0.0; };
  to.augmentation = {optional("mixup"), optional("swap_noise"), optional("input_noise")};
  to.schedule = schedule_options(from);
  to.max_iter = from["max_iter"].cast<Index>();
  to.batch_size = from["batch_size"].cast<Index>();
  to.shuffle = from["shuffle"].cast<bool>();
  to.tol = number("tol");
  to.n_iter_no_change = from["n_iter_no_change"].cast<Index>();
  to.patience_growth = number("patience_growth");
  to.early_stopping = from["early_stopping"].cast<bool>();
  to.average_epochs = number("average_epochs");
  to.reports_outputs = from["reports_outputs"].cast<bool>();
  to.anneals = from["anneals"].cast<bool>();
  to.time_limit = number("time_limit");
  to.seed = from["seed"].cast<std::uint64_t>();
  to.samples_seen = number("samples_seen");
  return to;
}

/** What Python's functions raise is kept until the trainer has come to rest. */
class Callbacks {
 public:
  /** Asks Python on the thread that trains, which has no GIL. */
  template <class Ask, class Answer>
  Answer ask(Ask&& question, Answer otherwise) {
    const py::gil_scoped_acquire acquire;
    try {
      return question();
    } catch (...) {
      raised_ = std::current_exception();
      return otherwise;
    }
  }
  /** Raises it, except for Ctrl-C: then true. */
  bool were_interrupted() {
    if (!raised_) return false;
    try {
      std::rethrow_exception(std::exchange(raised_, nullptr));
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_KeyboardInterrupt)) throw;
    }
    return true;
  }

 private:
  std::exception_ptr raised_;
};

using OptionalFunction = std::optional<py::function>;

/** Training of a network of either type. */
class BoundTraining {
 public:
  virtual ~BoundTraining() = default;
  virtual py::dict train(const py::tuple& part, ThreadBudget& threads, const OptionalFunction& on_epoch,
                         const OptionalFunction& interrupted, const OptionalFunction& between_epochs) = 0;
  virtual bool run(const py::tuple& part, ThreadBudget& threads, const OptionalFunction& interrupted) = 0;
  virtual bool end_epoch(ThreadBudget& threads, const OptionalFunction& on_epoch,
                         const OptionalFunction& interrupted) = 0;
  virtual void interrupt() = 0;
  virtual py::dict finish() = 0;
  virtual py::dict state() = 0;
  virtual void restore(const py::dict& state) = 0;
};

/** Value and derivative from a function of true values, raw outputs (both rows x outputs), weights (or None), and
 * whether the derivative is wanted. */
template <class T>
double value_of_own_loss(const py::function& own_loss, const Samples<T>& samples, const std::uint32_t* rows,
                         Matrix<const double> outputs, Matrix<T> derivative) {
  const Index n_rows = outputs.rows, cols = outputs.cols;
  py::array_t<double> y({n_rows, cols});
  for (Index i = 0; i < n_rows; ++i)
    std::copy_n(samples.y.values + static_cast<Index>(rows[i]) * samples.y.stride, cols, y.mutable_data() + i * cols);
  py::object weights = py::none();
  if (samples.weights) {
    py::array_t<double> of_rows(n_rows);
    for (Index i = 0; i < n_rows; ++i) of_rows.mutable_data()[i] = static_cast<double>(samples.weights[rows[i]]);
    weights = std::move(of_rows);
  }
  const py::array_t<double> raw({n_rows, cols}, outputs.data);  // a copy
  const bool derives = derivative.data != nullptr;
  const auto [value, gradient] =
      own_loss(y, raw, weights, derives).template cast<std::pair<double, std::optional<Array<double>>>>();
  if (!derives) return value;
  if (!gradient || gradient->size() != n_rows * cols)
    invalid("loss", "must give a gradient of shape (" + std::to_string(n_rows) + ", " + std::to_string(cols) + ")");
  std::transform(gradient->data(), gradient->data() + n_rows * cols, derivative.data,
                 [](double from) { return static_cast<T>(from); });
  return value;
}

/** Raw outputs as an array; None where they are not kept. */
py::object outputs_of(const Evaluation& evaluation) {
  const Matrix<const double>& outputs = evaluation.outputs;
  if (outputs.rows == 0) return py::none();
  return py::array_t<double>({outputs.rows, outputs.cols}, outputs.data);
}

EpochAnswer answer_of(const py::function& on_epoch, const EpochRecord& record) {
  py::list others;
  for (const Evaluation& other : record.others) others.append(py::make_tuple(other.loss, outputs_of(other)));
  const auto [stops, watched] = on_epoch(record.epoch, record.loss, record.validation.loss, record.learning_rate,
                                         record.seconds, outputs_of(record.validation), others)
                                    .cast<std::pair<bool, std::optional<double>>>();
  return {stops, watched};
}

py::dict dict_of(const TrainResult& result) {
  py::dict out;
  out["loss_curve"] = result.loss_curve;
  out["validation_curve"] = result.validation_curve;
  out["watched_curve"] = result.watched_curve;
  out["learning_rates"] = result.learning_rates;
  out["n_iter"] = result.n_iter;
  out["n_steps"] = result.n_steps;
  out["best_epoch"] = result.best_epoch;
  out["reason"] = name_of(result.reason, kStopReasonNames);
  return out;
}

template <class T>
class TrainingOf final : public BoundTraining {
 public:
  TrainingOf(BoundNetwork<T>& network, Optimizer<T>& optimizer, const Standardisation* known_inputs,
             const std::optional<py::tuple>& validation_part, const std::vector<py::tuple>& other_parts,
             const TrainOptions& options, const OptionalFunction& own_loss)
      : network_(network), loss_(options.step.loss), own_loss_(own_loss), other_memory_(other_parts.size()) {
    optimizer.check(network.stack());
    const Standardisation& inputs = standardisation_for(known_inputs, network.stack().inputs());
    Dataset<T> validation;
    if (validation_part) validation = dataset_of<T>(network, loss_, *validation_part, "_val", validation_memory_);
    std::vector<Dataset<T>> others;
    for (std::size_t i = 0; i < other_parts.size(); ++i)
      others.push_back(dataset_of<T>(network, loss_, other_parts[i], " of eval_set", other_memory_[i]));
    const py::gil_scoped_release release;
    trainer_.emplace(network, optimizer, inputs, std::move(validation), options, std::move(others));
    if (own_loss_)
      trainer_->own_loss = [this](const Samples<T>& samples, const std::uint32_t* rows, Matrix<const double> outputs,
                                  Matrix<T> derivative) {
        return callbacks_.ask(
            [&]() -> std::optional<double> {
              return value_of_own_loss(*own_loss_, samples, rows, outputs, derivative);
            },
            std::optional<double>());
      };
  }

  py::dict train(const py::tuple& part, ThreadBudget& threads, const OptionalFunction& on_epoch,
                 const OptionalFunction& interrupted, const OptionalFunction& between_epochs) override {
    TargetMemory memory;
    Dataset<T> table = dataset_of<T>(network_, loss_, part, "", memory);
    trainer_->between_epochs = nullptr;
    if (between_epochs)
      trainer_->between_epochs = [&] {
        return callbacks_.ask(
            [&] {
              (*between_epochs)();
              return true;
            },
            false);
      };
    TrainResult result;
    compute(threads, on_epoch, interrupted, [&] {
      result = trainer_->run(std::move(table));
      return false;
    });
    return finished(std::move(result));
  }

  bool run(const py::tuple& part, ThreadBudget& threads, const OptionalFunction& interrupted) override {
    TargetMemory memory;
    Dataset<T> window = dataset_of<T>(network_, loss_, part, "", memory);
    return compute(threads, {}, interrupted, [&] { return trainer_->run_window(std::move(window)); });
  }

  bool end_epoch(ThreadBudget& threads, const OptionalFunction& on_epoch,
                 const OptionalFunction& interrupted) override {
    return compute(threads, on_epoch, interrupted, [&] { return trainer_->end_epoch(); });
  }

  void interrupt() override { trainer_->interrupt(); }

  py::dict finish() override { return finished(trainer_->finish()); }

  py::dict state() override {
    if (interrupted_ || trainer_->was_interrupted())
      throw std::runtime_error("training was interrupted within an epoch: there is no state to go on from");
    const StateWriter writer;
    trainer_->visit_state(writer);
    return writer.to;
  }

  void restore(const py::dict& state) override {
    for (const bool assigns : {false, true}) {  // so that nothing has changed when a check fails
      StateReader reader(state, assigns);
      trainer_->visit_state(reader);
      reader.check_end();
    }
  }

 private:
  /** Calls f, which trains, without the GIL; returns whether training continues. */
  template <class F>
  bool compute(ThreadBudget& threads, const OptionalFunction& on_epoch, const OptionalFunction& interrupted, F&& f) {
    const ThreadBudget::Part part(threads);
    trainer_->threads = [&] { return part.threads(); };
    trainer_->interrupted = [&] {
      return callbacks_.ask(
          [&] {
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            return interrupted && (*interrupted)().template cast<bool>();
          },
          true);
    };
    trainer_->on_epoch = nullptr;
    if (on_epoch)
      trainer_->on_epoch = [&](const EpochRecord& record) {
        return callbacks_.ask([&] { return answer_of(*on_epoch, record); }, EpochAnswer{true, {}});
      };
    bool goes_on;
    {
      const py::gil_scoped_release release;
      goes_on = f();
    }
    interrupted_ = callbacks_.were_interrupted() || interrupted_;
    return goes_on && !interrupted_;
  }
  py::dict finished(TrainResult result) const {
    if (interrupted_ && result.reason != StopReason::diverged) result.reason = StopReason::interrupted;
    return dict_of(result);
  }

  BoundNetwork<T>& network_;
  LossOptions loss_;
  OptionalFunction own_loss_;
  TargetMemory validation_memory_;
  std::vector<TargetMemory> other_memory_;
  Callbacks callbacks_;
  bool interrupted_ = false;  // by Ctrl-C
  std::optional<Trainer<T>> trainer_;
};

/** The user's function, if the options have one for a loss. */
OptionalFunction own_loss_of(const py::dict& options) {
  if (py::isinstance<py::function>(options["loss"])) return options["loss"].cast<py::function>();
  return {};
}

/** A whole fit of a table in memory. */
template <class T>
py::dict train(BoundNetwork<T>& network, Optimizer<T>& optimizer, const Standardisation* inputs, const py::tuple& part,
               const std::optional<py::tuple>& validation, const py::dict& options, ThreadBudget& threads,
               const OptionalFunction& on_epoch, const OptionalFunction& interrupted) {
  TrainOptions parsed = train_options(options);
  parsed.n_threads = threads.threads();
  const auto n_rows = static_cast<Index>(py::len(part[part[3].is_none() ? 1 : 3]));
  TrainingOf<T> training(network, optimizer, inputs, validation, {}, parsed.for_rows(n_rows), own_loss_of(options));
  return training.train(part, threads, on_epoch, interrupted, {});
}

template <class T>
std::unique_ptr<BoundTraining> make_training(BoundNetwork<T>& network, Optimizer<T>& optimizer,
                                             const Standardisation* inputs, const std::optional<py::tuple>& validation,
                                             const py::dict& options, int n_threads,
                                             const std::vector<py::tuple>& others) {
  TrainOptions parsed = train_options(options);
  parsed.steps_per_epoch = options["steps_per_epoch"].cast<double>();
  parsed.n_threads = n_threads;
  return std::make_unique<TrainingOf<T>>(network, optimizer, inputs, validation, others, parsed, own_loss_of(options));
}

template <class T>
void register_training_of(py::module_& m, py::class_<BoundTraining>& training) {
  m.def("train", &train<T>, arg("network"), arg("optimizer"), arg("inputs"), arg("train"), arg("validation"),
        arg("options"), arg("threads"), arg("on_epoch"), arg("interrupted"));
  training.def(py::init(&make_training<T>),
               // The core holds no references to Python objects: these must outlive it.
               py::keep_alive<1, 2>(), py::keep_alive<1, 3>(), py::keep_alive<1, 4>(), py::keep_alive<1, 5>(),
               py::keep_alive<1, 8>(), arg("network"), arg("optimizer"), arg("inputs"), arg("validation"),
               arg("options"), arg("n_threads"), arg("others") = py::tuple());
}

}  // namespace

void register_training(py::module_& m) {
  py::class_<ThreadBudget>(m, "ThreadBudget")
      .def(py::init<int, int>(), arg("threads"), arg("trainings"))
      .def_property_readonly("threads", &ThreadBudget::threads);
  py::class_<BoundTraining> training(m, "Training");
  register_training_of<float>(m, training);
  register_training_of<double>(m, training);
  training
      .def("train", &BoundTraining::train, arg("part"), arg("threads"), arg("on_epoch"), arg("interrupted"),
           arg("between_epochs"))
      .def("run", &BoundTraining::run, arg("part"), arg("threads"), arg("interrupted"))
      .def("end_epoch", &BoundTraining::end_epoch, arg("threads"), arg("on_epoch"), arg("interrupted"))
      .def("interrupt", &BoundTraining::interrupt)
      .def("finish", &BoundTraining::finish)
      .def("state", &BoundTraining::state)
      .def("restore", &BoundTraining::restore, arg("state"));
}

}  // namespace fastmlp::bindings
