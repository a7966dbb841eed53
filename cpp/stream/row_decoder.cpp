#include "stream/row_decoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "core/error.h"
#include "stream/file_error.h"

namespace fastmlp {
namespace {

constexpr Index kBlock = 64;  // rows that are decoded at a time, so that they stay in the cache

/** Half precision, by arithmetic that every processor has: the exponent is moved by a multiplication, which gives
 * denormals their value too (if the thread does not flush them). */
float from_f16(std::uint16_t bits) {
  const std::uint32_t magnitude = std::uint32_t{bits} << 13 & 0x0fffe000u;
  const std::uint32_t sign = std::uint32_t{bits} << 16 & 0x80000000u;
  const float moved = std::bit_cast<float>(magnitude) * 0x1p112f;
  const std::uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0;  // infinity and NaN
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(moved) | special | sign);
}

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/** to[i * stride] <- table[codes[i]]; false if a code is beyond the table. */
template <class Code>
bool look_up(const std::byte* from, const std::vector<float>& table, Index n_rows, float* to, Index stride) {
  const auto* codes = reinterpret_cast<const Code*>(from);
  Code largest = 0;
  for (Index i = 0; i < n_rows; ++i) largest = std::max(largest, codes[i]);
  if (static_cast<std::size_t>(largest) >= table.size()) return false;
  for (Index i = 0; i < n_rows; ++i) to[i * stride] = table[codes[i]];
  return true;
}

bool look_up(CodeType type, const std::byte* from, const std::vector<float>& table, Index n_rows, float* to,
             Index stride) {
  switch (type) {
    case CodeType::u8: return look_up<std::uint8_t>(from, table, n_rows, to, stride);
    case CodeType::u16: return look_up<std::uint16_t>(from, table, n_rows, to, stride);
    default: return look_up<std::uint32_t>(from, table, n_rows, to, stride);
  }
}

template <class T>
void copy_section(const std::byte* from, Index count, T* to) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
}

}  // namespace

Window::Window(const RowFormat& format, Index columns, Index max_rows)
    : n_columns(columns),
      X(checked_product(max_rows, columns, "max_rows")),
      targets(checked_product(checked_product(max_rows, format.n_targets, "max_rows"), size_of(format.target_type),
                              "max_rows")),
      weights(format.has_weights ? max_rows : 0),
      hash(max_rows) {}

RowDecoder::RowDecoder(RowFormat format, std::vector<ColumnSource> columns)
    : format_(std::move(format)), columns_(std::move(columns)) {
  if (format_.n_targets < 1 || format_.n_numbers < 0) invalid("sections", "must have at least one target");
  const auto n_codes = static_cast<Index>(format_.codes.size());
  for (Index column = 0; column < n_columns(); ++column) {
    const ColumnSource& source = columns_[static_cast<std::size_t>(column)];
    if (source.kind == ColumnSource::Kind::constant) continue;
    const Index count = source.kind == ColumnSource::Kind::code ? n_codes : format_.n_numbers;
    if (source.position < 0 || source.position >= count)
      invalid("columns", "must be read from sections that are there; column " + std::to_string(column) +
                             " is read from number " + std::to_string(source.position) + " of " +
                             std::to_string(count));
    if (source.kind != ColumnSource::Kind::number) continue;
    const bool goes_on = !runs_.empty() && runs_.back().column + runs_.back().length == column &&
                         runs_.back().position + runs_.back().length == source.position;
    if (goes_on)
      ++runs_.back().length;
    else
      runs_.push_back({column, source.position, 1});
  }
}

void RowDecoder::decode_numbers(const std::byte* from, Index n_rows, float* to) const {
  const Index count = n_rows * format_.n_numbers;
  const auto* halves = reinterpret_cast<const std::uint16_t*>(from);
  if (format_.number_type == NumberType::f32)
    copy_section(from, count, to);
  else if (format_.number_type == NumberType::f16)
    std::transform(halves, halves + count, to, from_f16);
  else
    std::transform(halves, halves + count, to, from_bf16);
}

void RowDecoder::append(const std::byte* group, Index n_rows, Window& window) const {
  const GroupLayout layout = layout_of(format_, n_rows);
  const Index before = window.n_rows, n_numbers = format_.n_numbers, stride = n_columns();
  copy_section(group + layout.hash, n_rows, window.hash.data() + before);
  const Index target_bytes = format_.n_targets * size_of(format_.target_type);
  copy_section(group + layout.targets, n_rows * target_bytes, window.targets.data() + before * target_bytes);
  if (format_.has_weights) copy_section(group + layout.weights, n_rows, window.weights.data() + before);

  std::vector<float> numbers(static_cast<std::size_t>(kBlock * n_numbers));
  for (Index first = 0; first < n_rows; first += kBlock) {
    const Index count = std::min(kBlock, n_rows - first);
    float* const out = window.X.data() + (before + first) * stride;
    decode_numbers(group + layout.numbers + first * n_numbers * size_of(format_.number_type), count, numbers.data());
    for (const Run& run : runs_)
      for (Index i = 0; i < count; ++i)
        std::copy_n(numbers.data() + i * n_numbers + run.position, run.length, out + i * stride + run.column);
    for (Index column = 0; column < stride; ++column) {
      const ColumnSource& source = columns_[static_cast<std::size_t>(column)];
      float* const to = out + column;
      if (source.kind == ColumnSource::Kind::is_missing) {
        const float* const from = numbers.data() + source.position;
        for (Index i = 0; i < count; ++i) to[i * stride] = std::isnan(from[i * n_numbers]) ? 1.0f : 0.0f;
      } else if (source.kind == ColumnSource::Kind::code) {
        const auto code = static_cast<std::size_t>(source.position);
        const CodeType type = format_.codes[code];
        const std::byte* const from = group + layout.codes[code] + first * size_of(type);
        if (!look_up(type, from, source.table, count, to, stride))
          throw FileError("column " + std::to_string(column) + " holds a code that its table lacks");
      } else if (source.kind == ColumnSource::Kind::constant) {
        for (Index i = 0; i < count; ++i) to[i * stride] = 0.0f;
      }
    }
  }
  window.n_rows += n_rows;
}

}  // namespace fastmlp
