// How rows lie in the file of a row cache. The file is a sequence of row groups. A group of n rows is, in this order:
//   hash     uint32 [n]               of the row, which decides about its fold
//   targets  [n, n_targets]           row-major
//   weights  float32 [n]              if there are any
//   numbers  [n, n_numbers]           row-major, NaN where missing
//   codes    [n] for each column      of labels
// Each section, the last one included, is padded to a multiple of 64 bytes. Byte order is the machine's.
#pragma once

#include <array>
#include <vector>

#include "core/types.h"

namespace fastmlp {

enum class TargetType { f32, f64, i32 };
inline constexpr std::array kTargetTypeNames = {"float32", "float64", "int32"};
enum class NumberType { f32, f16, bf16 };
inline constexpr std::array kNumberTypeNames = {"float32", "float16", "bfloat16"};
enum class CodeType { u8, u16, u32 };
inline constexpr std::array kCodeTypeNames = {"uint8", "uint16", "uint32"};

constexpr Index size_of(TargetType type) { return type == TargetType::f64 ? 8 : 4; }
constexpr Index size_of(NumberType type) { return type == NumberType::f32 ? 4 : 2; }
constexpr Index size_of(CodeType type) { return type == CodeType::u8 ? 1 : type == CodeType::u16 ? 2 : 4; }

struct RowFormat {
  TargetType target_type = TargetType::f32;
  Index n_targets = 1;
  bool has_weights = false;
  NumberType number_type = NumberType::f32;
  Index n_numbers = 0;
  std::vector<CodeType> codes;
};

/** Where the sections of a group begin, in bytes from the group's beginning. */
struct GroupLayout {
  Index hash, targets, weights, numbers;
  std::vector<Index> codes;
  Index bytes;  // of the whole group
};

/** The layout of a group of n rows. Sizes that overflow are an error. */
GroupLayout layout_of(const RowFormat& format, Index n_rows);

}  // namespace fastmlp
