// The reader of row caches: decoding, windows in order, damage, and threads that end whenever they should.
#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "check.h"
#include "stream/checksum.h"
#include "stream/input_file.h"
#include "stream/window_reader.h"

namespace fastmlp {
namespace {

/** The text of the FileError that f throws; empty if it throws none. */
template <class F>
std::string file_error(F&& f) {
  try {
    f();
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

using Bytes = std::vector<std::byte>;

template <class T>
void put(Bytes& bytes, Index offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/** A cache whose row r, counted over all groups, has hash r, targets (r, -r), weight r / 2, numbers (r, NaN in odd
 * rows), and codes r % 3 and r % 2. */
class Cache {
 public:
  explicit Cache(const std::vector<Index>& group_rows)
      : path_(std::filesystem::temp_directory_path() /
              ("fastmlp_windows_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))) {
    format.target_type = TargetType::f64;
    format.n_targets = 2;
    format.has_weights = true;
    format.n_numbers = 2;
    format.codes = {CodeType::u8, CodeType::u16};
    Bytes file;
    Index row = 0;
    for (const Index n : group_rows) {
      const GroupLayout layout = layout_of(format, n);
      Bytes bytes(static_cast<std::size_t>(layout.bytes));
      for (Index i = 0; i < n; ++i, ++row) {
        put(bytes, layout.hash + 4 * i, static_cast<std::uint32_t>(row));
        put(bytes, layout.targets + 16 * i, static_cast<double>(row));
        put(bytes, layout.targets + 16 * i + 8, -static_cast<double>(row));
        put(bytes, layout.weights + 4 * i, 0.5f * static_cast<float>(row));
        put(bytes, layout.numbers + 8 * i, static_cast<float>(row));
        put(bytes, layout.numbers + 8 * i + 4, row % 2 ? std::numeric_limits<float>::quiet_NaN() : 1.0f);
        put(bytes, layout.codes[0] + i, static_cast<std::uint8_t>(row % 3));
        put(bytes, layout.codes[1] + 2 * i, static_cast<std::uint16_t>(row % 2));
      }
      groups.push_back({static_cast<Index>(file.size()), n, crc32(bytes.data(), layout.bytes)});
      file.insert(file.end(), bytes.begin(), bytes.end());
      file.resize((file.size() + 4095) / 4096 * 4096);
    }
    write(file);
  }
  ~Cache() { std::filesystem::remove(path_); }

  const std::filesystem::path& path() const { return path_; }
  void change_byte(Index offset) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    const int byte = file.get();
    file.seekp(offset);
    file.put(static_cast<char>(byte ^ 1));
  }
  void cut(Index bytes) const { std::filesystem::resize_file(path_, static_cast<std::uintmax_t>(bytes)); }

  RowDecoder decoder(std::vector<float> second_table = {7, 8}) const {
    using Kind = ColumnSource::Kind;
    return RowDecoder(format, {{Kind::code, 1, std::move(second_table)},
                               {Kind::number, 0},
                               {Kind::number, 1},
                               {Kind::is_missing, 1},
                               {Kind::constant},
                               {Kind::code, 0, {-1, 0, 1}}});
  }
  WindowReader reader(Index max_rows) const { return {path_, decoder(), groups, max_rows}; }

  RowFormat format;
  std::vector<RowGroup> groups;

 private:
  void write(const Bytes& bytes) const {
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::filesystem::path path_;
};

/** Whether row i of the window is the cache's row r. */
bool is_row(const Window& window, Index i, Index row) {
  const float* x = window.X.data() + i * window.n_columns;
  double y[2];
  std::memcpy(y, window.targets.data() + 16 * i, sizeof y);
  const bool missing = row % 2 == 1;
  return window.hash[i] == static_cast<std::uint32_t>(row) && y[0] == static_cast<double>(row) && y[1] == -y[0] &&
         window.weights[i] == 0.5f * static_cast<float>(row) && x[0] == (missing ? 8.0f : 7.0f) &&
         x[1] == static_cast<float>(row) && (missing ? std::isnan(x[2]) : x[2] == 1.0f) &&
         x[3] == (missing ? 1.0f : 0.0f) && x[4] == 0.0f && x[5] == static_cast<float>(row % 3 - 1);
}

TEST(checksums_are_those_of_zlib) {
  const char text[] = "123456789";
  CHECK(crc32(reinterpret_cast<const std::byte*>(text), 9) == 0xcbf43926u);
  CHECK(crc32(nullptr, 0) == 0);
  Bytes bytes(100);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(37 * i + 11);
  for (const Index size : {1, 15, 16, 17, 31, 32, 33, 100}) {  // whole slices, and what is left
    std::uint32_t slow = 0xffffffffu;
    for (Index i = 0; i < size; ++i) {
      slow ^= static_cast<std::uint32_t>(bytes[static_cast<std::size_t>(i)]);
      for (int bit = 0; bit < 8; ++bit) slow = (slow >> 1) ^ (slow & 1 ? 0xedb88320u : 0);
    }
    CHECK(crc32(bytes.data(), size) == ~slow);
  }
}

/** A window of all 65,536 numbers of a type of two bytes. */
Window all_of(NumberType type) {
  constexpr Index kCount = 1 << 16;
  RowFormat format;
  format.number_type = type;
  format.n_numbers = 1;
  const GroupLayout layout = layout_of(format, kCount);
  Bytes bytes(static_cast<std::size_t>(layout.bytes));
  for (Index i = 0; i < kCount; ++i) put(bytes, layout.numbers + 2 * i, static_cast<std::uint16_t>(i));
  Window window(format, 1, kCount);
  RowDecoder(format, {{ColumnSource::Kind::number, 0}}).append(bytes.data(), kCount, window);
  return window;
}

TEST(every_float16_and_bfloat16_is_decoded) {
  const Window half = all_of(NumberType::f16), brain = all_of(NumberType::bf16);
  for (Index i = 0; i < 1 << 16; ++i) {
    const int exponent = i >> 10 & 31, fraction = i & 1023;
    double expected = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) expected = std::numeric_limits<double>::infinity();
    const float value = half.X[i];
    if (exponent == 31 && fraction != 0)
      CHECK(std::isnan(value));
    else
      CHECK(value == static_cast<float>(expected) * (i >> 15 ? -1.0f : 1.0f) && std::signbit(value) == i >> 15);
    CHECK(std::bit_cast<std::uint32_t>(brain.X[i]) == static_cast<std::uint32_t>(i) << 16);
  }
}

TEST(windows_hold_their_groups_in_the_order_asked_for) {
  const std::vector<Index> sizes = {100, 64, 1, 130, 63};
  const std::vector<Index> starts = {0, 100, 164, 165, 295};
  const Cache cache(sizes);
  WindowReader reader = cache.reader(230);
  CHECK(reader.next() == nullptr);  // nothing has begun
  const std::vector<std::vector<std::vector<Index>>> epochs = {
      {{0, 1}, {2, 3}, {4}}, {{3}, {0, 4, 2}, {1, 1, 1}}, {{2}, {}, {4}}, {}};
  for (const auto& windows : epochs) {
    reader.begin(windows);
    for (const std::vector<Index>& numbers : windows) {
      const std::shared_ptr<const Window> window = reader.next();
      Index row = 0;
      for (const Index number : numbers) {
        const auto group = static_cast<std::size_t>(number);
        for (Index i = 0; i < sizes[group]; ++i, ++row) CHECK(is_row(*window, row, starts[group] + i));
      }
      CHECK(window->n_rows == row);
    }
    CHECK(reader.next() == nullptr);
  }
}

TEST(there_are_two_windows_and_no_more) {
  const Cache cache({10, 10, 10});
  WindowReader reader = cache.reader(10);
  reader.begin({{0}, {1}, {2}});
  const std::shared_ptr<const Window> first = reader.next();
  std::shared_ptr<const Window> second = reader.next();
  CHECK_THROWS(reader.next(), "one of its two windows back");
  CHECK(is_row(*first, 9, 9) && is_row(*second, 9, 19));
  second.reset();
  CHECK(is_row(*reader.next(), 0, 20));
  CHECK(is_row(*first, 9, 9));
}

TEST(a_reader_may_end_or_begin_anew_at_any_time) {
  const std::vector<Index> sizes(16, 50);
  const Cache cache(sizes);
  std::vector<std::vector<Index>> windows;
  for (Index i = 15; i >= 0; --i) windows.push_back({i});
  std::shared_ptr<const Window> outlives;
  for (int n_read = 0; n_read < 4; ++n_read) {
    WindowReader reader = cache.reader(50);
    reader.begin(windows);
    for (int i = 0; i < n_read; ++i) outlives = reader.next();
    if (n_read % 2 == 0) continue;
    reader.begin({{4}});  // with a window of the reading before still in use
    CHECK(is_row(*outlives, 0, 50 * (16 - n_read)));
    CHECK(is_row(*reader.next(), 0, 200));
  }
  CHECK(outlives->n_rows == 50);
}

TEST(damage_is_an_error_at_every_call) {
  const Cache cache({100, 100, 100});
  WindowReader reader = cache.reader(100);
  cache.change_byte(cache.groups[1].offset + 40);
  reader.begin({{0}, {1}, {2}});
  CHECK(reader.next()->n_rows == 100);
  CHECK(holds(file_error([&] { reader.next(); }), "row group 1 does not have the checksum"));
  CHECK(holds(file_error([&] { reader.next(); }), "row group 1"));
  reader.begin({{2}});
  CHECK(is_row(*reader.next(), 0, 200));
  cache.cut(cache.groups[2].offset + 100);
  reader.begin({{2}});
  CHECK(holds(file_error([&] { reader.next(); }), "row group 2 cannot be read"));
  CHECK(holds(file_error([&] { cache.reader(100); }), "too few"));
  CHECK(holds(file_error([&] { WindowReader(cache.path() / "none", cache.decoder(), {}, 1); }), "cannot open"));
}

TEST(codes_beyond_their_table_are_an_error) {
  const Cache cache({100});
  WindowReader reader(cache.path(), cache.decoder({7}), cache.groups, 100);
  reader.begin({{0}});
  CHECK(holds(file_error([&] { reader.next(); }), "column 0 holds a code that its table lacks"));
}

TEST(what_cannot_be_read_is_refused_before_it_is_read) {
  const Cache cache({100, 100});
  constexpr Index kMost = std::numeric_limits<Index>::max();
  const auto with = [&](RowGroup group) { WindowReader(cache.path(), cache.decoder(), {group}, kMost); };
  CHECK_THROWS(with({0, 0, 0}), "rows");
  CHECK_THROWS(with({-64, 1, 0}), "rows");
  CHECK_THROWS(with({8, 1, 0}), "multiple of 64");
  CHECK_THROWS(with({0, kMost, 0}), "overflows");
  CHECK_THROWS(with({kMost / 64 * 64, 100, 0}), "overflows");
  CHECK(holds(file_error([&] { with({1 << 20, 1, 0}); }), "too few"));
  CHECK(holds(file_error([&] { with({0, 1 << 20, 0}); }), "too few"));
  CHECK_THROWS(cache.reader(99), "max_rows=99");
  WindowReader reader = cache.reader(150);
  CHECK_THROWS(reader.begin({{0}, {0, 1}}), "max_rows=150");
  CHECK_THROWS(reader.begin({{2}}), "less than 2");
  CHECK_THROWS(reader.begin({{0}, {-1}}), "less than 2");
  using Kind = ColumnSource::Kind;
  CHECK_THROWS(RowDecoder(cache.format, {{Kind::number, 2}}), "column 0 is read from number 2 of 2");
  CHECK_THROWS(RowDecoder(cache.format, {{Kind::is_missing, -1}}), "number -1 of 2");
  CHECK_THROWS(RowDecoder(cache.format, {{Kind::code, 2, {}}}), "number 2 of 2");
  // More memory than there is
  WindowReader huge(cache.path(), cache.decoder(), cache.groups, kMost / 8);
  CHECK_THROWS(huge.begin({{0}}), "overflows");
}

}  // namespace
}  // namespace fastmlp
