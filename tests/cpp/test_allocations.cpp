// A training step allocates nothing, nor does the prediction of few rows. An executable of its own, since it counts
// every call of the allocator.
#include <cstddef>
#include <cstdlib>
#include <string>

#include "check.h"
#include "data.h"
#include "predict/predictor.h"

#ifndef __GLIBC__

TEST(nothing_to_count) {
  std::printf("skipped: the allocator cannot be replaced here\n");
  std::exit(fastmlp::testing::kSkipped);
}

#else

namespace {
std::atomic<bool> counting{false};
std::atomic<long> allocations{0};
void count() {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

// operator new calls malloc, so these see it all. glibc lets a program replace its allocator and keeps its own under
// these names.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
__attribute__((visibility("default"))) void* calloc(std::size_t n, std::size_t size) {
  count();
  return __libc_calloc(n, size);
}
__attribute__((visibility("default"))) void* realloc(void* old, std::size_t size) {
  count();
  return __libc_realloc(old, size);
}
__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
__attribute__((visibility("default"))) void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
__attribute__((visibility("default"))) int posix_memalign(void** to, std::size_t alignment, std::size_t size) {
  count();
  *to = __libc_memalign(alignment, size);
  return *to ? 0 : 12;
}
__attribute__((visibility("default"))) void free(void* memory) { __libc_free(memory); }
}

namespace fastmlp {
namespace {

using testing::Data;
using testing::mlp;

TEST(the_counter_counts) {
  counting = true;
  allocations = 0;
  // Through a volatile pointer, or the compiler leaves the pairs out.
  void* volatile memory = std::malloc(10);
  std::free(memory);
  int* volatile number = new int(3);
  delete number;
  {
    const Buffer<float> buffer(100);
  }
  counting = false;
  CHECK(allocations == 3);
}

template <class T>
void check_steps(const std::vector<LayerSpec>& specs, const Data<T>& data, Index batch, const StepOptions& options,
                 int n_threads, const AugmentationOptions& augmented = {}) {
  Network<T> network(specs, 1);
  Optimizer<T> optimizer({}, network.stack());
  const Standardisation inputs(std::vector<double>(static_cast<std::size_t>(data.inputs), 0.5),
                               std::vector<double>(static_cast<std::size_t>(data.inputs), 2), 2);
  Step<T> step(network, inputs, data.dataset(true), options, batch, 8);
  step.interrupted = [] { return false; };
  Augmentation<T> augmentation(augmented, network.stack(), inputs.n_filled(), batch, 8);
  if (augmented.any()) step.augmentation = &augmentation;
  run_team(n_threads, [&](Member& member) {
    const auto run = [&](std::uint64_t first, std::uint64_t count) {
      for (std::uint64_t k = first; k < first + count; ++k)
        step.run(member, {data.order.data(), batch}, k, &optimizer, optimizer.rate(1e-4, k + 1));
    };
    run(0, 5);  // what the first use of a library function may allocate is not the step's
    member.barrier();
    if (member.leads()) {
      allocations = 0;
      counting = true;
    }
    member.barrier();
    run(5, 1000);
    member.barrier();
    if (member.leads()) counting = false;
  });
  CHECK(allocations == 0);
}

template <class T>
void check_networks() {
  const Data<T> small(100, 5, 3), classes(40, 20, 10, LossKind::cross_entropy);
  for (const int n_threads : {1, 2}) {
    check_steps<T>(mlp({5, 16, 16, 3}, "gelu", 0.1), small, 64, {.l2 = 1e-3, .max_grad_norm = 1}, n_threads);
    check_steps<T>(mlp({20, 256, 256, 10}, "relu"), classes, 40, {.loss = {LossKind::cross_entropy}}, n_threads);
    check_steps<T>(mlp({5, 16, 16, 3}, "relu"), small, 64, {}, n_threads, {0.4, 0.1, 0.1});
  }
}

TEST(predictions_of_few_rows_allocate_nothing) {
  const Data<float> data(3, 5, 1);
  const Predictor<float> first(Network<float>(mlp({5, 64, 64, 2}, "gelu"), 1), {}, Link::softmax),
      second(Network<float>(testing::tabular(5, 0, {}, {64, 64}, 2, "silu"), 1), {}, Link::softmax);
  const auto mean = Predictor<float>::mean_of({&first, &second}, {1, 2});
  std::vector<float> out(6);
  mean.predict(data.table(), out.data(), 2);  // the thread's first one takes memory
  allocations = 0;
  counting = true;
  for (int k = 0; k < 100; ++k) {
    mean.predict(data.table(), out.data(), 2);
    first.predict(data.table(), out.data(), 2);
  }
  counting = false;
  CHECK(allocations == 0);
}

TEST(steps_allocate_nothing) {
  check_networks<float>();
  check_networks<double>();
}

}  // namespace
}  // namespace fastmlp

#endif
