// Which processor the library was built for, and what the one that it runs on has.
#pragma once

namespace fastmlp {

/** "x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64", "aarch64" or "generic": the level this file's flags ask for. */
const char* built_for();

/** The highest x86-64 level, 1 to 4, that the processor and the system have; 0 for other processors. */
int processor_level();

/** Whether the processor multiplies tiles of bfloat16 numbers (Intel's AMX) and the system knows of it. */
bool has_matrix_unit();
/** Asks the system to let this process use it, for good; whether it does. */
bool permit_matrix_unit();

/** Compiler and its version. */
const char* compiler();

}  // namespace fastmlp
