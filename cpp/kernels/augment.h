// How rows of network inputs are changed in training: mixed with other rows, some of their values replaced, noised.
// What is random depends on `key` and the number of a row, which is first_row + i for row i.
#pragma once

#include <cstdint>

#include "core/matrix.h"

namespace fastmlp {

/** Row i becomes shares[i] times itself plus the rest times row i of `others`. Codes, its last n_codes values, cannot
 * be added up: each is its own with the probability shares[i], or else the other row's. */
template <class T>
void mix_rows(Matrix<T> rows, Matrix<const T> others, const T* shares, Index n_codes, std::uint64_t key,
              Index first_row);

/** Each value becomes that of `others` in its place, with this probability < 1. */
template <class T>
void swap_values(Matrix<T> rows, Matrix<const T> others, double probability, std::uint64_t key, Index first_row);

/** Adds normal noise of this standard deviation. */
template <class T>
void add_input_noise(Matrix<T> rows, double deviation, std::uint64_t key, Index first_row);

}  // namespace fastmlp
