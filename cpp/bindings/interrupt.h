// Ctrl-C while the core works.
#pragma once

#include <pybind11/pybind11.h>

namespace fastmlp::bindings {

/** Runs the handlers of pending signals and throws what they raise, such as KeyboardInterrupt. Without the GIL. */
inline void check_signals() {
  const pybind11::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
}

}  // namespace fastmlp::bindings
