// What a layer is. A layer holds its configuration and no numbers: parameters, prepared copies of them and activations
// are handed in, so that one stack of layers serves training and any number of predictions at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/matrix.h"
#include "core/random.h"
#include "kernels/activation.h"
#include "kernels/small_matrix.h"
#include "kernels/sparse_product.h"
#include "kernels/sums.h"

namespace fastmlp {

/** What a pass is for, and which rows of which step it takes: dropout's masks depend on them. */
struct Pass {
  bool training = false;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  Index first_row = 0;       // of the block, counted in the minibatch
  double dropout_share = 1;  // of every layer's rate, by a schedule
};

/** A rectangle of a layer's parameters, counted from the layer's first. */
struct Block {
  Index offset = 0;
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;

  template <class T>
  Matrix<T> in(T* parameters) const {
    return {parameters + offset, rows, cols, stride};
  }
};

/** The unit of work in the second phase of a step, a part of one layer's parameters. Each task belongs to one thread,
 * its owning thread, which computes or sums up the gradient, updates the parameters and refreshes the copies. Tasks
 * depend on the shape of the layer alone, never on the number of threads. */
struct Task {
  Index layer = 0;      // set by the stack
  Index part = 0;       // of the layer, as it numbers them
  Index first_row = 0;  // of the weight matrix as stored
  Index first_column = 0;
  Block weights;  // penalised and decayed; no rows where the task has none
  Block bias;     // neither; the same
};

/** A parameter array in the shape in which users see it. */
struct ParameterArray {
  std::string name;  // "weights", "bias", ...
  Index offset;      // from the layer's first parameter
  std::vector<Index> shape;
  std::vector<Index> strides;  // in elements
};

/** What copies of the parameters are for: in prediction they are made once, for many passes. */
enum class Use { training, prediction };

/** One layer's part of the flat buffers. */
template <class T>
struct LayerWeights {
  const T* values;         // n_parameters()
  const T* forward_copy;   // forward_copy_size(); null where that is 0
  const T* backward_copy;  // backward_copy_size(); null in prediction
  // The layer's main_weights() in fewer bytes, if a predictor holds them so; `values` are then what comes after these.
  const SmallWeights* small = nullptr;
};

/** The rows that a layer reads: a matrix, or for a first layer that takes sparse rows, those of a sparse table. */
template <class T>
struct LayerInput {
  Matrix<const T> dense;
  SparseRows<T> sparse;
};

/** A layer's outputs, and what the derivative of its activation is computed from. */
template <class T>
struct Activated {
  Activation activation;
  bool parametric;  // see activate_parametric()
  Matrix<const T> values;
  Matrix<T> saved;  // see saves_derivative()

  /** delta, the loss's derivative by the outputs, becomes that by the inputs of the activation. */
  void multiply(Matrix<T> delta) const {
    if (parametric)
      multiply_parametric<T>(delta, saved);
    else
      multiply_derivative<T>(activation, delta, values, saved);
  }
};

/** What a layer's backward pass has also done; the stack does what it has not. */
struct Fused {
  bool derivative = false;  // d_in is multiplied by the derivative of the activation below
  bool gradient = false;    // of all the layer's parameters
};

/** Where one task's gradient goes; no rows where the task has none. */
template <class T>
struct TaskGradient {
  Matrix<T> weights, bias;

  double squared_norm() const { return fastmlp::squared_norm(weights) + fastmlp::squared_norm(bias); }
};

template <class T>
class Layer {
 public:
  virtual ~Layer() = default;

  virtual Index inputs() const = 0;
  virtual Index outputs() const = 0;

  /** How many of its inputs, the last ones, are codes of categories: numbers that cannot be added up. */
  virtual Index n_codes() const { return 0; }
  /** Whether it reads sparse rows; only the first layer may. */
  virtual bool takes_sparse() const { return false; }
  /** False where prediction leaves the layer out. */
  virtual bool acts_in_prediction() const { return true; }
  virtual Activation activation() const { return Activation::identity; }
  virtual bool is_parametric() const { return false; }
  /** Values per row that forward keeps for backward, besides its output. */
  virtual Index saved_per_row() const { return 0; }

  /** Elements in the flat buffers, padding included. Padding is always zero. */
  virtual Index n_parameters() const { return 0; }
  virtual std::vector<ParameterArray> arrays() const { return {}; }
  virtual void initialise(T* /*values*/, RandomSequence&) const {}
  /** The same, fitted to some rows of the layer's inputs. */
  virtual void initialise_from(Matrix<const T> /*in*/, T* values, RandomSequence& random) const {
    initialise(values, random);
  }

  /** The shape of the weights that a predictor may hold in fewer bytes: the first of the parameters, and nearly all of
   * them. Without rows in layers that have none. */
  virtual Block main_weights() const { return {}; }

  /** Copies of the parameters in the order in which the passes read them. */
  virtual Index forward_copy_size(Use) const { return 0; }
  virtual Index backward_copy_size() const { return 0; }
  /** Refreshes one task's part of those copies that are not null. */
  virtual void prepare(const Task&, const T* /*values*/, T* /*forward_copy*/, T* /*backward_copy*/) const {}

  /** out <- f(in), a block of rows. */
  virtual void forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved, const Pass&) const = 0;

  /** d_in <- the loss's derivative by what the layer read, from delta, that by its outputs before their activation.
   *
   * A layer for which it is cheaper may also multiply d_in by the derivative of the activation below, whose outputs are
   * `in`; and where `gradients` is not null, take the gradient of all its parameters, into that buffer, which is laid
   * out as they are, or with `add` onto what is there. It returns which it did. delta and in.values stay as they are:
   * gradient() may come later. */
  virtual Fused backward(LayerWeights<T>, Matrix<const T> delta, const Activated<T>& in, Matrix<T> d_in, const Pass&,
                         T* gradients, bool add) const = 0;

  virtual std::vector<Task> tasks() const { return {}; }
  /** Brings one task's parameters, which the optimiser has moved, back to the nearest ones that the layer allows. */
  virtual void project(const Task&, T* /*values*/) const {}
  /** norms[i] += the squared norm of row i's part of the gradient of all the layer's parameters, without computing that
   * part (Goodfellow 2015, arXiv:1510.01799). Arguments as in gradient(), but the layer's parameters are all there.
   * Private training relies on it, so that no layer can do without. */
  virtual void add_squared_norms(const T* values, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T> saved,
                                 double* norms) const = 0;
  /** Multiply-adds of one row's forward pass. */
  virtual Index work_per_row() const { return 0; }
  /** gradient <- (gradient +) this task's part, summed over all rows in an order that only the shapes decide. `saved`
   * is what forward kept, as the backward pass has left it. Of the layer's parameters, `values`, it may read only
   * the task's: other threads update the others at the same time. */
  virtual void gradient(const Task&, const T* /*values*/, const LayerInput<T>& /*in*/, Matrix<const T> /*delta*/,
                        Matrix<const T> /*saved*/, const TaskGradient<T>&, bool /*add*/) const {}
};

}  // namespace fastmlp
