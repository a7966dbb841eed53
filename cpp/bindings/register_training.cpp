// train(): one call for a whole fit, without the GIL but for the callback and the look at Ctrl-C.
#include <exception>

#include "bindings/arrays.h"
#include "train/trainer.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

const char* reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::max_iter: return "max_iter";
    case StopReason::no_improvement: return "no_improvement";
    case StopReason::callback: return "callback";
    case StopReason::interrupted: return "interrupted";
    case StopReason::diverged: return "diverged";
  }
  return "";
}

TrainOptions train_options(const py::dict& from) {
  TrainOptions to;
  const auto number = [&](const char* key) { return from[key].cast<double>(); };
  to.step.loss = loss_options(from["loss"].cast<std::string>(), number("delta"), number("quantile"),
                              number("label_smoothing"));
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
  to.early_stopping = from["early_stopping"].cast<bool>();
  to.n_threads = from["n_threads"].cast<int>();
  to.seed = from["seed"].cast<std::uint64_t>();
  if (to.batch_size < 1) invalid("batch_size", "must be at least 1; got " + std::to_string(to.batch_size));
  if (to.max_iter < 1) invalid("max_iter", "must be at least 1; got " + std::to_string(to.max_iter));
  return to;
}

template <class T>
Dataset<T> dataset_of(const Network<T>& network, LossKind loss, const py::array& x, const py::array& y,
                      const std::optional<Array<T>>& weights, const std::optional<Array<std::uint32_t>>& rows,
                      const std::string& suffix) {
  Dataset<T> data;
  data.x = table_of(x, network.stack().inputs(), ("X" + suffix).c_str());
  if (data.x.rows < 1) invalid("X" + suffix, "must have at least one row");
  data.y = targets_of<T>(y, loss, data.x.rows, network.stack().outputs(), ("y" + suffix).c_str());
  data.weights = weights_of<T>(weights, data.x.rows, ("sample_weight" + suffix).c_str());
  if (rows) {
    data.rows.assign(rows->data(), rows->data() + rows->size());
    for (const std::uint32_t row : data.rows)
      if (static_cast<Index>(row) >= data.x.rows) invalid("rows" + suffix, "must be row numbers of X" + suffix);
  } else {
    data.use_all_rows();
  }
  return data;
}

template <class T>
py::dict train(Network<T>& network, Optimizer<T>& optimizer, const std::optional<Array<double>>& shift,
               const std::optional<Array<double>>& scale, const py::array& x, const py::array& y,
               const std::optional<Array<T>>& sample_weight, const std::optional<Array<std::uint32_t>>& rows,
               const std::optional<py::array>& x_val,
               const std::optional<py::array>& y_val, const std::optional<Array<T>>& sample_weight_val,
               const std::optional<Array<std::uint32_t>>& rows_val, const py::dict& options, const std::optional<py::function>& on_epoch) {
  const TrainOptions parsed = train_options(options);
  const Standardisation inputs = standardisation_of(shift, scale, network.stack().inputs());
  const LossKind loss = parsed.step.loss.kind;
  const Dataset<T> train = dataset_of(network, loss, x, y, sample_weight, rows, "");
  Dataset<T> validation;
  if (x_val) validation = dataset_of(network, loss, *x_val, *y_val, sample_weight_val, rows_val, "_val");

  // An exception cannot cross the team; it is kept until all threads have left.
  std::exception_ptr raised;
  const auto with_python = [&](auto&& ask) {
    const py::gil_scoped_acquire acquire;
    try {
      return ask();
    } catch (...) {
      raised = std::current_exception();
      return true;
    }
  };
  TrainResult result;
  {
    const py::gil_scoped_release release;
    Trainer<T> trainer(network, optimizer, inputs, train, validation, parsed);
    trainer.interrupted = [&] {
      return with_python([] {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        return false;
      });
    };
    if (on_epoch)
      trainer.on_epoch = [&](const EpochRecord& record) {
        return with_python([&] {
          return (*on_epoch)(record.epoch, record.loss, record.validation_loss, record.learning_rate)
              .template cast<bool>();
        });
      };
    result = trainer.run();
  }
  if (raised) {
    try {
      std::rethrow_exception(raised);
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_KeyboardInterrupt)) throw;
      result.reason = StopReason::interrupted;
    }
  }
  py::dict out;
  out["loss_curve"] = result.loss_curve;
  out["validation_curve"] = result.validation_curve;
  out["learning_rates"] = result.learning_rates;
  out["n_iter"] = result.n_iter;
  out["best_epoch"] = result.best_epoch;
  out["reason"] = reason_name(result.reason);
  return out;
}

template <class T>
void register_for(py::module_& m) {
  m.def("train", &train<T>, arg("network"), arg("optimizer"), arg("shift"), arg("scale"), arg("X"), arg("y"),
        arg("sample_weight"), arg("rows"), arg("X_val"), arg("y_val"), arg("sample_weight_val"), arg("rows_val"), arg("options"), arg("on_epoch"));
}

}  // namespace

void register_training(py::module_& m) {
  register_for<float>(m);
  register_for<double>(m);
}

}  // namespace fastmlp::bindings
