// Products of float matrices on the processor's matrix unit (Intel's AMX), which multiplies tiles of bfloat16 numbers
// into sums of float.
//
// A float is the sum of three bfloat16 numbers. The product of two such sums has nine terms, of which the six largest
// are added up: long sums are then more exact than by a chain of float multiply-adds (docs/performance.md). Both
// factors are converted on the way; a right factor may also be packed before. Every element depends on its own row and
// column alone. Infinities become NaN; the unit flushes denormal numbers to zero, so products below 2^-100 lose digits.
#pragma once

#include <cstdlib>

#include "core/matrix.h"
#include "kernels/small_matrix.h"

namespace fastmlp::matrix_unit {

/** Whether wide layers of T that are made from now on multiply here: where that is wanted, the library was built for
 * it, the processor has a unit and the system lets this process use it. The first call that might say yes asks the
 * system, for the whole process and for good. Throws where the unit is required and refused. */
template <class T>
bool in_use();
template <>
bool in_use<float>();
template <>
inline bool in_use<double>() {
  return false;
}
/** Not wanted from the start. */
void use(bool wanted, bool required = false);
/** Whether in_use() may say yes, as far as is known without asking. */
bool is_expected();

/** A matrix as stored, or its transpose. */
template <class T>
struct Factor {
  Matrix<const T> m;
  bool transposed = false;
  // Of a right factor, read instead: its copy by pack(), or one in fewer bytes.
  const T* packed = nullptr;
  const SmallMatrix* small = nullptr;
};

/** Memory for a packed depth x columns matrix, in elements of T. */
template <class T>
Index packed_size(Index depth, Index columns);
template <>
Index packed_size<float>(Index depth, Index columns);
template <>
inline Index packed_size<double>(Index, Index) {
  return 0;
}
/** Converts rows [first, last) x columns [column, end) of m, to be a right factor many times; parts start and end at
 * multiples of kPartRows rows and at whole lines, or at the end of m. */
inline constexpr Index kPartRows = 32;
void pack(Matrix<const float> m, Index first, Index last, Index column, Index end, float* packed);
inline void pack(Matrix<const double>, Index, Index, Index, Index, double*) { std::abort(); }

/** What the sums start from, and what is applied to them. */
template <class T>
struct Ends {
  const T* bias = nullptr;  // a row of them, padded as c's rows are; null: zero
  bool add = false;         // on to what c holds
  bool relu = false;
  Matrix<const T> gate = {};  // of c's shape: c becomes zero where it is not above zero
};

/** c <- a b; whole lines of c are written. Only where the unit is available. */
void product(const Factor<float>& a, const Factor<float>& b, const Ends<float>& ends, Matrix<float> c);
inline void product(const Factor<double>&, const Factor<double>&, const Ends<double>&, Matrix<double>) { std::abort(); }

}  // namespace fastmlp::matrix_unit
