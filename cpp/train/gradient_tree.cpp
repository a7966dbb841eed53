#include "train/gradient_tree.h"

#include "kernels/update.h"

namespace fastmlp {

template <class T>
GradientTree<T>::GradientTree(Index size, Index leaves) {
  for (; leaves > 0; leaves /= 2) levels_.emplace_back(size);
}

template <class T>
void GradientTree<T>::clear() {
  leaves_ = 0;
  waiting_ = 0;
}

template <class T>
void GradientTree<T>::add_up() {
  // As many subtrees are complete now as the number of leaves has trailing zeros.
  for (Index runs = ++leaves_; runs % 2 == 0; runs /= 2) {
    --waiting_;
    const Buffer<T>& from = levels_[waiting_];
    add_to(levels_[waiting_ - 1].data(), from.data(), from.size());
  }
}

template class GradientTree<float>;
template class GradientTree<double>;

}  // namespace fastmlp
