// Counter-based random numbers: a value depends on its key and its index alone,
// so the same seed gives the same bits however the work is split over threads.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace fastmlp {

/** SplitMix64's finaliser (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195). */
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/** 32-bit finaliser with low bias (Wellons 2018, "lowbias32"); vectorises. */
constexpr std::uint32_t mix32(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

/** What a stream of random numbers is used for; part of every key. */
enum class Stream : std::uint64_t {
  initialisation = 1,
  shuffling = 2,
  dropout = 3,
  mixup = 4,
  swap_noise = 5,
  input_noise = 6,
};

/** The key of one stream: (seed, use, a, b), for instance (seed, dropout, step, layer). */
constexpr std::uint64_t random_key(std::uint64_t seed, Stream use, std::uint64_t a, std::uint64_t b = 0) {
  std::uint64_t key = mix64(seed + 0x9e3779b97f4a7c15u);
  key = mix64(key ^ (static_cast<std::uint64_t>(use) * 0xd1342543de82ef95u));
  key = mix64(key + a * 0x9e3779b97f4a7c15u);
  return mix64(key + b * 0xda942042e4dd58b5u);
}

/** 32 random bits for one index of a stream. */
constexpr std::uint32_t random_bits(std::uint64_t key, std::uint32_t index) {
  return mix32(mix32(index + static_cast<std::uint32_t>(key)) ^ static_cast<std::uint32_t>(key >> 32));
}

/** Walks one stream in order. */
class RandomSequence {
 public:
  explicit RandomSequence(std::uint64_t key) : key_(key) {}

  std::uint64_t next() { return mix64(key_ += 0x9e3779b97f4a7c15u); }
  /** Uniform in [0, 1). */
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /** Normal with mean 0 and variance 1 (Box & Muller 1958). */
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  /** Between 0 and 1 by the beta distribution whose parameters are both `alpha` > 0, from two uniform numbers (Devroye
   * 1996, doi:10.1145/256562.256699: the ratio of a t-distributed number to its norm). */
  double symmetric_beta(double alpha) {
    const double rest = std::pow(1 - uniform(), 1 / alpha);
    const double cosine = std::cos(2 * std::numbers::pi * uniform());
    return 0.5 + 0.5 * cosine * std::sqrt((1 - rest) / (rest + (1 - rest) * cosine * cosine));
  }
  /** Uniform in [0, bound) by Lemire's multiplication (bias below 2^-32 for 32-bit bounds). */
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }

 private:
  std::uint64_t key_;
};

}  // namespace fastmlp
