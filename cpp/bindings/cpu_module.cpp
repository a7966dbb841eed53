// Which x86-64 level this processor has, and whether a matrix unit. A separate module, built for any processor, so that
// it can be loaded before the others. Two functions without arguments need no pybind11, which takes longer to compile
// than a level's kernels.
#include <Python.h>

#include "core/cpu.h"

namespace {

PyObject* processor_level(PyObject*, PyObject*) { return PyLong_FromLong(fastmlp::processor_level()); }

PyObject* has_matrix_unit(PyObject*, PyObject*) { return PyBool_FromLong(fastmlp::has_matrix_unit()); }

PyMethodDef functions[] = {{"processor_level", processor_level, METH_NOARGS, nullptr},
                           {"has_matrix_unit", has_matrix_unit, METH_NOARGS, nullptr},
                           {}};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_cpu", nullptr, 0, functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__cpu() { return PyModule_Create(&module); }
