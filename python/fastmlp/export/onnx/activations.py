"""Activations in ONNX operators. Runtimes lack some operators in double: these are formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastmlp.export.onnx.graph import Graph

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848
# Cody's rational approximations of erf (1969): for |x| <= 0.46875, and of exp(x^2) erfc(x) beyond.
_ERF_NEAR = (
    (
        *(1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2),
        *(3.77485237685302021e2, 3.20937758913846947e3),
    ),
    (
        *(1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3),
        2.84423683343917062e3,
    ),
)
_ERFC_BEYOND = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0),
        *(6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2),
        *(1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2),
        *(1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3),
        *(3.43936767414372164e3, 1.23033935480374942e3),
    ),
)


def probability_of(g: Graph, logit: str, dtype: np.dtype[Any]) -> str:
    """The inverse of the logit, of all elements of a tensor of the type.

    onnxruntime's operator Sigmoid loses the small probabilities: its error is absolute.
    """
    one = dtype.type(1)
    return g("Div", one, g("Add", g("Exp", g("Neg", logit)), one))


def activate(graph: Graph, name: str, z: str, dtype: np.dtype[Any]) -> str:
    """The activation of that name, of all elements of a tensor of the type."""
    return z if name == "identity" else _FUNCTIONS[name](graph, z, dtype.type)


def _relu(g: Graph, z: str, number: Any) -> str:
    return g("Relu", z)


def _leaky_relu(g: Graph, z: str, number: Any) -> str:
    return g("Max", z, g("Mul", z, number(0.01)))  # the operator has its slope in float


def _elu(g: Graph, z: str, number: Any) -> str:
    return g("Elu", z) if number is np.float32 else _scaled_elu(g, z, number, 1.0, 1.0)


def _selu(g: Graph, z: str, number: Any) -> str:
    if number is np.float32:
        return g("Selu", z, alpha=_SELU_ALPHA, gamma=_SELU_SCALE)
    return _scaled_elu(g, z, number, _SELU_SCALE, _SELU_ALPHA)


def _scaled_elu(g: Graph, z: str, number: Any, scale: float, alpha: float) -> str:
    below = g("Sub", g("Exp", g("Min", z, number(0))), number(1))
    return g("Add", g("Mul", g("Relu", z), number(scale)), g("Mul", below, number(scale * alpha)))


def _gelu(g: Graph, z: str, number: Any) -> str:
    scaled = g("Mul", z, number(np.sqrt(0.5)))
    erf = g("Erf", scaled) if number is np.float32 else _erf(g, scaled, number)
    return g("Mul", z, g("Mul", g("Add", erf, number(1)), number(0.5)))


def _erf(g: Graph, x: str, number: Any) -> str:
    size = g("Min", g("Abs", x), number(6))  # from there on erf is 1 to the last bit
    square = g("Mul", size, size)
    above, below = (_polynomial(g, square, c, number) for c in _ERF_NEAR)
    near = g("Mul", size, g("Div", above, below))
    above, below = (_polynomial(g, size, c, number) for c in _ERFC_BEYOND)
    erfc = g("Mul", g("Exp", g("Neg", square)), g("Div", above, below))
    is_near = g("LessOrEqual", size, number(0.46875))
    return g("Mul", g("Sign", x), g("Where", is_near, near, g("Sub", number(1), erfc)))


def _polynomial(g: Graph, x: str, coefficients: tuple[float, ...], number: Any) -> str:
    """c[0] x^(n-1) + ... + c[n-1] by Horner's rule."""
    first, second, *others = coefficients
    y = g("Add", g("Mul", x, number(first)), number(second))
    for c in others:
        y = g("Add", g("Mul", x, y), number(c))
    return y


def _silu(g: Graph, z: str, number: Any) -> str:
    if number is np.float32:
        return g("Mul", z, g("Sigmoid", z))
    # onnxruntime 1.20 fuses the product to an operator that it lacks in double.
    return g("Div", z, g("Add", g("Exp", g("Neg", z)), number(1)))


def _softplus(g: Graph, z: str, number: Any) -> str:
    if number is np.float32:
        return g("Softplus", z)
    small = g("Exp", g("Neg", g("Abs", z)))  # does not overflow
    return g("Add", g("Relu", z), g("Log", g("Add", small, number(1))))


def _mish(g: Graph, z: str, number: Any) -> str:
    """By n = e^z (e^z + 2): tanh(softplus(z)) = n / (n + 2). Softplus is slow in onnxruntime."""
    e = g("Exp", g("Min", z, number(20)))  # from there on it is 1 to the last bit
    n = g("Mul", e, g("Add", e, number(2)))
    return g("Mul", z, g("Div", n, g("Add", n, number(2))))


def _tanh(g: Graph, z: str, number: Any) -> str:
    return g("Tanh", z)


def _logistic(g: Graph, z: str, number: Any) -> str:
    return g("Sigmoid", z)


_FUNCTIONS: dict[str, Callable[[Graph, str, Any], str]] = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "tanh": _tanh,
    "logistic": _logistic,
    "softplus": _softplus,
}
