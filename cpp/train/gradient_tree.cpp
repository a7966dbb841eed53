#include "train/gradient_tree.h"

#include "kernels/update.h"

namespace fastmlp {

template <class T>
GradientTree<T>::GradientTree(Index size, Index leaves) {
  do levels_.emplace_back(size);
  while ((leaves /= 2) > 1);
}

template <class T>
void GradientTree<T>::clear() {
  leaves_ = 0;
  waiting_ = 0;
}

template <class T>
typename GradientTree<T>::Place GradientTree<T>::next() {
  if (leaves_ % 2 == 1) return {levels_[waiting_ - 1].data(), true};
  return {levels_[waiting_++].data(), false};
}

template <class T>
void GradientTree<T>::add_up() {
  if (++leaves_ % 2 == 1) return;
  for (Index pairs = leaves_ / 2; pairs % 2 == 0; pairs /= 2) {
    --waiting_;
    const Buffer<T>& from = levels_[waiting_];
    add_to(levels_[waiting_ - 1].data(), from.data(), from.size());
  }
}

template class GradientTree<float>;
template class GradientTree<double>;

}  // namespace fastmlp
