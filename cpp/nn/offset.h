// Offsets: numbers of each row that are added to a network's raw outputs, such as those of a linear model that the
// network corrects.
#pragma once

#include <cstdint>

#include "core/matrix.h"

namespace fastmlp {

/** outputs <- outputs + offset, whose rows (outputs.cols numbers each) are those given, or the first ones without. */
template <class T>
void add_offset(const T* offset, const std::uint32_t* rows, Matrix<T> outputs) {
  for (Index i = 0; i < outputs.rows; ++i) {
    const T* from = offset + (rows ? static_cast<Index>(rows[i]) : i) * outputs.cols;
    T* to = outputs.row(i);
    for (Index k = 0; k < outputs.cols; ++k) to[k] += from[k];
  }
}

}  // namespace fastmlp
