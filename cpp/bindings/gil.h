// Python's other threads while the core predicts.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <optional>

#include "core/types.h"

namespace fastmlp::bindings {

/** Releases the GIL for a prediction, if that is worth while: a thread that waits for the GIL is woken by the system,
 * which takes as long as a small prediction. */
class WithoutGil {
 public:
  WithoutGil(Index rows, Index work_per_row) {
    constexpr Index kWorth = Index{1} << 19;  // multiply-adds
    if (rows >= kWorth / std::max<Index>(work_per_row, 1)) released_.emplace();
  }

 private:
  std::optional<pybind11::gil_scoped_release> released_;
};

}  // namespace fastmlp::bindings
