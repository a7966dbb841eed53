// Activation functions and their derivatives over rows.
#pragma once

#include "core/matrix.h"
#include "core/names.h"

namespace fastmlp {

enum class Activation { identity, relu, leaky_relu, elu, selu, gelu, silu, mish, tanh, logistic, softplus };
inline constexpr std::array kActivationNames = {"identity", "relu", "leaky_relu", "elu",      "selu",    "gelu",
                                                "silu",     "mish", "tanh",       "logistic", "softplus"};

inline Activation activation_from_name(const std::string& name) {
  return value_of<Activation>(name, kActivationNames, "activation");
}

/** Whether the derivative needs z, and so a second buffer per row: elsewhere it follows from f(z). */
bool saves_derivative(Activation activation);

/** a <- f(a), whole lines of every row; where the derivative needs z and `derivative` has memory, f'(z) goes there.
 * Padding beyond a.cols is left zero. */
template <class T>
void activate(Activation activation, Matrix<T> a, Matrix<T> derivative);

/** delta <- delta * f'(z), from a = f(z) or from the saved derivative. */
template <class T>
void multiply_derivative(Activation activation, Matrix<T> delta, Matrix<const T> a, Matrix<const T> derivative);

/** The parametric form a <- a + slope * (f(a) - a), one slope per column (padded with zeros). Where `saved` has memory,
 * its first padded(a.cols) columns get the derivative 1 + slope * (f'(z) - 1) and the next as many f(z) - z.
 *
 * With `keeps_order` rounding never makes less of a greater a, where f is a rectifier and no slope above 1: a is
 * multiplied by the derivative. The sum above may fall by its last bit, since its terms go in opposite directions. */
template <class T>
void activate_parametric(Activation activation, const T* slopes, Matrix<T> a, Matrix<T> saved,
                         bool keeps_order = false);

/** From delta, the loss's derivative by a: delta <- delta * derivative, and the second half of `saved` becomes the
 * derivative by the slopes, row by row. */
template <class T>
void multiply_parametric(Matrix<T> delta, Matrix<T> saved);

}  // namespace fastmlp
