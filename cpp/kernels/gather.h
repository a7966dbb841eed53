// Rows of a table, wherever and in whatever type it lies, into a block of network inputs.
#pragma once

#include <cstdint>
#include <vector>

#include "core/matrix.h"

namespace fastmlp {

enum class Scalar { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

/** A table of numbers that belongs to somebody else; strides in bytes. */
struct Table {
  const char* data = nullptr;
  Scalar type = Scalar::f32;
  Index rows = 0;
  Index cols = 0;
  Index row_stride = 0;
  Index col_stride = 0;
};

/** x <- (x - shift) * scale for every column; empty: x as it is. */
class Standardisation {
 public:
  Standardisation() = default;
  Standardisation(std::vector<double> shift, std::vector<double> scale);

  bool empty() const { return shift_.empty(); }
  template <class T>
  const T* shift() const;
  template <class T>
  const T* scale() const;

 private:
  std::vector<double> shift_, scale_;
  std::vector<float> shift_f32_, scale_f32_;
};

/** out.row(i) <- table row rows[i], or row first + i where rows is null, standardised. The subtraction is done in the
 * wider precision of the table's and the network's, so that large offsets do not cost digits; padding of `out` is left
 * alone. `following`: how many more row numbers there are behind these, to be gathered next; their rows are fetched
 * ahead. */
template <class T>
void gather(const Table& table, const Standardisation& standardisation, const std::uint32_t* rows, Index first,
            Matrix<T> out, Index following = 0);

}  // namespace fastmlp
