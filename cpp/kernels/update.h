// Optimiser updates over a block of parameters, and what regularisation adds to its gradient.
#pragma once

#include <span>

#include "core/matrix.h"

namespace fastmlp {

/** A block of one layer's parameters with everything kept beside it; all the matrices have the same shape. */
template <class T>
struct ParameterBlock {
  Matrix<T> value;
  Matrix<T> gradient;
  Matrix<T> first;   // momentum, or Adam's mean of gradients
  Matrix<T> second;  // Adam's and RMSprop's mean of squared gradients
};

/** velocity <- momentum * velocity - rate * g; w <- (1 - decay) * w + velocity, or Nesterov's look-ahead. */
template <class T>
struct SgdStep {
  T rate, momentum, decay, gradient_scale;
  bool nesterov;
  void operator()(const ParameterBlock<T>& block) const;
};

/** Kingma & Ba 2015 with decoupled decay (Loshchilov & Hutter 2019): m and v are running means of g and g^2,
 * w <- (1 - decay) * w - rate * m / (sqrt(v) + epsilon), the bias correction folded into rate as scikit-learn does. */
template <class T>
struct AdamStep {
  double beta_1, beta_2;  // double, since in float 1 - beta may have no digits
  T rate, epsilon, decay, gradient_scale;
  void operator()(const ParameterBlock<T>& block) const;
};

/** v is the running mean of g^2; w <- (1 - decay) * w - rate * g / (sqrt(v) + epsilon). */
template <class T>
struct RmsPropStep {
  double beta_2;
  T rate, epsilon, decay, gradient_scale;
  void operator()(const ParameterBlock<T>& block) const;
};

/** mean <- mean + share * (w - mean); both of the same shape. */
template <class T>
void move_towards(Matrix<const T> weights, Matrix<T> mean, T share);

/** gradient <- gradient + l2 * w + l1 * sign(w); returns l2 / 2 * ||w||^2 + l1 * ||w||_1. */
template <class T>
double add_penalty(Matrix<const T> weights, Matrix<T> gradient, T l1, T l2);

/** to[i] <- to[i] + from[i] for n elements, whole lines. */
template <class T>
void add_to(T* to, const T* from, Index n);

/** to <- (to +) the parts, whose number is a power of two, added as a binary tree; all of the same shape. */
template <class T>
void add_as_tree(std::span<const Matrix<const T>> parts, Matrix<T> to, bool add);

/** The sum of the squared gradients. */
template <class T>
double squared_norm(const Matrix<T>& gradient);

}  // namespace fastmlp
