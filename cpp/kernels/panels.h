// Rows of packets cut into panels whose sums fit into registers.
#pragma once

#include "core/types.h"

namespace fastmlp {

/** Calls f<p>(first), p from 1 to 8, for panels of p packets from packet `first` on, nearly equal ones. */
template <class F>
inline void for_each_panel(Index packets, F&& f) {
  constexpr Index kMost = 8;
  const Index panels = ceil_div(packets, kMost);
  for (Index i = 0; i < panels; ++i) {
    const Index first = packets * i / panels;
    switch (packets * (i + 1) / panels - first) {
      case 1: f.template operator()<1>(first); break;
      case 2: f.template operator()<2>(first); break;
      case 3: f.template operator()<3>(first); break;
      case 4: f.template operator()<4>(first); break;
      case 5: f.template operator()<5>(first); break;
      case 6: f.template operator()<6>(first); break;
      case 7: f.template operator()<7>(first); break;
      default: f.template operator()<8>(first); break;
    }
  }
}

}  // namespace fastmlp
