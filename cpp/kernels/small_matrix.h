// Matrices of weights in fewer bytes, which become floats where products read them. A product is, to the last bit, that
// of the floats.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/matrix.h"
#include "core/names.h"

namespace fastmlp {

/** float16 and bfloat16 are what IEEE 754 and processors call so. int8 has a scale for each column. */
enum class SmallType { float16, bfloat16, int8 };
inline constexpr std::array kSmallTypeNames = {"float16", "bfloat16", "int8"};

inline SmallType small_type_from_name(const std::string& name) {
  return value_of<SmallType>(name, kSmallTypeNames, "dtype");
}
inline Index bytes_of(SmallType type) { return type == SmallType::int8 ? 1 : 2; }

/** A row-major view. An element of int8 stands for the float nearest to its product with the column's scale. */
struct SmallMatrix {
  SmallType type;
  const std::byte* data;
  const float* scale;  // null except for int8
  Index rows, cols;
  Index stride;  // in elements; whole packets of a row may be read
};

/** Owns one. Immutable. */
class SmallWeights {
 public:
  /** Copies rows without gaps. */
  explicit SmallWeights(const SmallMatrix& from);

  operator SmallMatrix() const {
    return {type_, data_.data(), scale_.size() > 0 ? scale_.data() : nullptr, rows_, cols_, stride()};
  }
  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index n_bytes() const { return data_.size() + scale_.size() * static_cast<Index>(sizeof(float)); }

 private:
  Index stride() const { return padded<float>(cols_); }

  SmallType type_;
  Index rows_, cols_;
  Buffer<std::byte> data_;
  Buffer<float> scale_;
};

/** to <- the numbers of m from row `first` and column `column` on, which starts a line; whole lines are written. */
template <class T>
void widen(const SmallMatrix& m, Index first, Index column, Matrix<T> to);

/** c <- a b + bias for a single row; with `relu`, negative elements then become zero. */
template <class T>
void row_product_bias(const T* a, const SmallMatrix& b, const T* bias, bool relu, T* c);

}  // namespace fastmlp
