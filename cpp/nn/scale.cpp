#include "nn/scale.h"

#include <algorithm>

namespace fastmlp {

template <class T>
void Scale<T>::forward(LayerWeights<T> own, const LayerInput<T>& in, Matrix<T> out, Matrix<T>, const Pass&) const {
  for (Index i = 0; i < out.rows; ++i) {
    const T* from = in.dense.row(i);
    T* to = out.row(i);
    for (Index j = 0; j < padded<T>(width_); ++j) to[j] = from[j] * own.values[j];
  }
}

template <class T>
Fused Scale<T>::backward(LayerWeights<T> own, Matrix<const T> delta, const Activated<T>&, Matrix<T> d_in, const Pass&,
                         T*, bool) const {
  for (Index i = 0; i < d_in.rows; ++i) {
    const T* from = delta.row(i);
    T* to = d_in.row(i);
    for (Index j = 0; j < padded<T>(width_); ++j) to[j] = from[j] * own.values[j];
  }
  return {};
}

template <class T>
std::vector<Task> Scale<T>::tasks() const {
  Task task;
  task.weights = {0, 1, width_, padded<T>(width_)};
  return {task};
}

template <class T>
void Scale<T>::gradient(const Task&, const T*, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T>,
                        const TaskGradient<T>& gradient, bool add) const {
  T* sums = gradient.weights.data;
  if (!add) std::fill_n(sums, padded<T>(width_), T(0));
  for (Index i = 0; i < delta.rows; ++i) {
    const T* x = in.dense.row(i);
    const T* d = delta.row(i);
    for (Index j = 0; j < padded<T>(width_); ++j) sums[j] += x[j] * d[j];
  }
}

template <class T>
void Scale<T>::add_squared_norms(const T*, const LayerInput<T>& in, Matrix<const T> delta, Matrix<const T>,
                                 double* norms) const {
  for (Index i = 0; i < delta.rows; ++i) {
    const T* x = in.dense.row(i);
    const T* d = delta.row(i);
    for (Index j = 0; j < width_; ++j) {
      const double product = static_cast<double>(x[j]) * static_cast<double>(d[j]);
      norms[i] += product * product;
    }
  }
}

template class Scale<float>;
template class Scale<double>;

}  // namespace fastmlp
