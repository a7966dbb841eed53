#include "train/augmentation.h"

#include <algorithm>
#include <numeric>

#include "core/checks.h"
#include "core/random.h"
#include "kernels/augment.h"

namespace fastmlp {
namespace {

std::uint64_t key_of(const RowsOfStep& rows, Stream use, std::uint64_t what = 0) {
  return random_key(rows.seed, use, rows.step, what);
}

const AugmentationOptions& checked(const AugmentationOptions& options) {
  check_not_negative("mixup", options.mixup);
  check_not_negative("input_noise", options.input_noise);
  check_below_one("swap_noise", options.swap_noise);
  return options;
}

}  // namespace

template <class T>
Augmentation<T>::Augmentation(const AugmentationOptions& options, const Stack<T>& stack, Index n_numbers,
                              Index most_rows, int n_threads)
    : options_(checked(options)), n_numbers_(n_numbers), n_codes_(stack.n_codes()) {
  if (stack.takes_sparse()) invalid("mixup, swap_noise and input_noise", "must be 0 for sparse rows");
  const Index stride = row_stride<T>(stack.inputs()), outputs = row_stride<T>(stack.outputs());
  for (int i = 0; i < n_threads; ++i)
    scratch_.push_back({Buffer<std::uint32_t>(most_rows), Buffer<T>(most_rows), Buffer<T>(most_rows * stride),
                        Buffer<T>(most_rows * outputs), Buffer<double>(most_rows)});
}

// The order of the minibatch, moved on by a random number of rows.
template <class T>
void Augmentation<T>::choose_others(const RowsOfStep& rows, Stream use, std::uint32_t* others) const {
  Index place = rows.first;
  if (rows.batch_rows > 1) {
    RandomSequence random(key_of(rows, use));
    place += 1 + random.below(static_cast<std::uint32_t>(rows.batch_rows - 1));
  }
  for (Index i = 0; i < rows.count; ++i) others[i] = rows.batch[(place + i) % rows.batch_rows];
}

template <class T>
void Augmentation<T>::draw_shares(const RowsOfStep& rows, T* shares) const {
  for (Index i = 0; i < rows.count; ++i) {
    RandomSequence random(key_of(rows, Stream::mixup, static_cast<std::uint64_t>(rows.first + i) + 1));
    shares[i] = static_cast<T>(random.symmetric_beta(options_.mixup));
  }
}

template <class T>
void Augmentation<T>::gather(int thread, const RowsOfStep& rows, const Samples<T>& samples,
                             const Standardisation& standardisation, Matrix<T> inputs) {
  Scratch& own = scratch_[static_cast<std::size_t>(thread)];
  const auto gather_others = [&](Stream use) -> Matrix<const T> {
    const Matrix<T> others{own.inputs.data(), inputs.rows, inputs.cols, row_stride<T>(inputs.cols)};
    choose_others(rows, use, own.others.data());
    fastmlp::gather<T>(samples.x, standardisation, own.others.data(), 0, others);
    return others;
  };
  fastmlp::gather<T>(samples.x, standardisation, rows.batch + rows.first, 0, inputs);
  if (options_.swap_noise > 0)
    swap_values<T>(inputs, gather_others(Stream::swap_noise), options_.swap_noise, key_of(rows, Stream::swap_noise, 1),
                   rows.first);
  if (options_.mixup > 0) {
    draw_shares(rows, own.shares.data());
    mix_rows<T>(inputs, gather_others(Stream::mixup), own.shares.data(), n_codes_, key_of(rows, Stream::mixup),
                rows.first);
  }
  if (options_.input_noise > 0)
    add_input_noise<T>(inputs.columns(0, n_numbers_), options_.input_noise, key_of(rows, Stream::input_noise),
                       rows.first);
}

template <class T>
void Augmentation<T>::add_offset(int thread, const RowsOfStep& rows, const T* offset, Matrix<T> outputs) {
  const Scratch& own = scratch_[static_cast<std::size_t>(thread)];
  const auto of_row = [&](std::uint32_t row) { return offset + static_cast<Index>(row) * outputs.cols; };
  for (Index i = 0; i < outputs.rows; ++i) {
    T* to = outputs.row(i);
    const T *first = of_row(rows[i]), *second = mixes() ? of_row(own.others[i]) : first;
    const T share = mixes() ? own.shares[i] : T(1);
    for (Index k = 0; k < outputs.cols; ++k) to[k] += second[k] + share * (first[k] - second[k]);
  }
}

template <class T>
void Augmentation<T>::evaluate_loss(int thread, const RowsOfStep& rows, const LossOptions& loss,
                                    Matrix<const T> outputs, const Samples<T>& samples, double scale, double* losses,
                                    Matrix<T> delta) {
  const auto evaluate = [&](const std::uint32_t* numbers, double* to, Matrix<T> derivative) {
    fastmlp::evaluate_loss<T>(loss, outputs, samples.y, samples.weights, numbers, scale, to, derivative);
  };
  evaluate(rows.batch + rows.first, losses, delta);
  if (!mixes()) return;
  Scratch& own = scratch_[static_cast<std::size_t>(thread)];
  const Matrix<T> other{own.delta.data(), delta.rows, delta.cols, row_stride<T>(delta.cols)};
  evaluate(own.others.data(), own.losses.data(), other);
  // Losses are linear in the weights of rows.
  for (Index i = 0; i < rows.count; ++i) {
    const T share = own.shares[i];
    losses[i] = own.losses[i] + static_cast<double>(share) * (losses[i] - own.losses[i]);
    for (Index k = 0; k < delta.cols; ++k)
      delta.row(i)[k] = other.row(i)[k] + share * (delta.row(i)[k] - other.row(i)[k]);
  }
}

// Each row is there twice, with its own true values and with the other one's, and weights that say its share in both.
template <class T>
std::optional<double> Augmentation<T>::evaluate_loss(const RowsOfStep& rows, const OwnLoss<T>& loss,
                                                     Matrix<const double> outputs, const Samples<T>& samples,
                                                     Matrix<T> derivative) const {
  if (!mixes()) return loss(samples, rows.batch, outputs, derivative);
  const auto n = static_cast<std::size_t>(rows.count), cols = static_cast<std::size_t>(outputs.cols);
  std::vector<T> shares(n), values(2 * n * cols), weights(2 * n), both_derivatives(2 * n * cols);
  std::vector<std::uint32_t> numbers(rows.batch, rows.batch + n), places(2 * n);
  numbers.resize(2 * n);
  std::iota(places.begin(), places.end(), 0u);
  draw_shares(rows, shares.data());
  choose_others(rows, Stream::mixup, numbers.data() + n);
  std::vector<double> both_outputs(outputs.data, outputs.data + n * cols);
  both_outputs.insert(both_outputs.end(), outputs.data, outputs.data + n * cols);
  for (std::size_t i = 0; i < 2 * n; ++i) {
    std::copy_n(samples.y.values + static_cast<Index>(numbers[i]) * samples.y.stride, cols, &values[i * cols]);
    weights[i] = (i < n ? shares[i] : 1 - shares[i - n]) * (samples.weights ? samples.weights[numbers[i]] : T(1));
  }
  Samples<T> both;
  both.y = {values.data(), nullptr, outputs.cols};
  both.weights = weights.data();
  const auto value = loss(both, places.data(), {both_outputs.data(), 2 * rows.count, outputs.cols, outputs.cols},
                          {both_derivatives.data(), 2 * rows.count, outputs.cols, outputs.cols});
  for (std::size_t i = 0; i < n * cols; ++i) derivative.data[i] = both_derivatives[i] + both_derivatives[n * cols + i];
  return value;
}

template class Augmentation<float>;
template class Augmentation<double>;

}  // namespace fastmlp
