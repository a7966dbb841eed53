// Rows of a table in blocks, on as many threads as the work is worth.
#pragma once

#include <algorithm>
#include <functional>

#include "core/denormals.h"
#include "core/poll_timer.h"
#include "core/team.h"
#include "core/team_size.h"
#include "core/types.h"

namespace fastmlp {

/** Called about every 50 ms on the calling thread; throws if the work should end. */
using Interruption = std::function<void()>;

/** Rows of a block, from the bytes and multiply-adds of each row. Interruptions are checked between two blocks, so none
 * takes much longer than 50 ms. */
inline Index rows_of_block(Index n_rows, Index bytes_per_row, Index work_per_row) {
  constexpr Index kMostRows = 128, kMostBytes = Index{1} << 22, kMostWork = Index{1} << 30;
  const Index most = std::min(
      {kMostRows, kMostBytes / std::max<Index>(bytes_per_row, 1), kMostWork / std::max<Index>(work_per_row, 1)});
  return std::min(n_rows, std::max<Index>(most, 1));
}

/** Of the calling thread: whether other programs occupy the processors is remembered between its calls. */
inline TeamSize& team_of_calls() {
  thread_local TeamSize team(1);
  return team;
}

/** Calls work(row, rows) for blocks of at most `block_rows` rows, from up to max_threads threads at once. Each of them
 * makes its own `work` by new_work(). A single block runs on the calling thread, without a look at the clock. */
template <class NewWork>
void for_each_block(Index n_rows, Index block_rows, Index work_per_row, int max_threads,
                    const Interruption& interruption, NewWork&& new_work) {
  if (n_rows == 0) return;
  // Starting a team costs as much as several barriers.
  const double total = static_cast<double>(n_rows) * static_cast<double>(work_per_row);
  const int most_threads = worthwhile_threads(total / 4, max_threads);
  if (most_threads == 1 && n_rows == block_rows) {
    const DenormalMode flush(true);
    auto work = new_work();
    return work(Index{0}, n_rows);
  }
  TeamSize& team = team_of_calls();
  if (most_threads > 1) team.set_full(most_threads);
  PollTimer timer;
  const TeamReport report = run_team(most_threads > 1 ? team.next() : 1, [&](Member& member) {
    auto work = new_work();
    const Member::Range mine = member.share(n_rows, kRowGrain);
    for (Index row = mine.first; row < mine.last; row += block_rows) {
      const Index rows = std::min(block_rows, mine.last - row);
      if (interruption && member.leads() && timer.due(rows * work_per_row)) {
        const DenormalMode keep(false);  // the caller's own arithmetic keeps them
        interruption();
      }
      member.leave_if_failed();
      work(row, rows);
    }
    member.barrier();  // where the time is measured that one waits for another
  });
  if (most_threads > 1) team.went(report, 1, total);
}

}  // namespace fastmlp
