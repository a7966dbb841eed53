#include "bindings/row_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "bindings/tables.h"

namespace fastmlp::bindings {
namespace {

template <class T>
const T& at(const py::array& row, Index i) {
  return *reinterpret_cast<const T*>(static_cast<const char*>(row.data()) + i * row.strides(0));
}

}  // namespace

/** The code of a label. Labels of other types may run Python's code to be compared. */
bool RowReader::code(const Column& column, PyObject* label, double& to) const {
  const bool is_text = PyUnicode_CheckExact(label);
  if (label == Py_None || (PyFloat_CheckExact(label) && std::isnan(PyFloat_AS_DOUBLE(label)))) {
    to = column.missing;
    return true;
  }
  const bool is_number = PyLong_CheckExact(label) || PyBool_Check(label) || PyFloat_CheckExact(label) ||
                         (PyIndex_Check(label) && is_numpys(label));
  if (!is_text && !is_number) return false;
  PyObject* const found = PyDict_GetItemWithError(column.codes.ptr(), label);
  if (!found) PyErr_Clear();
  to = found ? PyFloat_AsDouble(found) : 0;
  return found || (is_text && column.has_text);
}

RowReader::RowReader(py::object names, std::vector<Column> columns, Index encoded, py::tuple types, bool takes_missing)
    : names_(std::move(names)),
      columns_(std::move(columns)),
      encoded_(encoded),
      types_(std::move(types)),
      takes_missing_(takes_missing) {
  if (!names_.is_none() && (!py::isinstance<py::tuple>(names_) || py::len(names_) != columns_.size()))
    invalid("names", "must be a tuple with a name for each column");
  in_place_ = encoded_ == n_columns();
  for (Index i = 0; i < n_columns(); ++i) {
    const Column& column = columns_[static_cast<std::size_t>(i)];
    if (column.target >= encoded_ || column.flag >= encoded_) invalid("columns", "must lie in the encoded row");
    in_place_ = in_place_ && column.target == i && !column.codes && column.flag < 0;
    has_labels_ = has_labels_ || column.codes;
  }
}

bool RowReader::read(py::handle row, EncodedRow& to) const {
  PyObject* const given = row.ptr();
  if (py::isinstance<py::array>(row)) return read_array(py::reinterpret_borrow<py::array>(row), to);
  const auto counts = [&](Py_ssize_t n) { return static_cast<Index>(n) == n_columns(); };
  if (PyDict_CheckExact(given)) {
    if (names_.is_none() || !counts(PyDict_GET_SIZE(given))) return false;
    return read_objects([&](Index i) { return PyDict_GetItemWithError(given, PyTuple_GET_ITEM(names_.ptr(), i)); }, to);
  }
  if (PyList_CheckExact(given) && counts(PyList_GET_SIZE(given)))
    return read_objects([&](Index i) { return PyList_GET_ITEM(given, i); }, to);
  if (PyTuple_CheckExact(given) && counts(PyTuple_GET_SIZE(given)))
    return read_objects([&](Index i) { return PyTuple_GET_ITEM(given, i); }, to);
  return false;
}

bool RowReader::read_array(const py::array& row, EncodedRow& to) const {
  constexpr int kAligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (row.ndim() != 1 || row.size() != n_columns() || !(row.flags() & kAligned)) return false;
  const py::dtype dtype = row.dtype();
  if (dtype.kind() == 'O') return read_objects([&](Index i) { return at<PyObject*>(row, i); }, to);
  const std::optional<Scalar> type = scalar_type(dtype);
  if (!type || has_labels_) return false;
  const auto are_plain = [&]<class T>(T) {
    for (Index i = 0; i < row.size(); ++i)
      if (!is_plain(at<T>(row, i))) return false;
    return true;
  };
  if (*type == Scalar::f64 ? !are_plain(double()) : *type == Scalar::f32 && !are_plain(float())) return false;
  if (!in_place_) {
    if (*type == Scalar::f64) return read_numbers<double>(row, to);
    return *type == Scalar::f32 && read_numbers<float>(row, to);
  }
  to.table = {static_cast<const char*>(row.data()), *type, 1, n_columns(), 0, row.strides(0)};
  return true;
}

template <class T>
bool RowReader::read_numbers(const py::array& row, EncodedRow& to) const {
  return encode<T>(
      [&](Index i, const Column&, T& place) {
        place = at<T>(row, i);
        return true;
      },
      to);
}

template <class Value>
bool RowReader::read_objects(Value&& value, EncodedRow& to) const {
  return encode<double>(
      [&](Index i, const Column& column, double& place) {
        PyObject* const own = value(i);
        if (!own) {  // a dict lacks it
          PyErr_Clear();
          return false;
        }
        if (column.target < 0) return true;
        return column.codes ? code(column, own, place) : number(own, place);
      },
      to);
}

template <class T, class Read>
bool RowReader::encode(Read&& read, EncodedRow& to) const {
  T* const encoded = to.numbers<T>(encoded_);
  T unused;
  for (Index i = 0; i < n_columns(); ++i) {
    const Column& column = columns_[static_cast<std::size_t>(i)];
    T& place = column.target < 0 ? unused : encoded[column.target];
    if (!read(i, column, place)) return false;
    if (column.flag >= 0) encoded[column.flag] = std::isnan(place);
  }
  return true;
}

bool RowReader::is_numpys(PyObject* value) const {
  const py::handle type(reinterpret_cast<PyObject*>(Py_TYPE(value)));
  return std::any_of(types_.begin(), types_.end(), [&](py::handle own) { return own.is(type); });
}

template <class T>
bool RowReader::is_plain(T number) const {
  return takes_missing_ ? !std::isinf(number) : std::isfinite(number);
}

/** None and NaN are missing. */
bool RowReader::number(PyObject* value, double& to) const {
  if (PyFloat_Check(value)) {
    to = PyFloat_AS_DOUBLE(value);
  } else if (value == Py_None) {
    to = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (!PyLong_Check(value) && !is_numpys(value)) return false;
    to = PyLong_Check(value) ? PyLong_AsDouble(value) : PyFloat_AsDouble(value);
    if (PyErr_Occurred()) {
      PyErr_Clear();
      return false;
    }
  }
  return is_plain(to);
}

}  // namespace fastmlp::bindings
