#include "nn/workspace.h"

#include <algorithm>

#include "nn/stack.h"

namespace fastmlp {

template <class T>
WorkspaceLayout::Place WorkspaceLayout::take(Index cols) {
  const Place place{size_, cols, row_stride<T>(cols)};
  size_ = checked_sum(size_, place.stride, "the workspace");
  return place;
}

template <class T>
WorkspaceLayout::WorkspaceLayout(const std::vector<std::unique_ptr<Layer<T>>>& layers, bool training) {
  if (!layers.front()->takes_sparse()) input_ = take<T>(layers.front()->inputs());
  Place turns[2];
  if (!training) {
    Index widest = 0;
    for (const auto& layer : layers) widest = std::max(widest, layer->outputs());
    for (Place& turn : turns) turn = take<T>(widest);
  }
  int turn = 0;
  for (const auto& layer : layers) {
    if (training) {
      outputs_.push_back(take<T>(layer->outputs()));
      saved_.push_back(layer->saved_per_row() > 0 ? take<T>(layer->saved_per_row()) : Place{});
      deltas_.push_back(take<T>(layer->outputs()));
    } else {
      if (layer->acts_in_prediction()) turn ^= 1;
      outputs_.push_back({turns[turn].first, layer->outputs(), turns[turn].stride});
      saved_.push_back({});
      deltas_.push_back({});
    }
  }
}

template <class T>
Workspace<T>::Workspace(const Stack<T>& stack, Index rows, bool training)
    : layout_(&stack.workspace_layout(training)),
      rows_(rows),
      memory_(checked_product(rows, layout_->size(), "the workspace")),
      first_(memory_.data()) {}

template <class T>
Workspace<T>::Workspace(const Stack<T>& stack, Index rows, T* memory)
    : layout_(&stack.workspace_layout(false)), rows_(rows), first_(memory) {}

template <class T>
Index Workspace<T>::bytes_per_row(const Stack<T>& stack, bool training) {
  return stack.workspace_layout(training).size() * static_cast<Index>(sizeof(T));
}

#define FASTMLP_INSTANTIATE(T)                                                                    \
  template WorkspaceLayout::WorkspaceLayout(const std::vector<std::unique_ptr<Layer<T>>>&, bool); \
  template class Workspace<T>;
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
