// The network that Python holds.
#pragma once

#include <memory>

#include "train/backward.h"

namespace fastmlp::bindings {

template <class T>
struct BoundNetwork : Network<T> {
  using Network<T>::Network;

  /** The memory of the last backward pass, for the next one. A call takes it out and puts it back while it holds the
   * GIL, so a second call at the same time uses its own. It lives as long as the network. */
  std::unique_ptr<Backward<T>> idle_backward;
};

}  // namespace fastmlp::bindings
