// Sums, norms and running means of arrays.
#pragma once

#include <span>

#include "core/matrix.h"

namespace fastmlp {

/** to[i] <- to[i] + from[i] for n elements, whole lines. */
template <class T>
void add_to(T* to, const T* from, Index n);

/** to[i] <- to[i] + (plus[i] - minus[i]) for n elements. */
template <class T>
void add_difference(const T* plus, const T* minus, Index n, T* to);

/** to <- (to +) the parts, whose number is a power of two, added as a binary tree; all of the same shape. */
template <class T>
void add_as_tree(std::span<const Matrix<const T>> parts, Matrix<T> to, bool add);

/** The sum of the squared gradients. */
template <class T>
double squared_norm(const Matrix<T>& gradient);

/** The sum of the squares of n numbers, in double. */
template <class T>
double squared_norm(const T* values, Index n);

/** mean <- mean + share * (w - mean); both of the same shape. */
template <class T>
void move_towards(Matrix<const T> weights, Matrix<T> mean, T share);

}  // namespace fastmlp
