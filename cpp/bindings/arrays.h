// NumPy arrays as the core sees them, and the core's memory as NumPy sees it.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <variant>

#include "kernels/gather.h"
#include "nn/loss.h"
#include "nn/stack.h"
#include "train/step.h"

namespace fastmlp::bindings {

namespace py = pybind11;

/** A C-contiguous array of T; anything else is converted by pybind11. */
template <class T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

/** A 2-D array of numbers as it lies, without a copy. */
Table table_of(const py::array& x, Index columns, const char* name);

/** The same for a stack, which must not take sparse rows. */
template <class T>
Table table_for(const py::array& x, const Stack<T>& stack, const char* name) {
  if (stack.takes_sparse()) invalid(name, "must be sparse, as the network is");
  return table_of(x, stack.inputs(), name);
}

/** A sparse matrix as the tuple (values, columns, starts) of its rows, as in SciPy's csr_array. The arrays must outlive
 * the result. */
template <class T>
SparseTable<T> sparse_table_of(const py::tuple& x, Index columns, const char* name);

/** X as Python hands it over: an array, or for a network that takes sparse rows the tuple of their parts. */
using TableObject = std::variant<py::array, py::tuple>;

/** Calls f with x as the Table or the SparseTable<T> that the stack takes. */
template <class T, class F>
auto visit_table(const TableObject& x, const Stack<T>& stack, const char* name, F&& f) {
  if (const py::array* dense = std::get_if<py::array>(&x)) return f(table_for(*dense, stack, name));
  if (!stack.takes_sparse()) invalid(name, "must not be sparse");
  return f(sparse_table_of<T>(std::get<py::tuple>(x), stack.inputs(), name));
}

/** The one given, which must fit, or an empty one where there is none. It must outlive the result: a copy takes 24
 * bytes per column. */
const Standardisation& standardisation_for(const Standardisation* inputs, Index columns);

std::vector<LayerSpec> layer_specs(const py::list& layers);

/** Class numbers, copied: they are used as indices, and another thread may write to y while there is no GIL. */
using Labels = std::vector<std::int32_t>;

/** True values of `rows` rows: for categorical losses class numbers, copied to `labels`, else rows x outputs numbers.
 * `labels` or the array must outlive the result. */
template <class T>
Targets<T> targets_of(const py::array& y, LossKind loss, Index rows, Index outputs, const char* name, Labels& labels);

/** Row numbers of a table of so many rows, copied for the same reason. */
std::vector<std::uint32_t> row_numbers(const Array<std::uint32_t>& numbers, Index table_rows, const std::string& name,
                                       const std::string& table);

/** One weight per row. The array must outlive the result. */
template <class T>
const T* weights_of(const py::array& weights, Index rows, const char* name);

/** Whether a stack's parameters are these, one array after the other, bit for bit. */
template <class T>
bool holds(const Stack<T>& stack, const Buffer<T>& parameters, const py::list& arrays);

/** The core's memory as an array that keeps `owner` alive. */
template <class T>
py::array_t<T> view(T* data, const std::vector<Index>& shape, const std::vector<Index>& strides, py::handle owner);

}  // namespace fastmlp::bindings
