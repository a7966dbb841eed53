// From the bytes of row groups to the rows of a window, as networks read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/matrix.h"
#include "stream/row_format.h"

namespace fastmlp {

/** Where a column of the encoded table comes from. */
struct ColumnSource {
  enum class Kind { number, is_missing, code, constant };
  Kind kind = Kind::constant;     // a constant is 0
  Index position = 0;             // among the numbers (for `is_missing` too) or the columns of codes
  std::vector<float> table = {};  // for each code, what stands in the column
};

/** Rows of the table with what belongs to them. Of several groups the first `n_rows` rows are in use. */
struct Window {
  Window(const RowFormat& format, Index n_columns, Index max_rows);

  Index n_rows = 0;
  Index n_columns;
  Buffer<float> X;            // max_rows x n_columns, without padding
  Buffer<std::byte> targets;  // of the format's type, max_rows x n_targets
  Buffer<float> weights;      // empty without weights
  Buffer<std::uint32_t> hash;
};

class RowDecoder {
 public:
  RowDecoder(RowFormat format, std::vector<ColumnSource> columns);

  const RowFormat& format() const { return format_; }
  Index n_columns() const { return static_cast<Index>(columns_.size()); }
  /** Appends the n rows of a group, for which the window must have room. A code that its table lacks is a FileError. */
  void append(const std::byte* group, Index n_rows, Window& window) const;

 private:
  /** Neighbouring columns that are neighbouring numbers in the file. */
  struct Run {
    Index column, position, length;
  };
  void decode_numbers(const std::byte* from, Index n_rows, float* to) const;

  RowFormat format_;
  std::vector<ColumnSource> columns_;
  std::vector<Run> runs_;
};

}  // namespace fastmlp
