#include "bindings/arrays.h"

#include <cstring>

namespace fastmlp::bindings {
namespace {

Scalar scalar_of(const py::dtype& dtype, const char* name) {
  const char kind = dtype.kind();
  const auto size = dtype.itemsize();
  if (dtype.byteorder() != '=' && dtype.byteorder() != '|') invalid(name, "must be in the machine's byte order");
  if (kind == 'f' && size == 4) return Scalar::f32;
  if (kind == 'f' && size == 8) return Scalar::f64;
  if (kind == 'i') return size == 1 ? Scalar::i8 : size == 2 ? Scalar::i16 : size == 4 ? Scalar::i32 : Scalar::i64;
  if (kind == 'u') return size == 1 ? Scalar::u8 : size == 2 ? Scalar::u16 : size == 4 ? Scalar::u32 : Scalar::u64;
  invalid(name, "must hold float32, float64 or integer numbers; got dtype " + std::string(py::str(dtype)));
}

std::string shape_of(const py::array& a) { return std::string(py::str(a.attr("shape"))); }

}  // namespace

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
  bool holds = table.starts[0] >= 0 && table.starts[rows] <= entries;
  for (Index i = 0; i < rows; ++i) holds = holds && table.starts[i] <= table.starts[i + 1];
  if (!holds) invalid(name, "must have starts of rows that rise from 0 to the number of values");
  for (Index i = 0; i < rows; ++i) {
    std::int32_t before = 0;
    for (std::int64_t e = table.starts[i]; e < table.starts[i + 1]; ++e) {
      holds = holds && table.columns[e] >= before && table.columns[e] < columns;
      before = table.columns[e];
    }
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

std::vector<LayerSpec> layer_specs(const py::list& layers) {
  std::vector<LayerSpec> specs;
  for (const py::handle item : layers) {
    const auto layer = item.cast<py::dict>();
    LayerSpec spec;
    spec.kind = layer["kind"].cast<std::string>();
    if (spec.kind == "dropout") {
      spec.rate = layer["rate"].cast<double>();
    } else if (spec.kind == "scale") {
      spec.inputs = layer["width"].cast<Index>();
    } else if (spec.kind == "embedding") {
      EmbeddingSpec& embedding = spec.embedding;
      embedding.n_numbers = layer["n_numbers"].cast<Index>();
      embedding.n_flags = layer["n_flags"].cast<Index>();
      embedding.periodic = layer["periodic"].cast<bool>();
      embedding.sigma = layer["sigma"].cast<double>();
      embedding.knots = layer["knots"].cast<std::vector<std::vector<double>>>();
      for (const auto& [size, width] : layer["categories"].cast<std::vector<std::pair<Index, Index>>>())
        embedding.categories.push_back({size, width});
    } else {
      spec.inputs = layer["inputs"].cast<Index>();
      spec.outputs = layer["outputs"].cast<Index>();
      spec.activation = layer["activation"].cast<std::string>();
      if (layer.contains("parametric")) spec.parametric = layer["parametric"].cast<bool>();
      if (layer.contains("sparse")) spec.sparse = layer["sparse"].cast<bool>();
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

template <class T>
Targets<T> targets_of(const py::array& y, LossKind loss, Index rows, Index outputs, const char* name, Labels& labels) {
  if (y.ndim() < 1 || y.shape(0) != rows)
    invalid(name, "must have as many rows as X (" + std::to_string(rows) + "); got shape " + shape_of(y));
  if (is_categorical(loss)) {
    if (!py::isinstance<py::array_t<std::int32_t, py::array::c_style>>(y) || y.ndim() != 1)
      invalid(name, "must be a 1-D int32 array of class numbers");
    const auto* given = static_cast<const std::int32_t*>(y.data());
    labels.assign(given, given + rows);
    for (std::size_t i = 0; i < labels.size(); ++i)
      if (labels[i] < 0 || labels[i] >= outputs)
        invalid(name, "must hold class numbers from 0 to " + std::to_string(outputs - 1) + "; got " +
                          std::to_string(labels[i]) + " in row " + std::to_string(i));
    return {nullptr, labels.data(), 1};
  }
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(y) || y.size() != rows * outputs)
    invalid(name, "must be a C-contiguous array of the network's dtype with " + std::to_string(outputs) +
                      " values per row; got shape " + shape_of(y));
  return {static_cast<const T*>(y.data()), nullptr, outputs};
}

std::vector<std::uint32_t> row_numbers(const Array<std::uint32_t>& numbers, Index table_rows, const std::string& name,
                                       const std::string& table) {
  std::vector<std::uint32_t> rows(numbers.data(), numbers.data() + numbers.size());
  for (const std::uint32_t row : rows)
    if (static_cast<Index>(row) >= table_rows) invalid(name, "must be row numbers of " + table);
  return rows;
}

template <class T>
const T* weights_of(const py::array& weights, Index rows, const char* name) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(weights) || weights.ndim() != 1 || weights.shape(0) != rows)
    invalid(name, "must be an array of the network's dtype with one number per row (" + std::to_string(rows) +
                      "); got shape " + shape_of(weights));
  return static_cast<const T*>(weights.data());
}

template <class T>
bool holds(const Stack<T>& stack, const Buffer<T>& parameters, const py::list& arrays) {
  std::size_t next = 0;
  for (Index i = 0; i < stack.n_layers(); ++i)
    for (const ParameterArray& own : stack.layer(i).arrays()) {
      if (next == arrays.size() || !py::isinstance<py::array_t<T>>(arrays[next])) return false;
      const auto given = py::reinterpret_borrow<py::array>(arrays[next++]);
      const Index dims = given.ndim();
      if (std::vector<Index>(given.shape(), given.shape() + dims) != own.shape) return false;
      // A bias is a single row.
      const Index rows = dims == 2 ? own.shape[0] : 1, cols = own.shape.back();
      const Index row_stride = dims == 2 ? given.strides(0) : 0, step = given.strides(dims - 1);
      const Index own_row_stride = dims == 2 ? own.strides[0] : 0, own_step = own.strides.back();
      const Index together = step == static_cast<Index>(sizeof(T)) && own_step == 1 ? cols : 1;
      for (Index row = 0; row < rows; ++row) {
        const char* from = static_cast<const char*>(given.data()) + row * row_stride;
        const T* to = parameters.data() + stack.first_parameter(i) + own.offset + row * own_row_stride;
        for (Index j = 0; j < cols; j += together)
          if (std::memcmp(from + j * step, to + j * own_step, static_cast<std::size_t>(together) * sizeof(T)) != 0)
            return false;
      }
    }
  return next == arrays.size();
}

template <class T>
py::array_t<T> view(T* data, const std::vector<Index>& shape, const std::vector<Index>& strides, py::handle owner) {
  std::vector<Index> bytes;
  for (const Index stride : strides) bytes.push_back(stride * static_cast<Index>(sizeof(T)));
  return py::array_t<T>(shape, bytes, data, owner);
}

#define FASTMLP_INSTANTIATE(T)                                                                    \
  template Targets<T> targets_of(const py::array&, LossKind, Index, Index, const char*, Labels&); \
  template SparseTable<T> sparse_table_of(const py::tuple&, Index, const char*);                  \
  template bool holds(const Stack<T>&, const Buffer<T>&, const py::list&);                        \
  template const T* weights_of<T>(const py::array&, Index, const char*);                          \
  template py::array_t<T> view(T*, const std::vector<Index>&, const std::vector<Index>&, py::handle);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp::bindings
