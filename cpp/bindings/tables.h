// Tables as the core reads them, from NumPy arrays.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <variant>
#include <vector>

#include "kernels/gather.h"
#include "nn/stack.h"
#include "train/step.h"

namespace fastmlp::bindings {

namespace py = pybind11;

/** A C-contiguous array of T; anything else is converted by pybind11. */
template <class T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

/** The core's name of a type of numbers in the machine's byte order, if it knows it. */
std::optional<Scalar> scalar_type(const py::dtype& dtype);

/** A 2-D array of numbers in any layout, without a copy. */
Table table_of(const py::array& x, Index columns, const char* name);

/** The same, for a stack that takes dense rows. */
template <class T>
Table table_for(const py::array& x, const Stack<T>& stack, const char* name) {
  if (stack.takes_sparse()) invalid(name, "must be sparse, as the network is");
  return table_of(x, stack.inputs(), name);
}

/** A sparse matrix as the tuple (values, columns, starts) of its rows, as in SciPy's csr_array. The arrays must outlive
 * the result. */
template <class T>
SparseTable<T> sparse_table_of(const py::tuple& x, Index columns, const char* name);

/** X as Python passes it: an array or, for a network that takes sparse rows, the tuple of its parts. */
using TableObject = std::variant<py::array, py::tuple>;

/** Calls f with x as the Table or the SparseTable<T> that the stack takes. */
template <class T, class F>
auto visit_table(const TableObject& x, const Stack<T>& stack, const char* name, F&& f) {
  if (const py::array* dense = std::get_if<py::array>(&x)) return f(table_for(*dense, stack, name));
  if (!stack.takes_sparse()) invalid(name, "must not be sparse");
  return f(sparse_table_of<T>(std::get<py::tuple>(x), stack.inputs(), name));
}

/** Samples with x as their table, and without targets. */
template <class T>
Samples<T> samples_of(const TableObject& x, const Stack<T>& stack, const char* name) {
  Samples<T> samples;
  visit_table<T>(x, stack, name, [&](const auto& table) { samples.use(table); });
  return samples;
}

/** The given standardisation, which must fit, or an empty one for null. Not a copy, which would take 24 bytes per
 * column: the argument must outlive the result. */
const Standardisation& standardisation_for(const Standardisation* inputs, Index columns);

/** Row numbers of a table with table_rows rows, copied: another thread may write to them while the GIL is released. */
std::vector<std::uint32_t> row_numbers(const Array<std::uint32_t>& numbers, Index table_rows, const std::string& name,
                                       const std::string& table);

/** For messages. */
std::string shape_of(const py::array& a);

}  // namespace fastmlp::bindings
