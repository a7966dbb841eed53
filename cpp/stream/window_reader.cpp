#include "stream/window_reader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>

#include "core/denormals.h"
#include "core/error.h"
#include "core/processors.h"
#include "stream/checksum.h"
#include "stream/input_file.h"

namespace fastmlp {

/** What the reader, its thread and the windows share. */
struct WindowReader::Reading {
  Reading(const std::filesystem::path& of, RowDecoder with, std::vector<RowGroup> all, Index most_rows)
      : path(of), decoder(std::move(with)), groups(std::move(all)), max_rows(most_rows), file(of) {
    unused.reserve(memory.size());  // a window is released without an allocation, which could fail
  }

  void read_all();
  void fill(Window& window, const std::vector<Index>& numbers);
  bool is_another_process() const { return forks() != begun_after_forks; }

  const std::filesystem::path path;
  const RowDecoder decoder;
  const std::vector<RowGroup> groups;
  const Index max_rows;
  // Of the thread alone, while there is one
  InputFile file;
  Buffer<std::byte> bytes;                  // of one group
  std::vector<std::vector<Index>> windows;  // numbers of groups
  int begun_after_forks = 0;

  std::mutex mutex;  // of what follows
  std::condition_variable changed;
  std::array<std::optional<Window>, 2> memory;
  std::vector<Window*> unused;
  std::deque<Window*> ready;
  std::exception_ptr error;
  int lent = 0;
  bool ended = true, stopping = false;
};

/** The thread's work: windows into unused memory, until all are read or the reader stops. */
void WindowReader::Reading::read_all() {
  const DenormalMode keep(false);
  std::exception_ptr thrown;
  try {
    for (const std::vector<Index>& numbers : windows) {
      Window* window = nullptr;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return stopping || !unused.empty(); });
        if (stopping) break;
        window = unused.back();
        unused.pop_back();
      }
      try {
        fill(*window, numbers);
      } catch (...) {
        const std::lock_guard lock(mutex);
        unused.push_back(window);
        throw;
      }
      const std::lock_guard lock(mutex);
      ready.push_back(window);
      changed.notify_all();
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::lock_guard lock(mutex);
  error = thrown;
  ended = true;
  changed.notify_all();
}

void WindowReader::Reading::fill(Window& window, const std::vector<Index>& numbers) {
  window.n_rows = 0;
  for (const Index number : numbers) {
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
    }
    const RowGroup& group = groups[static_cast<std::size_t>(number)];
    const Index size = layout_of(decoder.format(), group.n_rows).bytes;
    const auto damaged = [&](const std::string& how) {
      return FileError("the row cache " + text_of(path) + " is damaged: row group " + std::to_string(number) + " " +
                       how);
    };
    if (!file.read(group.offset, bytes.data(), size)) throw damaged("cannot be read");
    if (crc32(bytes.data(), size) != group.checksum) throw damaged("does not have the checksum that was written");
    try {
      decoder.append(bytes.data(), group.n_rows, window);
    } catch (const FileError& wrong) {
      throw damaged(std::string("is not what was written: ") + wrong.what());
    }
  }
}

WindowReader::WindowReader(const std::filesystem::path& path, RowDecoder decoder, std::vector<RowGroup> groups,
                           Index max_rows)
    : reading_(std::make_shared<Reading>(path, std::move(decoder), std::move(groups), max_rows)) {
  Index largest = 0;
  for (const RowGroup& group : reading_->groups) {
    if (group.n_rows < 1 || group.n_rows > max_rows || group.offset < 0 || group.offset % kAlignment != 0)
      invalid("groups", "must have from 1 to max_rows=" + std::to_string(max_rows) +
                            " rows and begin at a multiple of " + std::to_string(kAlignment));
    const Index size = layout_of(reading_->decoder.format(), group.n_rows).bytes;
    if (checked_sum(group.offset, size, "groups") > reading_->file.size())
      throw FileError("the row cache " + text_of(path) + " has " + std::to_string(reading_->file.size()) +
                      " bytes, too few for its row groups");
    largest = std::max(largest, size);
  }
  reading_->bytes = Buffer<std::byte>(largest);
}

WindowReader::~WindowReader() { stop(); }

const RowDecoder& WindowReader::decoder() const { return reading_->decoder; }

void WindowReader::stop() {
  if (!thread_) return;
  if (reading_->is_another_process()) {
    // The thread stayed in the parent, perhaps with the mutex: nothing that it used can be touched.
    thread_.release();
    new std::shared_ptr<Reading>(reading_);
    return;
  }
  {
    const std::lock_guard lock(reading_->mutex);
    reading_->stopping = true;
    reading_->changed.notify_all();
  }
  thread_->join();
  thread_.reset();
}

std::unique_lock<std::mutex> WindowReader::entered() {
  std::unique_lock<std::mutex> in_use(in_use_, std::try_to_lock);
  if (!in_use) invalid("a WindowReader", "must be used by one thread at a time");
  if (thread_ && reading_->is_another_process())
    invalid("a WindowReader", "must not be used in a forked process after begin()");
  return in_use;
}

void WindowReader::begin(std::vector<std::vector<Index>> windows) {
  const auto in_use = entered();
  Reading& own = *reading_;
  for (const std::vector<Index>& numbers : windows) {
    Index n_rows = 0;
    for (const Index number : numbers) {
      if (number < 0 || number >= static_cast<Index>(own.groups.size()))
        invalid("windows", "must hold numbers of row groups, which are less than " + std::to_string(own.groups.size()));
      n_rows += own.groups[static_cast<std::size_t>(number)].n_rows;
      if (n_rows > own.max_rows)
        invalid("windows", "must have at most max_rows=" + std::to_string(own.max_rows) + " rows");
    }
  }
  stop();
  {
    const std::lock_guard lock(own.mutex);
    for (std::optional<Window>& window : own.memory)
      if (!window) own.unused.push_back(&window.emplace(own.decoder.format(), own.decoder.n_columns(), own.max_rows));
    own.unused.insert(own.unused.end(), own.ready.begin(), own.ready.end());
    own.ready.clear();
    own.error = nullptr;
    own.ended = own.stopping = false;
    own.windows = std::move(windows);
    own.begun_after_forks = forks();
  }
  try {
    thread_ = std::make_unique<std::thread>([&own] { own.read_all(); });
  } catch (...) {
    own.ended = true;
    throw;
  }
}

std::shared_ptr<const Window> WindowReader::next(const std::function<void()>& poll) {
  const auto in_use = entered();
  Reading& own = *reading_;
  std::unique_lock lock(own.mutex);
  while (own.ready.empty()) {
    if (own.error) std::rethrow_exception(own.error);
    if (own.ended) return nullptr;
    if (own.lent == static_cast<int>(own.memory.size()))
      invalid("next()", "must have one of its two windows back: the one before the last was not released");
    own.changed.wait_for(lock, std::chrono::milliseconds(50));
    if (!poll || !own.ready.empty()) continue;
    lock.unlock();
    poll();
    lock.lock();
  }
  Window* const window = own.ready.front();
  own.ready.pop_front();
  ++own.lent;
  return {window, [keep = reading_, process = forks()](const Window* of) {
            if (forks() != process) return;  // the mutex may have been the thread's when the process forked
            const std::lock_guard guard(keep->mutex);
            keep->unused.push_back(const_cast<Window*>(of));
            --keep->lent;
            keep->changed.notify_all();
          }};
}

}  // namespace fastmlp
