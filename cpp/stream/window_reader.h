// Reads windows of a cache, each of them some of its row groups, one window ahead of its caller.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "stream/row_decoder.h"

namespace fastmlp {

/** A row group in the file. */
struct RowGroup {
  Index offset, n_rows;
  std::uint32_t checksum;
};

class WindowReader {
 public:
  /** Groups must lie within the file and have at most `max_rows` rows; a FileError if the file is shorter. */
  WindowReader(const std::filesystem::path& path, RowDecoder decoder, std::vector<RowGroup> groups, Index max_rows);
  ~WindowReader();
  WindowReader(const WindowReader&) = delete;
  WindowReader& operator=(const WindowReader&) = delete;

  const RowDecoder& decoder() const;

  /** Begins to read windows of the groups with these numbers. What was being read before is given up. */
  void begin(std::vector<std::vector<Index>> windows);

  /** The next window, or null at the end. There is memory for two windows, so the last but one must have been released.
   * Calls `poll` every 50 ms while it waits. A FileError, at every call, once something could not be read. */
  std::shared_ptr<const Window> next(const std::function<void()>& poll = {});

 private:
  struct Reading;
  /** An error if another thread is in a call, or begin() was called before a fork: its thread is not in this process.
   */
  std::unique_lock<std::mutex> entered();
  void stop();

  std::shared_ptr<Reading> reading_;  // shared with windows, which may outlive the reader
  std::unique_ptr<std::thread> thread_;
  std::mutex in_use_;
};

}  // namespace fastmlp
