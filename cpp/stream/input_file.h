// A file that is read at given places.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/types.h"
#include "stream/file_error.h"

namespace fastmlp {

/** The path in UTF-8 or, where the system's paths are bytes, as it is: for messages. */
inline std::string text_of(const std::filesystem::path& path) {
  const std::u8string text = path.u8string();
  return {text.begin(), text.end()};
}

class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);

  /** In bytes, when it was opened. */
  Index size() const { return size_; }
  /** False if fewer than `bytes` bytes can be read there. */
  bool read(Index offset, std::byte* to, Index bytes);

 private:
  std::filebuf file_;
  Index size_ = 0;
};

}  // namespace fastmlp
