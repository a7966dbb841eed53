#include "stream/row_format.h"

#include "core/error.h"
#include "core/matrix.h"

namespace fastmlp {

GroupLayout layout_of(const RowFormat& format, Index n_rows) {
  constexpr const char* kWhat = "a row group";
  Index end = 0;
  // Where the next section begins, with this many numbers per row.
  const auto section = [&](Index per_row, Index bytes_each) {
    const Index begin = end;
    const Index bytes = checked_product(checked_product(n_rows, per_row, kWhat), bytes_each, kWhat);
    end = checked_sum(begin, checked_sum(bytes, kAlignment - 1, kWhat) / kAlignment * kAlignment, kWhat);
    return begin;
  };
  GroupLayout layout{};
  layout.hash = section(1, 4);
  layout.targets = section(format.n_targets, size_of(format.target_type));
  layout.weights = section(format.has_weights ? 1 : 0, 4);
  layout.numbers = section(format.n_numbers, size_of(format.number_type));
  for (const CodeType type : format.codes) layout.codes.push_back(section(1, size_of(type)));
  layout.bytes = end;
  return layout;
}

}  // namespace fastmlp
