// Ctrl-C while the core works.
#pragma once

#include <pybind11/pybind11.h>

namespace fastmlp::bindings {

/** Python's main thread, the only one that runs handlers of signals; set when the module is imported. */
inline unsigned long main_thread = 0;

/** Runs the handlers of pending signals and throws what they raise, such as KeyboardInterrupt. Called without the GIL;
 * takes it on the main thread alone, so that other threads never wait for it. */
inline void check_signals() {
  if (PyThread_get_thread_ident() != main_thread) return;
  const pybind11::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
}

}  // namespace fastmlp::bindings
