// train(): one call for a whole fit, without the GIL except for callbacks and to check for signals.
#include <exception>

#include "bindings/network.h"
#include "bindings/tables.h"
#include "bindings/targets.h"
#include "core/thread_budget.h"
#include "train/trainer.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

TrainOptions train_options(const py::dict& from) {
  TrainOptions to;
  const auto number = [&](const char* key) { return from[key].cast<double>(); };
  to.step.loss = loss_options(from["loss"].cast<std::string>(), number("delta"),
                              from["quantiles"].cast<std::vector<double>>(), number("label_smoothing"));
  to.step.l1 = number("l1");
  to.step.l2 = number("l2");
  to.step.max_grad_norm = number("max_grad_norm");
  to.schedule = schedule_options(from["learning_rate"].cast<std::string>(), number("learning_rate_init"),
                                 number("power_t"), number("warmup_fraction"));
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

/** Part is (X, y, sample_weight or None, row numbers or None, offset or None), X a TableObject; its arrays and `labels`
 * must outlive the result. */
template <class T>
Dataset<T> dataset_of(const Network<T>& network, LossKind loss, const py::tuple& part, const std::string& suffix,
                      Labels& labels) {
  const auto array = [&](std::size_t i) { return part[i].cast<py::array>(); };
  Dataset<T> data{samples_of(part[0].cast<TableObject>(), network.stack(), ("X" + suffix).c_str()), {}};
  const Index n_rows = data.table_rows();
  if (n_rows < 1) invalid("X" + suffix, "must have at least one row");
  data.y = targets_of<T>(array(1), loss, n_rows, network.stack().outputs(), ("y" + suffix).c_str(), labels);
  if (!part[2].is_none()) data.weights = weights_of<T>(array(2), n_rows, ("sample_weight" + suffix).c_str());
  if (part[3].is_none())
    data.use_all_rows();
  else
    data.rows = row_numbers(part[3].cast<Array<std::uint32_t>>(), n_rows, "rows" + suffix, "X" + suffix);
  if (!part[4].is_none())
    data.offset = offset_of<T>(array(4), n_rows, network.stack().outputs(), ("offset" + suffix).c_str());
  return data;
}

template <class T>
py::dict train(BoundNetwork<T>& network, Optimizer<T>& optimizer, const Standardisation* known_inputs,
               const py::tuple& train_part, const std::optional<py::tuple>& validation_part, const py::dict& options,
               ThreadBudget& threads, const std::optional<py::function>& on_epoch,
               const std::optional<py::function>& interrupted) {
  const ThreadBudget::Part part(threads);
  optimizer.check(network.stack());
  TrainOptions parsed = train_options(options);
  parsed.n_threads = threads.threads();
  const Standardisation& inputs = standardisation_for(known_inputs, network.stack().inputs());
  const LossKind loss = parsed.step.loss.kind;
  Labels labels, validation_labels;
  Dataset<T> train = dataset_of<T>(network, loss, train_part, "", labels);
  Dataset<T> validation;
  if (validation_part) validation = dataset_of<T>(network, loss, *validation_part, "_val", validation_labels);

  // What Python raises is kept until the trainer has restored the weights.
  std::exception_ptr raised;
  const auto with_python = [&](auto&& ask, auto otherwise) {
    const py::gil_scoped_acquire acquire;
    try {
      return ask();
    } catch (...) {
      raised = std::current_exception();
      return otherwise;
    }
  };
  TrainResult result;
  {
    const py::gil_scoped_release release;
    Trainer<T> trainer(network, optimizer, inputs, std::move(train), std::move(validation), parsed);
    trainer.threads = [&] { return part.threads(); };
    trainer.interrupted = [&] {
      return with_python(
          [&] {
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            return interrupted && (*interrupted)().template cast<bool>();
          },
          true);
    };
    if (on_epoch)
      trainer.on_epoch = [&](const EpochRecord& record) {
        return with_python(
            [&] {
              py::object outputs = py::none();
              if (record.outputs.rows > 0)
                outputs = py::array_t<double>({record.outputs.rows, record.outputs.cols}, record.outputs.data);
              const auto [stops, watched] = (*on_epoch)(record.epoch, record.loss, record.validation_loss,
                                                        record.learning_rate, record.seconds, outputs)
                                                .template cast<std::pair<bool, std::optional<double>>>();
              return EpochAnswer{stops, watched};
            },
            EpochAnswer{true, {}});
      };
    result = trainer.run();
  }
  if (raised) {
    try {
      std::rethrow_exception(raised);
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_KeyboardInterrupt)) throw;
      if (result.reason != StopReason::diverged) result.reason = StopReason::interrupted;
    }
  }
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
void register_train(py::module_& m) {
  m.def("train", &train<T>, arg("network"), arg("optimizer"), arg("inputs"), arg("train"), arg("validation"),
        arg("options"), arg("threads"), arg("on_epoch"), arg("interrupted"));
}

}  // namespace

void register_training(py::module_& m) {
  py::class_<ThreadBudget>(m, "ThreadBudget").def(py::init<int, int>(), arg("threads"), arg("trainings"));
  register_train<float>(m);
  register_train<double>(m);
}

}  // namespace fastmlp::bindings
