// Ctrl-C while the core works, and other threads of Python.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>

#include "core/types.h"

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

/** Releases the GIL for a prediction of so many multiply-adds, if that is worth while: a thread that waits for the GIL
 * is woken by the system, which takes as long as a small prediction. */
class WithoutGil {
 public:
  explicit WithoutGil(Index work) {
    constexpr Index kWorth = Index{1} << 19;
    if (work >= kWorth) released_.emplace();
  }

 private:
  std::optional<pybind11::gil_scoped_release> released_;
};

}  // namespace fastmlp::bindings
