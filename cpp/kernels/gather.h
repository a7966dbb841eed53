// Rows of a table, wherever and in whatever type it lies, into a block of network inputs.
#pragma once

#include <cstdint>
#include <vector>

#include "core/matrix.h"

namespace fastmlp {

enum class Scalar { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

/** A view of a table of numbers in the caller's memory; strides in bytes. */
struct Table {
  const char* data = nullptr;
  Scalar type = Scalar::f32;
  Index rows = 0;
  Index cols = 0;
  Index row_stride = 0;
  Index col_stride = 0;
};

/** How columns of a table are transformed before the network reads them: x <- (x - shift) * scale, empty: x as it is.
 * In the first `n_filled` columns NaN, a missing number, then becomes 0, and with `clips` x <- x / sqrt(1 + (x / 3)^2)
 * compresses outliers (Holzmueller et al. 2024, arXiv:2407.04491, "smooth clipping"). With `keeps_order` rounding
 * never turns two numbers round: what is computed of the greater one, here and of a predictor's outputs, is not less.
 */
class Standardisation {
 public:
  Standardisation() = default;
  Standardisation(std::vector<double> shift, std::vector<double> scale, Index n_filled = 0, bool clips = false,
                  bool keeps_order = false);

  bool empty() const { return shift_.empty(); }
  /** Whether it fits a table with this number of columns. */
  bool fits(Index columns) const {
    return (empty() || static_cast<Index>(shift_.size()) == columns) && n_filled_ <= columns;
  }
  Index n_filled() const { return n_filled_; }
  bool clips() const { return clips_; }
  bool keeps_order() const { return keeps_order_; }
  template <class T>
  const T* shift() const;
  template <class T>
  const T* scale() const;

 private:
  std::vector<double> shift_, scale_;
  std::vector<float> shift_f32_, scale_f32_;
  Index n_filled_ = 0;
  bool clips_ = false, keeps_order_ = false;
};

/** out.row(i) <- table row rows[i], or row first + i where rows is null, standardised. The subtraction is done in the
 * wider precision of the table's and the network's, so that large offsets do not cost digits. Rows of `out` are aligned
 * to cache lines and reach to the end of their last one; padding after the columns is left unchanged. `following`:
 * how many row numbers follow these in `rows`; their rows are prefetched. */
template <class T>
void gather(const Table& table, const Standardisation& standardisation, const std::uint32_t* rows, Index first,
            Matrix<T> out, Index following = 0);

}  // namespace fastmlp
