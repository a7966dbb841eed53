// One training step in two phases: rows (forward and backward of all layers, in small networks the gradient too), then
// weights (the gradient or its sum, penalty, update, fresh copies). Called by all members of a team; see
// docs/design.md.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "core/poll_timer.h"
#include "core/team.h"
#include "nn/forward_rows.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/offset.h"
#include "train/augmentation.h"
#include "train/average.h"
#include "train/gradient_tree.h"
#include "train/optimizer.h"
#include "train/private_gradients.h"
#include "train/samples.h"

namespace fastmlp {

struct StepOptions {
  LossOptions loss;
  double l1 = 0;             // penalty l1 * ||W||_1 / (sum of the minibatch's weights)
  double l2 = 0;             // penalty l2 / 2 * ||W||^2 / (the same)
  double max_grad_norm = 0;  // 0: no clipping
};

/** The sum of `count` row losses in an order that depends on nothing else. */
double ordered_sum(const double* losses, Index count);

template <class T>
class Step {
 public:
  /** For minibatches of at most `max_rows` rows and teams of at most `n_threads`. */
  Step(Network<T>& network, const Standardisation& inputs, const Samples<T>& data, const StepOptions& options,
       Index max_rows, int n_threads);

  /** Takes other samples and options for the next minibatches. */
  void set_data(const Samples<T>& data, const StepOptions& options);
  /** Forgets an interruption, so that it does not end the next minibatch too. Call it before the team starts. */
  void resume() { stopping_.store(false, std::memory_order_relaxed); }

  /** How many threads, at most `limit`, minibatches of that many rows are worth. */
  static int team_size(const Stack<T>& stack, Index max_rows, int limit);

  struct Minibatch {
    const std::uint32_t* rows;
    Index count;
    double dropout_share = 1;  // of every layer's rate
    bool counts = true;        // with `privacy`: whether its rows add anything to the gradient
  };

  /** Where the derivative by the outputs comes from, when not from the loss: rows of (minibatch rows x outputs). */
  Matrix<const T> given_delta;

  /** Changes the rows that the network learns from; may be null, as with `privacy` it must be. */
  Augmentation<T>* augmentation = nullptr;

  /** What LossKind::own stands for. Called on the leader, once for each minibatch. */
  OwnLoss<T> own_loss;

  /** Makes the gradients private, with a loss that is then not of the minibatch's mean; may be null. The penalty, too,
   * is divided by the number of rows that was expected. */
  const PrivateGradients* privacy = nullptr;

  /** The mean of the weights, brought up to date in every step; may be null. */
  WeightAverage<T>* average = nullptr;

  /** Called on the leader every 50 ms or so; true ends the work under way. What it throws comes out of run_team(). May
   * be null. */
  std::function<bool()> interrupted;

  /** Runs one step, without an update where optimizer is null. False when it was interrupted: the parameters are then
   * partly updated. All members get the same answer. */
  bool run(Member& member, const Minibatch& batch, std::uint64_t step, Optimizer<T>* optimizer,
           typename Optimizer<T>::Rate rate);

  /** After run, on the leader: the minibatch's mean loss with penalty, and the sum of its weights. */
  double loss() const { return loss_; }
  double weight() const { return weight_; }

  /** Whether to leave the phase under way; `work`: multiply-adds until the next call. */
  bool poll(Member& member, Index work);
  /** Whether the phase ended early: the value that the leader passes to the barrier after it. */
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  /** Rows that are taken through all layers at once, so that their activations stay in cache. */
  Index block_rows() const { return block_rows_; }
  /** Rows that go through both phases at once; a larger minibatch is taken in such chunks. */
  Index chunk_rows() const { return chunk_rows_; }

 private:
  /** A part of a minibatch that goes through both phases before the next one. */
  struct Chunk {
    const Minibatch& batch;
    Index first, count;  // of its rows
    bool last;
    double weight;  // of the whole minibatch
    std::uint64_t step;

    const std::uint32_t* rows() const { return batch.rows + first; }
  };
  /** Takes the minibatch's rows, which count `weight` together, forward and asks own_loss for its value and derivative.
   * False when interrupted. */
  bool own_loss_phase(Member& member, const Minibatch& batch, std::uint64_t step, double weight);
  /** `count` rows of a minibatch from its row `first` on through all layers, in a workspace from row `at` on, by the
   * thread of this rank. `following`: see gather(). */
  void forward(int rank, const Minibatch& batch, std::uint64_t step, Index first, Index count, Index following,
               Workspace<T>& workspace, Index at);
  Pass pass_of(const Minibatch& batch, std::uint64_t step, Index first) const {
    return {true, network_.seed(), step, first, batch.dropout_share};
  }
  RowsOfStep rows_of(const Minibatch& batch, std::uint64_t step, Index first, Index count) const {
    return {batch.rows, batch.count, first, count, network_.seed(), step};
  }
  void rows_phase(Member& member, const Chunk& chunk);
  void leaves_phase(Member& member, const Chunk& chunk);
  /** The sum of the chunk's losses, in an order that does not depend on the team. */
  double loss_of(const Chunk& chunk, int team) const;
  /** Rows [row, row + count) of a chunk through all layers and back, in a workspace from row `at` on; where `gradients`
   * is not null, their gradient too, to that flat buffer or, with `add`, to what it holds. */
  void pass_rows(int rank, const Chunk& chunk, Index row, Index count, Workspace<T>& workspace, Index at,
                 double* losses, T* gradients = nullptr, bool add = false);
  /** Scales what the rows of a workspace from `at` on add to the gradient down to the largest norm that they may have,
   * and divides it by the expected number of rows. `rows` are they, where the table is sparse. */
  void limit_rows(const Workspace<T>& workspace, Index at, const SparseRows<T>& rows, bool counts) const;
  /** Adds noise to one task's gradient. */
  void add_noise(const Task& task, std::uint64_t step, const TaskGradient<T>& gradient) const;
  void weights_phase(Member& member, const Chunk& chunk, Optimizer<T>* optimizer, typename Optimizer<T>::Rate rate);
  /** This task's gradient over the chunk, from the workspace or from the trees: in `to`, or unless `keep`
   * where it already is. */
  TaskGradient<T> gradient(const Task& task, const Chunk& chunk, int team, const TaskGradient<T>& to, bool keep);
  /** Updates one task's parameters, the copies of them and the mean of the weights. */
  void update(const Task& task, const TaskGradient<T>& gradient, std::uint64_t step, Optimizer<T>& optimizer,
              typename Optimizer<T>::Rate rate, double scale);
  std::pair<std::size_t, std::size_t> tasks_of(const Member& member) const;

  /** Whether the tasks' owning threads sum gradients over all rows; otherwise workers do, over leaves of rows. */
  bool by_owning_threads() const { return workers_.empty(); }

  /** What a worker needs: a thread that takes leaves, runs of rows, through all layers and sums up their gradients. On
   * cache lines of its own, since its tree changes all the time. */
  struct alignas(kAlignment) Worker {
    Workspace<T> workspace;
    Buffer<double> row_losses;   // of one block
    Buffer<double> leaf_losses;  // of this thread's leaves
    GradientTree<T> tree;
  };

  Network<T>& network_;
  const Stack<T>& stack_;
  const Standardisation& inputs_;
  Samples<T> data_;
  StepOptions options_;
  Index block_rows_;
  Index max_rows_;
  Index chunk_rows_;                       // a larger minibatch is taken in chunks whose gradients are summed
  std::vector<Worker> workers_;            // one per thread, or none
  std::optional<Workspace<T>> workspace_;  // by owning threads: of a whole chunk
  Buffer<double> row_losses_;              // the same
  std::vector<Buffer<T>> scratch_;         // one task's gradient per thread
  Buffer<double> own_outputs_;             // for own_loss, of a minibatch
  Buffer<T> own_delta_;
  std::vector<double> penalties_, norms_;  // one per task
  std::vector<double> work_;               // work of all tasks up to the i-th, relative
  // Written by the leader while the others read what is above, so on cache lines of their own.
  alignas(kAlignment) std::atomic<bool> stopping_{false};
  alignas(kAlignment) PollTimer timer_;  // the leader's
  double loss_ = 0, weight_ = 0;
  double own_value_ = 0;
};

}  // namespace fastmlp
