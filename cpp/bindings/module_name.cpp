// All of the bindings that differs between the instruction sets: the function that Python looks up by a module's name.
#include <Python.h>

extern "C" PyObject* PyInit_fastmlp_core();

PyMODINIT_FUNC FASTMLP_INIT() { return PyInit_fastmlp_core(); }
