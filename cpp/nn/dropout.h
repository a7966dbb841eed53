// Inverted dropout (Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a): training sets each value to zero with
// probability `rate` and divides the others by 1 - rate; prediction leaves the layer out.
#pragma once

#include "nn/layer.h"

namespace fastmlp {

struct DropoutSpec {
  double rate = 0;
};

template <class T>
class Dropout final : public Layer<T> {
 public:
  /** Of `width` values, as the stack's layer number `position`. */
  Dropout(const DropoutSpec& spec, Index width, Index position);

  Index inputs() const override { return width_; }
  Index outputs() const override { return width_; }
  bool acts_in_prediction() const override { return false; }

  void forward(LayerWeights<T>, const LayerInput<T>& in, Matrix<T> out, Matrix<T> saved,
               const Pass& pass) const override;
  Fused backward(LayerWeights<T>, Matrix<const T> delta, const Activated<T>& in, Matrix<T> d_in, const Pass& pass,
                 T* gradients, bool add) const override;
  /** There are no parameters. */
  void add_squared_norms(const T*, const LayerInput<T>&, Matrix<const T>, Matrix<const T>, double*) const override {}

 private:
  /** to <- from * mask / (1 - rate); the mask depends on (seed, step, layer, row, column) alone. */
  void mask(Matrix<const T> from, Matrix<T> to, const Pass& pass) const;

  Index width_;
  double rate_;
  Index position_;  // in the stack: part of the key
};

}  // namespace fastmlp
