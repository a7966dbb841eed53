// Which processor the library was built for.
#pragma once

namespace fastmlp {

/** "x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64", "aarch64" or "generic": the level this file's flags ask for. */
const char* built_for();

/** Compiler and its version. */
const char* compiler();

}  // namespace fastmlp
