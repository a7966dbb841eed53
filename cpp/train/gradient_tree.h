// Gradients of fixed blocks of rows ("leaves"), added up as a binary tree: the sum has the same bits however many
// threads share the leaves.
#pragma once

#include <bit>
#include <vector>

#include "core/matrix.h"

namespace fastmlp {

/** One thread's part: the sum over a run of leaves whose number is a power of two. */
template <class T>
class GradientTree {
 public:
  /** Room for runs of at most `leaves` leaves with gradients of `size` elements. */
  GradientTree(Index size, Index leaves);

  void clear() { leaves_ = 0; }
  /** Where the next leaf's gradient belongs. */
  T* next() { return levels_[waiting()].data(); }
  /** To be called when it is there. */
  void add_up();
  /** The sum, when all leaves of the run are there. */
  T* total() { return levels_.front().data(); }

 private:
  /** Subtrees that wait for their sibling: one for each power of two in the number of leaves. */
  std::size_t waiting() const { return static_cast<std::size_t>(std::popcount(leaves_)); }

  // The sums of the subtrees that wait for their sibling, the largest first. Short runs leave the last ones untouched,
  // which then take no memory.
  std::vector<Buffer<T>> levels_;
  std::size_t leaves_ = 0;
};

}  // namespace fastmlp
