#include "bindings/parameter_arrays.h"

#include <cstring>

namespace fastmlp::bindings {

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

#define FASTMLP_INSTANTIATE(T)                                             \
  template bool holds(const Stack<T>&, const Buffer<T>&, const py::list&); \
  template py::array_t<T> view(T*, const std::vector<Index>&, const std::vector<Index>&, py::handle);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp::bindings
