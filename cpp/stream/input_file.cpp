#include "stream/input_file.h"

namespace fastmlp {

InputFile::InputFile(const std::filesystem::path& path) {
  file_.pubsetbuf(nullptr, 0);  // reads are long: a buffer would only copy them
  const bool opened = file_.open(path, std::ios::in | std::ios::binary) != nullptr;
  const std::streamoff size = opened ? std::streamoff(file_.pubseekoff(0, std::ios::end)) : -1;
  if (size < 0) throw FileError("cannot open the file " + text_of(path));
  size_ = static_cast<Index>(size);
}

bool InputFile::read(Index offset, std::byte* to, Index bytes) {
  if (std::streamoff(file_.pubseekpos(static_cast<std::streamoff>(offset))) != offset) return false;
  return file_.sgetn(reinterpret_cast<char*>(to), bytes) == bytes;
}

}  // namespace fastmlp
