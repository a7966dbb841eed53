// One row of a raw table as Python's objects, read without NumPy: numbers and known labels. Whatever else a row may
// hold is left to fastmlp's TableEncoder.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/gather.h"

namespace fastmlp::bindings {

namespace py = pybind11;

/** An encoded row: a table in the memory of Python's array, or in its own. */
class EncodedRow {
 public:
  Table table;

  /** Room for n numbers, all zero. */
  template <class T>
  T* numbers(Index n) {
    constexpr Index kSize = sizeof(T);
    std::byte* memory = few_;
    if (n * kSize > static_cast<Index>(sizeof few_)) {
      many_.resize(static_cast<std::size_t>(n * kSize));
      memory = many_.data();
    }
    T* const numbers = reinterpret_cast<T*>(memory);
    std::fill_n(numbers, n, T(0));
    table = {reinterpret_cast<const char*>(memory), kSize == 4 ? Scalar::f32 : Scalar::f64, 1, n, 0, kSize};
    return numbers;
  }

 private:
  alignas(double) std::byte few_[1024];
  std::vector<std::byte> many_;
};

class RowReader {
 public:
  /** How a column of the raw table is encoded. */
  struct Column {
    Index target = -1;      // in the encoded row; -1: the column is not used
    Index flag = -1;        // of a number, where it is missing
    py::object codes;       // of labels: a dict by Python's or NumPy's own; null: the column holds numbers
    double missing = 0;     // code of a label that is missing
    bool has_text = false;  // text without a code has the code 0
  };

  /** `names` of the columns as a tuple, or None; `encoded` is the length of an encoded row; `types` are those of
   * NumPy's numbers and text. Columns of numbers alone that keep their places are read in place. Unless it takes
   * missing numbers, a row that has some is not plain. */
  RowReader(py::object names, std::vector<Column> columns, Index encoded, py::tuple types, bool takes_missing);

  Index encoded() const { return encoded_; }
  /** Encodes a sequence, a 1-D array or a dict. False: the row is not plain. */
  bool read(py::handle row, EncodedRow& to) const;

 private:
  bool read_array(const py::array& row, EncodedRow& to) const;
  template <class T>
  bool read_numbers(const py::array& row, EncodedRow& to) const;
  template <class Value>
  bool read_objects(Value&& value, EncodedRow& to) const;
  /** Encodes a row whose columns are read by read(column number, column, place). */
  template <class T, class Read>
  bool encode(Read&& read, EncodedRow& to) const;
  // What a value stands for; false where it is not plain.
  bool number(PyObject* value, double& to) const;
  template <class T>
  bool is_plain(T number) const;
  bool code(const Column& column, PyObject* label, double& to) const;
  bool is_value(PyObject* value) const;
  bool is_numpys(PyObject* value) const;
  Index n_columns() const { return static_cast<Index>(columns_.size()); }

  py::object names_;
  std::vector<Column> columns_;
  Index encoded_;
  py::tuple types_;
  bool takes_missing_, in_place_, has_labels_ = false;
};

}  // namespace fastmlp::bindings
