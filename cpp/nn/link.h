// Links: what lies between a network's raw outputs and predictions.
#pragma once

#include "core/names.h"

namespace fastmlp {

/** The inverse link function, which turns raw outputs into predictions. */
enum class Link { identity, logistic, softmax, exponential };
inline constexpr std::array kLinkNames = {"identity", "logistic", "softmax", "exponential"};

inline Link link_from_name(const std::string& name) { return value_of<Link>(name, kLinkNames, "link"); }

}  // namespace fastmlp
