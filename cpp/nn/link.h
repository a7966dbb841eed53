// Links: what lies between a network's raw outputs and predictions.
#pragma once

#include <utility>
#include <vector>

#include "core/names.h"
#include "core/types.h"

namespace fastmlp {

/** The inverse link function, which turns raw outputs into predictions.
 *
 * gaussian: the first half of the outputs are means, the second half become variances. continuation_ratio: output k is
 * the logit of being above class k if not below it; predictions are the probabilities of all classes. */
struct Link {
  enum Kind { identity, logistic, softmax, exponential, gaussian, continuation_ratio };

  Link(Kind of) : kind(of) {}  // NOLINT(google-explicit-constructor)
  Link(Kind of, std::vector<Index> classes) : kind(of), heads(std::move(classes)) {}

  bool operator==(const Link&) const = default;
  /** Number of predictions from this number of raw outputs. */
  Index predictions(Index outputs) const { return outputs + (kind == continuation_ratio ? 1 : 0); }
  /** Whether it can be applied to this number of raw outputs. */
  bool fits(Index outputs) const {
    if (kind == gaussian) return outputs % 2 == 0;
    if (heads.empty()) return true;
    Index left = outputs;
    for (const Index classes : heads) {
      if (classes > left) return false;  // not added up, since a sum of any numbers may overflow
      left -= classes;
    }
    return left == 0;
  }

  Kind kind;
  std::vector<Index> heads;  // softmax: the classes of each, if there are several side by side
};
inline constexpr std::array kLinkNames = {"identity",    "logistic", "softmax",
                                          "exponential", "gaussian", "continuation_ratio"};

/** Heads of another link than softmax, or without classes, are an error. */
inline Link link_from_name(const std::string& name, std::vector<Index> heads = {}) {
  const auto kind = value_of<Link::Kind>(name, kLinkNames, "link");
  if (!heads.empty() && kind != Link::softmax) invalid("heads", "must be empty for the link '" + name + "'");
  for (const Index classes : heads)
    if (classes < 1) invalid("heads", "must hold numbers of classes; got " + std::to_string(classes));
  return {kind, std::move(heads)};
}

}  // namespace fastmlp
