// Row-major matrix views and the aligned memory behind them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "core/error.h"
#include "core/types.h"

namespace fastmlp {

/** Every row and every buffer starts on a cache line, which is also the widest vector. */
inline constexpr Index kAlignment = 64;

/** Elements of T in a cache line. */
template <class T>
inline constexpr Index kLine = kAlignment / static_cast<Index>(sizeof(T));

/** n rounded up to whole cache lines. */
template <class T>
inline Index padded(Index n) {
  return ceil_div(n, kLine<T>) * kLine<T>;
}

/** Row stride for activations: padded, and never a multiple of 4 KiB, whose rows would share L1 sets. */
template <class T>
inline Index row_stride(Index n) {
  const Index stride = padded<T>(n);
  return stride * static_cast<Index>(sizeof(T)) % 4096 == 0 ? stride + kLine<T> : stride;
}

/** A view of rows x cols elements; `stride` elements from one row to the next. */
template <class T>
struct Matrix {
  T* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index stride = 0;

  T* row(Index i) const { return data + i * stride; }
  Matrix slice(Index first, Index count) const { return {row(first), count, cols, stride}; }
  /** Rows start on a cache line only if `first` does. */
  Matrix columns(Index first, Index count) const { return {data + first, rows, count, stride}; }
  operator Matrix<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data, rows, cols, stride};
  }
};

/** Owns zeroed, cache-line aligned memory for `size` elements. */
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index size) : size_(size) {
    if (size == 0) return;
    // Matrices whose rows are kilobytes apart touch a page per row: huge pages keep the translations in the cache.
    constexpr Index kHugePage = Index{1} << 21;
    // Processors fetch ahead of a loop, beyond its end but not beyond a page of 4 KiB: if another thread's memory began
    // there, the two would take each other's lines away at every turn.
    constexpr Index kGap = 4096;
    const Index bytes = checked_product(size, sizeof(T), "buffer");
    const Index alignment = bytes >= kHugePage ? kHugePage : kAlignment;
    // calloc, because large memory then comes as untouched zero pages: a size that is too large fails at once, before
    // memory is filled.
    memory_ = std::calloc(static_cast<std::size_t>(checked_sum(bytes, alignment + kGap, "buffer")), 1);
    if (!memory_) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(memory_);
    const auto step = static_cast<std::uintptr_t>(alignment);
    data_ = reinterpret_cast<T*>((address + step - 1) / step * step);
#ifdef MADV_HUGEPAGE
    if (alignment == kHugePage) madvise(data_, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
#endif
  }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { std::free(memory_); }

  Buffer clone() const {
    Buffer copy(size_);
    copy.assign(*this);
    return copy;
  }
  /** Copies the elements of a buffer of the same size. */
  void assign(const Buffer& other) {
    if (size_ > 0) std::memcpy(data_, other.data_, static_cast<std::size_t>(size_) * sizeof(T));
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  Index size() const { return size_; }
  T& operator[](Index i) { return data_[i]; }
  const T& operator[](Index i) const { return data_[i]; }

 private:
  void* memory_ = nullptr;
  T* data_ = nullptr;  // the first aligned place in it
  Index size_ = 0;
};

}  // namespace fastmlp
