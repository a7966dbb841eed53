// RowPredictor: predictions of single rows, from Python's objects to Python's objects.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bindings/gil.h"
#include "bindings/row_reader.h"
#include "core/error.h"
#include "kernels/gather.h"
#include "predict/decoding.h"
#include "predict/predictor.h"

namespace fastmlp::bindings {
namespace {

using py::arg;

/** The row as the networks read it, in float64; None where it is not plain. */
py::object encode(const RowReader& reader, py::handle row) {
  EncodedRow encoded;
  if (!reader.read(row, encoded)) return py::none();
  py::array_t<double> numbers({Index{1}, reader.encoded()});
  gather<double>(encoded.table, {}, nullptr, 0, {numbers.mutable_data(), 1, reader.encoded(), reader.encoded()});
  return numbers;
}

/** Predictions that are numbers. */
struct Numbers {
  NumberDecoding decoding;
  bool single;  // a number, not an array of one

  bool fits(Index n) const { return decoding.fits(n) && (!single || (n == 1 && !decoding.sorts)); }
};

/** Predictions that are classes, or several labels of a row. */
struct Classes {
  py::tuple labels;
  bool multilabel;

  bool fits(Index n) const { return static_cast<Index>(labels.size()) == (multilabel || n > 1 ? n : 2); }
};

template <class T>
class RowPredictor {
 public:
  RowPredictor(std::shared_ptr<const Predictor<T>> networks, const RowReader& reader,
               std::variant<Numbers, Classes> decoding)
      : networks_(std::move(networks)), reader_(reader), decoding_(std::move(decoding)) {
    if (networks_->stack().takes_sparse() || networks_->stack().inputs() != reader_.encoded())
      invalid("reader", "must encode rows as the networks read them");
    if (!std::visit([&](const auto& own) { return own.fits(networks_->outputs()); }, decoding_))
      invalid("decoding", "must be made for " + std::to_string(networks_->outputs()) + " outputs");
  }

  /** None where the row is not plain, and where its label is left to others: see most_probable. */
  py::object predict(py::handle row) const {
    return with_outputs(row, [&](const T* outputs, Index n) {
      if (const auto* numbers = std::get_if<Numbers>(&decoding_)) return decoded(*numbers, outputs, n);
      const Classes& classes = std::get<Classes>(decoding_);
      if (!classes.multilabel) {
        const Index best = most_probable(outputs, n);
        return best < 0 ? py::none() : py::object(classes.labels[static_cast<std::size_t>(best)]);
      }
      py::array_t<std::int64_t> labels(n);
      for (Index k = 0; k < n; ++k) {
        const int is = is_probable(outputs[k]);
        if (is < 0) return py::object(py::none());
        labels.mutable_data()[k] = is;
      }
      return py::object(std::move(labels));
    });
  }

  py::object outputs(py::handle row) const {
    return with_outputs(row,
                        [&](const T* outputs, Index n) { return py::object(py::array_t<T>({Index{1}, n}, outputs)); });
  }

  py::object predict_proba(py::handle row) const {
    return with_outputs(row, [&](const T* outputs, Index n) {
      const bool multilabel = std::get<Classes>(decoding_).multilabel;
      py::array_t<double> probabilities(n + (n == 1 && !multilabel));
      double* const to = probabilities.mutable_data();
      if (multilabel)
        std::copy_n(outputs, n, to);
      else
        class_probabilities(outputs, n, to);
      return py::object(std::move(probabilities));
    });
  }

 private:
  /** f(outputs, n) of a row; None where it is not plain. */
  template <class F>
  py::object with_outputs(py::handle row, F&& f) const {
    EncodedRow encoded;
    if (!reader_.read(row, encoded)) return py::none();
    constexpr Index kFew = 32;
    const Index n = networks_->outputs();
    T few[kFew];
    std::vector<T> many(n > kFew ? static_cast<std::size_t>(n) : 0);
    T* const outputs = n > kFew ? many.data() : few;
    {
      const WithoutGil released(1, networks_->work_per_row());
      networks_->predict(encoded.table, outputs, 1);
    }
    return f(outputs, n);
  }

  static py::object decoded(const Numbers& numbers, const T* outputs, Index n) {
    if (numbers.single) {
      double number;
      numbers.decoding.decode(outputs, n, &number);
      return py::float_(number);
    }
    py::array_t<double> all(n);
    numbers.decoding.decode(outputs, n, all.mutable_data());
    return all;
  }

  std::shared_ptr<const Predictor<T>> networks_;
  RowReader reader_;
  std::variant<Numbers, Classes> decoding_;
};

template <class T>
void register_row_predictor(py::module_& m, const std::string& suffix) {
  using Bound = RowPredictor<T>;
  py::class_<Bound>(m, ("RowPredictor" + suffix).c_str())
      .def(py::init<std::shared_ptr<Predictor<T>>, const RowReader&, std::variant<Numbers, Classes>>(), arg("networks"),
           arg("reader"), arg("decoding"))
      .def("predict", &Bound::predict, arg("row"))
      .def("outputs", &Bound::outputs, arg("row"))
      .def("predict_proba", &Bound::predict_proba, arg("row"));
}

}  // namespace

void register_rows(py::module_& m) {
  py::class_<RowReader>(m, "RowReader")
      .def(py::init([](py::object names, const py::list& columns, Index encoded, py::tuple types, bool takes_missing) {
             std::vector<RowReader::Column> own;
             for (const py::handle column : columns) {
               const auto of = column.cast<py::tuple>();
               own.push_back(
                   {of[0].cast<Index>(), of[1].cast<Index>(), of[2], of[3].cast<double>(), of[4].cast<bool>()});
               if (own.back().codes.is_none()) own.back().codes = py::object();
             }
             return RowReader(std::move(names), std::move(own), encoded, std::move(types), takes_missing);
           }),
           arg("names"), arg("columns"), arg("encoded"), arg("types"), arg("takes_missing"))
      .def("encode", &encode, arg("row"));
  py::class_<Numbers>(m, "NumberDecoding")
      .def(py::init([](std::vector<double> unit, std::vector<double> shift, std::vector<double> lowest,
                       std::vector<double> highest, bool sorts, bool single) {
             return Numbers{{std::move(unit), std::move(shift), std::move(lowest), std::move(highest), sorts}, single};
           }),
           arg("unit"), arg("shift"), arg("lowest"), arg("highest"), arg("sorts"), arg("single"));
  py::class_<Classes>(m, "ClassDecoding")
      .def(py::init([](py::tuple labels, bool multilabel) { return Classes{std::move(labels), multilabel}; }),
           arg("labels"), arg("multilabel"));
  register_row_predictor<float>(m, "F32");
  register_row_predictor<double>(m, "F64");
}

}  // namespace fastmlp::bindings
