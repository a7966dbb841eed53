#include "bindings/layer_specs.h"

#include <pybind11/stl.h>

#include <string>
#include <utility>

namespace fastmlp::bindings {
namespace {

std::string signs_of(const py::dict& layer) {
  return layer.contains("signs") ? layer["signs"].cast<std::string>() : std::string();
}

LayerSpec layer_spec(const py::dict& layer) {
  const auto kind = layer["kind"].cast<std::string>();
  if (kind == "dense") {
    DenseSpec spec{layer["inputs"].cast<Index>(), layer["outputs"].cast<Index>(),
                   activation_from_name(layer["activation"].cast<std::string>())};
    if (layer.contains("parametric")) spec.parametric = layer["parametric"].cast<bool>();
    if (layer.contains("sparse")) spec.sparse = layer["sparse"].cast<bool>();
    spec.signs = signs_of(layer);
    return spec;
  }
  if (kind == "dropout") return DropoutSpec{layer["rate"].cast<double>()};
  if (kind == "scale") return ScaleSpec{layer["width"].cast<Index>(), signs_of(layer)};
  if (kind == "embedding") {
    EmbeddingSpec spec{.n_numbers = layer["n_numbers"].cast<Index>(),
                       .n_flags = layer["n_flags"].cast<Index>(),
                       .periodic = layer["periodic"].cast<bool>(),
                       .sigma = layer["sigma"].cast<double>(),
                       .bin_edges = layer["bin_edges"].cast<std::vector<std::vector<double>>>()};
    for (const auto& [size, width] : layer["categories"].cast<std::vector<std::pair<Index, Index>>>())
      spec.categories.push_back({size, width});
    spec.signs = signs_of(layer);
    return spec;
  }
  invalid("kind", "must be 'dense', 'dropout', 'scale' or 'embedding'; got '" + kind + "'");
}

}  // namespace

std::vector<LayerSpec> layer_specs(const py::list& layers) {
  std::vector<LayerSpec> specs;
  for (const py::handle layer : layers) specs.push_back(layer_spec(layer.cast<py::dict>()));
  return specs;
}

}  // namespace fastmlp::bindings
