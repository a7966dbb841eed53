// The network that Python holds.
#pragma once

#include <memory>

#include "train/backward.h"

namespace fastmlp::bindings {

template <class T>
struct BoundNetwork : Network<T> {
  using Network<T>::Network;

  /** Of the last backward pass, for the next; taken out and put back under the GIL, so that a call that comes meanwhile
   * has its own. */
  std::unique_ptr<Backward<T>> idle_backward;
};

}  // namespace fastmlp::bindings
