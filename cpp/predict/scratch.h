// Memory that a thread needs for the time of a call.
#pragma once

#include "core/matrix.h"

namespace fastmlp {

/** Memory for `size` elements, not cleared. A little of it stays with the thread for its next calls, so that these
 * allocate nothing; what is larger lives as long as this object. */
template <class T>
class Scratch {
 public:
  explicit Scratch(Index size) : keeps_(size <= kMostKept && !kept().taken) {
    Buffer<T>& memory = keeps_ ? kept().memory : own_;
    if (memory.size() < size) memory = Buffer<T>(size);
    data_ = memory.data();
    if (keeps_) kept().taken = true;
  }
  Scratch(Scratch&& other) noexcept : own_(std::move(other.own_)), data_(other.data_), keeps_(other.keeps_) {
    other.keeps_ = false;
  }
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    if (keeps_) kept().taken = false;
  }

  T* data() const { return data_; }

 private:
  static constexpr Index kMostKept = (Index{1} << 18) / static_cast<Index>(sizeof(T));

  struct Kept {
    Buffer<T> memory;
    bool taken = false;  // a call may be made while another one of the same thread waits for it
  };
  static Kept& kept() {
    thread_local Kept mine;
    return mine;
  }

  Buffer<T> own_;
  T* data_ = nullptr;
  bool keeps_;
};

}  // namespace fastmlp
