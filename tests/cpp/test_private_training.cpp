// Private training: the same bits for any number of threads. What a private step computes is tested in Python.
#include "check.h"
#include "data.h"
#include "train/private_training.h"

namespace fastmlp {
namespace {

using testing::copy_of;
using testing::Data;
using testing::same_bits;

template <class T>
std::vector<T> parameters_after_private_steps(const std::vector<LayerSpec>& specs, const Data<T>& data, int n_threads) {
  Network<T> network(specs, 5);
  Optimizer<T> optimizer({}, network.stack());
  const Standardisation none;
  PrivateTraining<T> training(network, optimizer, none, data.dataset(true),
                              {.n_steps = 4,
                               .sampling_rate = 0.5,
                               .noise_multiplier = 0.7,
                               .average_steps = 2,
                               .key = {1, 2, 3},
                               .n_threads = n_threads});
  CHECK(training.run(3) && training.run(1));
  training.finish();
  return copy_of(network.values());
}

template <class T>
void check_private_steps(const std::vector<LayerSpec>& specs, const Data<T>& data) {
  CHECK(Step<T>::team_size(Stack<T>(specs), data.rows / 2, 8) >= 4);  // that several threads would really run
  const std::vector<T> alone = parameters_after_private_steps(specs, data, 1);
  CHECK(same_bits(parameters_after_private_steps(specs, data, 0), alone));  // at least one thread
  for (const int n_threads : testing::team_sizes())
    CHECK(same_bits(parameters_after_private_steps(specs, data, n_threads), alone));
}

TEST(private_training_gives_the_same_bits_for_any_number_of_threads) {
  // By leaves, and by the tasks' owning threads.
  check_private_steps<float>(testing::tabular(8, 3, {{4, 0}, {30, 8}}, {96, 64}, 3, "mish", 0.2),
                             testing::with_codes(Data<float>(1301, 13, 3), 11, {4, 30}));
  check_private_steps<double>(testing::mlp({20, 400, 400, 2}, "relu"), Data<double>(301, 20, 2));
}

TEST(private_training_needs_rows) {
  Network<float> network(testing::mlp({5, 3, 1}, "relu"), 1);
  Optimizer<float> optimizer({}, network.stack());
  const Data<float> data(10, 5, 1);
  Dataset<float> none = data.dataset();
  none.rows.clear();
  CHECK_THROWS(PrivateTraining<float>(network, optimizer, {}, none, {}), "rows");
}

}  // namespace
}  // namespace fastmlp
