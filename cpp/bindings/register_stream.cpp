// WindowReader: the rows of a cache on disk, a window after the other, as NumPy arrays.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <string>
#include <tuple>
#include <utility>

#include "bindings/interrupt.h"
#include "core/names.h"
#include "stream/input_file.h"
#include "stream/window_reader.h"

namespace fastmlp::bindings {
namespace {

namespace py = pybind11;
using py::arg;

RowFormat row_format(const py::dict& from) {
  RowFormat to;
  const auto [target_type, n_targets] = from["targets"].cast<std::pair<std::string, Index>>();
  to.target_type = value_of<TargetType>(target_type, kTargetTypeNames, "targets");
  to.n_targets = n_targets;
  to.has_weights = from["weights"].cast<bool>();
  const auto [number_type, n_numbers] = from["numbers"].cast<std::pair<std::string, Index>>();
  to.number_type = value_of<NumberType>(number_type, kNumberTypeNames, "numbers");
  to.n_numbers = n_numbers;
  for (const std::string& type : from["codes"].cast<std::vector<std::string>>())
    to.codes.push_back(value_of<CodeType>(type, kCodeTypeNames, "codes"));
  return to;
}

ColumnSource column_source(const py::tuple& from) {
  static constexpr std::array kKinds = {"number", "is_missing", "code", "constant"};
  ColumnSource to;
  to.kind = value_of<ColumnSource::Kind>(from[0].cast<std::string>(), kKinds, "columns");
  if (to.kind == ColumnSource::Kind::constant) return to;
  to.position = from[1].cast<Index>();
  if (to.kind == ColumnSource::Kind::code) to.table = from[2].cast<std::vector<float>>();
  return to;
}

/** What next() returns: a window, and the format that its targets have. */
struct BoundWindow {
  std::shared_ptr<const Window> window;
  TargetType target_type;
  Index n_targets;
};

/** Memory of a window as an array that cannot be written to and keeps the window alive. */
template <class T>
py::array read_only_view(const py::object& bound, const T* data, const std::vector<Index>& shape) {
  py::array_t<T> array(shape, data, bound);
  array.attr("flags").attr("writeable") = false;
  return array;
}

template <class T>
py::array window_targets_as(const py::object& bound, const BoundWindow& own) {
  const auto* data = reinterpret_cast<const T*>(own.window->targets.data());
  return read_only_view(bound, data, {own.window->n_rows, own.n_targets});
}

py::array window_targets(const py::object& bound) {
  const auto& own = bound.cast<const BoundWindow&>();
  switch (own.target_type) {
    case TargetType::f32: return window_targets_as<float>(bound, own);
    case TargetType::f64: return window_targets_as<double>(bound, own);
    default: return window_targets_as<std::int32_t>(bound, own);
  }
}

}  // namespace

void register_stream(py::module_& m) {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const FileError& error) {
      // The name of a file may hold bytes that are not text.
      PyErr_SetObject(PyExc_OSError, py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(error.what())).ptr());
    }
  });
  py::class_<BoundWindow>(m, "Window")
      .def_property_readonly("X",
                             [](const py::object& bound) {
                               const Window& window = *bound.cast<const BoundWindow&>().window;
                               return read_only_view(bound, window.X.data(), {window.n_rows, window.n_columns});
                             })
      .def_property_readonly("y", &window_targets)
      .def_property_readonly("weights",
                             [](const py::object& bound) -> py::object {
                               const Window& window = *bound.cast<const BoundWindow&>().window;
                               if (window.weights.size() == 0) return py::none();
                               return read_only_view(bound, window.weights.data(), {window.n_rows});
                             })
      .def_property_readonly("hash", [](const py::object& bound) {
        const Window& window = *bound.cast<const BoundWindow&>().window;
        return read_only_view(bound, window.hash.data(), {window.n_rows});
      });
  py::class_<WindowReader>(m, "WindowReader")
      .def(py::init([](const std::filesystem::path& path, const py::dict& sections, const py::list& columns,
                       const std::vector<std::tuple<Index, Index, std::uint32_t>>& groups, Index max_rows) {
             std::vector<ColumnSource> sources;
             for (const py::handle column : columns) sources.push_back(column_source(column.cast<py::tuple>()));
             std::vector<RowGroup> in_file;
             for (const auto& [offset, n_rows, checksum] : groups) in_file.push_back({offset, n_rows, checksum});
             return std::make_unique<WindowReader>(path, RowDecoder(row_format(sections), std::move(sources)),
                                                   std::move(in_file), max_rows);
           }),
           arg("path"), arg("sections"), arg("columns"), arg("groups"), arg("max_rows"))
      .def("begin", &WindowReader::begin, arg("windows"), py::call_guard<py::gil_scoped_release>())
      .def("next", [](WindowReader& reader) -> std::optional<BoundWindow> {
        std::shared_ptr<const Window> window;
        {
          const py::gil_scoped_release release;
          window = reader.next(check_signals);
        }
        if (!window) return {};
        const RowFormat& format = reader.decoder().format();
        return BoundWindow{std::move(window), format.target_type, format.n_targets};
      });
}

}  // namespace fastmlp::bindings
