#include "bindings/tables.h"

#include <algorithm>
#include <string>

namespace fastmlp::bindings {
namespace {

Scalar scalar_of(const py::dtype& dtype, const char* name) {
  const char order = dtype.byteorder();
  if (order != '=' && order != '|') invalid(name, "must be in the machine's byte order");
  if (const std::optional<Scalar> scalar = scalar_type(dtype)) return *scalar;
  invalid(name, "must hold float32, float64 or integer numbers; got dtype " + std::string(py::str(dtype)));
}

}  // namespace

std::optional<Scalar> scalar_type(const py::dtype& dtype) {
  const char kind = dtype.kind(), order = dtype.byteorder();
  const auto size = dtype.itemsize();
  if (order != '=' && order != '|') return {};
  if (kind == 'f' && size == 4) return Scalar::f32;
  if (kind == 'f' && size == 8) return Scalar::f64;
  if (kind == 'i') return size == 1 ? Scalar::i8 : size == 2 ? Scalar::i16 : size == 4 ? Scalar::i32 : Scalar::i64;
  if (kind == 'u') return size == 1 ? Scalar::u8 : size == 2 ? Scalar::u16 : size == 4 ? Scalar::u32 : Scalar::u64;
  return {};
}

std::string shape_of(const py::array& a) { return std::string(py::str(a.attr("shape"))); }

Table table_of(const py::array& x, Index columns, const char* name) {
  if (x.ndim() != 2) invalid(name, "must be 2-D (rows x features); got shape " + shape_of(x));
  if (x.shape(1) != columns)
    invalid(name, "must have " + std::to_string(columns) + " columns; got shape " + shape_of(x));
  if (x.shape(0) > Index{0xffffffff}) invalid(name, "must have fewer than 2^32 rows");
  return {static_cast<const char*>(x.data()),
          scalar_of(x.dtype(), name),
          x.shape(0),
          x.shape(1),
          x.strides(0),
          x.strides(1)};
}

template <class T>
SparseTable<T> sparse_table_of(const py::tuple& x, Index columns, const char* name) {
  const auto part = [&]<class Number>(std::size_t i) {
    if (x.size() != 3 || !py::isinstance<py::array_t<Number, py::array::c_style>>(x[i]))
      invalid(name, "must be (values of the network's dtype, columns as int32, starts of the rows as int64)");
    return py::reinterpret_borrow<py::array>(x[i]);
  };
  const py::array values = part.template operator()<T>(0);
  const py::array places = part.template operator()<std::int32_t>(1);
  const py::array starts = part.template operator()<std::int64_t>(2);
  const Index rows = starts.size() - 1, entries = std::min(values.size(), places.size());
  if (rows < 0) invalid(name, "must have at least one start");
  if (rows > Index{0xffffffff}) invalid(name, "must have fewer than 2^32 rows");
  const SparseTable<T> table{static_cast<const T*>(values.data()),
                             static_cast<const std::int32_t*>(places.data()),
                             static_cast<const std::int64_t*>(starts.data()),
                             rows,
                             columns,
                             entries};
  bool holds = true;
  std::int64_t start = read_once(table.starts);
  for (Index i = 0; i < rows; ++i) {
    const std::int64_t end = read_once(table.starts + i + 1);
    if (start < 0 || end < start || end > entries)
      invalid(name, "must have starts of rows that rise from 0 to the number of values");
    std::int32_t before = 0;
    for (std::int64_t e = start; e < end; ++e) {
      const std::int32_t column = read_once(table.columns + e);
      holds = holds && column >= before && column < columns;
      before = column;
    }
    start = end;
  }
  if (!holds)
    invalid(name, "must have columns from 0 to " + std::to_string(columns - 1) + " that do not fall in a row");
  return table;
}

const Standardisation& standardisation_for(const Standardisation* inputs, Index columns) {
  static const Standardisation none;
  if (!inputs) return none;
  if (!inputs->fits(columns)) invalid("inputs", "must be made for tables of " + std::to_string(columns) + " columns");
  return *inputs;
}

std::vector<std::uint32_t> row_numbers(const Array<std::uint32_t>& numbers, Index table_rows, const std::string& name,
                                       const std::string& table) {
  std::vector<std::uint32_t> rows(numbers.data(), numbers.data() + numbers.size());
  for (const std::uint32_t row : rows)
    if (static_cast<Index>(row) >= table_rows) invalid(name, "must be row numbers of " + table);
  return rows;
}

template SparseTable<float> sparse_table_of(const py::tuple&, Index, const char*);
template SparseTable<double> sparse_table_of(const py::tuple&, Index, const char*);

}  // namespace fastmlp::bindings
