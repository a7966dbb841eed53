// Augmentation: in every step networks learn from changed copies of the rows. Rows are mixed with others of the
// minibatch, some of their values are those of others, and noise is added to their numbers. What is random is a
// function of seed, step and a row's place in the minibatch.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/stack.h"
#include "train/samples.h"

namespace fastmlp {

struct AugmentationOptions {
  double mixup = 0;        // parameter of the beta distribution of shares (Zhang et al. 2018, arXiv:1710.09412)
  double swap_noise = 0;   // probability that a value is another row's
  double input_noise = 0;  // standard deviation of what is added to numbers

  /** Whether there is anything to change. */
  bool any() const { return mixup != 0 || swap_noise != 0 || input_noise != 0; }
};

/** Rows [first, first + count) of a minibatch, in a step. */
struct RowsOfStep {
  const std::uint32_t* batch;
  Index batch_rows;
  Index first, count;
  std::uint64_t seed, step;

  std::uint32_t operator[](Index i) const { return batch[first + i]; }
};

template <class T>
class Augmentation {
 public:
  /** For blocks of at most `most_rows` rows of dense tables that begin with `n_numbers` columns of numbers, on threads
   * numbered from 0 to `n_threads` - 1. An error that names the option if one is out of range, or the stack takes
   * sparse rows. */
  Augmentation(const AugmentationOptions& options, const Stack<T>& stack, Index n_numbers, Index most_rows,
               int n_threads);

  /** Whether a row is mixed with another, whose true values then count too. */
  bool mixes() const { return options_.mixup > 0; }

  /** The inputs of some rows, changed; what follows is about the rows of this thread's last call. */
  void gather(int thread, const RowsOfStep& rows, const Samples<T>& samples, const Standardisation& standardisation,
              Matrix<T> inputs);
  /** outputs <- outputs + the rows' offsets, mixed as they are. */
  void add_offset(int thread, const RowsOfStep& rows, const T* offset, Matrix<T> outputs);
  /** As fastmlp::evaluate_loss(): the mean of the losses for a row's own true values and the other one's, weighted with
   * their shares. */
  void evaluate_loss(int thread, const RowsOfStep& rows, const LossOptions& loss, Matrix<const T> outputs,
                     const Samples<T>& samples, double scale, double* losses, Matrix<T> delta);
  /** The same for a loss of the user's: of all rows of a minibatch, on one thread. */
  std::optional<double> evaluate_loss(const RowsOfStep& rows, const OwnLoss<T>& loss, Matrix<const double> outputs,
                                      const Samples<T>& samples, Matrix<T> derivative) const;

 private:
  /** Rows that others are mixed with or take values from: each row of the minibatch is that of one other. */
  void choose_others(const RowsOfStep& rows, Stream use, std::uint32_t* others) const;
  void draw_shares(const RowsOfStep& rows, T* shares) const;

  /** One thread's memory for a block of rows. */
  struct alignas(kAlignment) Scratch {
    Buffer<std::uint32_t> others;
    Buffer<T> shares, inputs, delta;
    Buffer<double> losses;
  };

  AugmentationOptions options_;
  Index n_numbers_, n_codes_;
  std::vector<Scratch> scratch_;
};

}  // namespace fastmlp
