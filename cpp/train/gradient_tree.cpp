#include "train/gradient_tree.h"

#include "kernels/sums.h"

namespace fastmlp {

template <class T>
GradientTree<T>::GradientTree(Index size, Index leaves) {
  for (; leaves > 0; leaves /= 2) levels_.emplace_back(size);
}

template <class T>
void GradientTree<T>::add_up() {
  // As many subtrees are complete now as the number of leaves has trailing zeros.
  std::size_t last = waiting();
  for (std::size_t runs = ++leaves_; runs % 2 == 0; runs /= 2, --last)
    add_to(levels_[last - 1].data(), levels_[last].data(), levels_[last].size());
}

template class GradientTree<float>;
template class GradientTree<double>;

}  // namespace fastmlp
