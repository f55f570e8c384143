"""Elementwise primitives. Inputs have one shape; `hotloop.ops` broadcasts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import BOOL, FLOAT, INT, canonical_dtype
from hotloop.graph.primitives.registry import Gradient, Infer, Shape, register
from hotloop.graph.tensor import Tensor, apply, fill


def _mul(a: Tensor, b: Tensor) -> Tensor:
    return apply("mul", [a, b])


def _like(value: float, tensor: Tensor) -> Tensor:
    return fill(value, tensor.shape, tensor.dtype)


def _infer(dtypes: tuple[str, ...], result: str | None = None) -> Infer:
    """Inputs of one shape and one dtype out of `dtypes`; the result has it too, or `result`."""

    def infer(name: str, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Shape, str]:
        first = inputs[0]
        for tensor in inputs:
            if tensor.shape != first.shape or tensor.dtype != first.dtype:
                raise ValueError(
                    f"{name!r} takes inputs of one shape and dtype, got "
                    + ", ".join(f"{t.dtype}{list(t.shape)}" for t in inputs)
                )
        if first.dtype not in dtypes:
            raise TypeError(f"{name!r} takes {' or '.join(dtypes)} tensors, got {first.dtype}.")
        return first.shape, result or first.dtype

    return infer


def _quiet(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """The reference that calls `function` on the arrays, with IEEE results and no warnings."""

    def reference(float_dtype: Any, attrs: dict[str, Any], *arrays: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return function(*arrays)

    return reference


_FLOATS, _NUMBERS, _ALL = _infer((FLOAT,)), _infer((FLOAT, INT)), _infer((FLOAT, INT, BOOL), BOOL)
_LOGIC, _TEST = _infer((BOOL,)), _infer((FLOAT,), BOOL)


def _unary(
    name: str,
    function: Callable[..., Any],
    backward: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    infer: Infer = _FLOATS,
) -> None:
    """`backward(g, x, y)` is the gradient for x, given `g` for y = f(x)."""
    gradient: Gradient | None = None
    if backward is not None:

        def gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
            return backward(g, out.inputs[0], out)

    register(name, infer, _quiet(function), gradient, elementwise=True)


def _binary(
    name: str,
    function: Callable[..., Any],
    gradient: Gradient | None = None,
    infer: Infer = _NUMBERS,
) -> None:
    register(name, infer, _quiet(function), gradient, elementwise=True)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)


def _erf(x: np.ndarray) -> np.ndarray:
    values = [math.erf(v) for v in x.reshape(-1).tolist()]
    return np.array(values, x.dtype).reshape(x.shape)


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "f":
        return a / b
    return np.where(b == 0, 0, a // np.where(b == 0, 1, b)).astype(a.dtype)


def _modulo(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "f":
        return np.mod(a, b)
    return np.where(b == 0, 0, np.mod(a, np.where(b == 0, 1, b))).astype(a.dtype)


def _div(a: Tensor, b: Tensor) -> Tensor:
    return apply("div", [a, b])


def _neg(x: Tensor) -> Tensor:
    return apply("neg", [x])


def _plus_one(x: Tensor) -> Tensor:
    return apply("add", [x, _like(1.0, x)])


def _one_minus(x: Tensor) -> Tensor:
    return apply("sub", [_like(1.0, x), x])


def _abs_backward(g: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The slope at 0 is 1, as in JAX."""
    return apply("select", [apply("le", [_like(0.0, x), x]), g, _neg(g)])


def _erf_backward(g: Tensor, x: Tensor, y: Tensor) -> Tensor:
    gauss = apply("exp", [_neg(_mul(x, x))])
    return _mul(g, _mul(_like(2.0 / math.sqrt(math.pi), x), gauss))


_unary("neg", np.negative, lambda g, x, y: _neg(g), _NUMBERS)
_unary("abs", np.abs, _abs_backward, _NUMBERS)
_unary("sign", np.sign, infer=_NUMBERS)
_unary("floor", np.floor)
_unary("ceil", np.ceil)
_unary("round", np.rint)
_unary("sqrt", np.sqrt, lambda g, x, y: _div(_mul(g, _like(0.5, g)), y))
_unary("exp", np.exp, lambda g, x, y: _mul(g, y))
_unary("expm1", np.expm1, lambda g, x, y: _mul(g, _plus_one(y)))
_unary("log", np.log, lambda g, x, y: _div(g, x))
_unary("log1p", np.log1p, lambda g, x, y: _div(g, _plus_one(x)))
_unary("tanh", np.tanh, lambda g, x, y: _mul(g, _one_minus(_mul(y, y))))
_unary("sigmoid", _sigmoid, lambda g, x, y: _mul(g, _mul(y, _one_minus(y))))
_unary("erf", _erf, _erf_backward)
_unary("sin", np.sin, lambda g, x, y: _mul(g, apply("cos", [x])))
_unary("cos", np.cos, lambda g, x, y: _neg(_mul(g, apply("sin", [x]))))
_unary("isnan", np.isnan, infer=_TEST)
_unary("not", np.logical_not, infer=_LOGIC)


def _add_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    return g


def _sub_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    return g if i == 0 else _neg(g)


def _mul_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    return _mul(g, out.inputs[1 - i])


def _div_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    quotient = apply("div", [g, out.inputs[1]])
    return quotient if i == 0 else _neg(_mul(quotient, out))


def _extremum_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    """All of `g` to the chosen input, half to each where they are equal (as JAX does)."""
    x, other = out.inputs[i], out.inputs[1 - i]
    half, zero = _mul(g, _like(0.5, g)), _like(0.0, g)
    order = [other, x] if out.primitive == "max" else [x, other]
    tied = apply("select", [apply("eq", [x, other]), half, zero])
    return apply("select", [apply("lt", order), g, tied])


def _pow_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    a, b = out.inputs
    one, zero = _like(1.0, a), _like(0.0, a)
    if i == 0:  # b·a^(b-1), and 0 for b = 0 whatever a is
        lowered = apply("sub", [b, one])
        exponent = apply("select", [apply("eq", [b, zero]), one, lowered])
        return _mul(g, _mul(b, apply("pow", [a, exponent])))
    base = apply("select", [apply("eq", [a, zero]), one, a])
    return _mul(g, _mul(apply("log", [base]), out))


def _mod_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    if i == 0:
        return g
    return _neg(_mul(g, apply("floor", [apply("div", list(out.inputs))])))


_binary("add", np.add, _add_gradient)
_binary("sub", np.subtract, _sub_gradient)
_binary("mul", np.multiply, _mul_gradient)
_binary("div", _divide, _div_gradient)
_binary("max", np.maximum, _extremum_gradient)
_binary("min", np.minimum, _extremum_gradient)
_binary("pow", np.power, _pow_gradient, _FLOATS)
_binary("mod", _modulo, _mod_gradient)
_binary("eq", np.equal, infer=_ALL)
_binary("ne", np.not_equal, infer=_ALL)
_binary("lt", np.less, infer=_ALL)
_binary("le", np.less_equal, infer=_ALL)
_binary("and", np.logical_and, infer=_LOGIC)
_binary("or", np.logical_or, infer=_LOGIC)
_binary("xor", np.logical_xor, infer=_LOGIC)


def _infer_select(name: str, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Shape, str]:
    condition, a, b = inputs
    if condition.dtype != BOOL or a.dtype != b.dtype or not condition.shape == a.shape == b.shape:
        raise ValueError(
            "'select' takes a bool tensor and two tensors of one dtype, all of one shape, got "
            + ", ".join(f"{t.dtype}{list(t.shape)}" for t in inputs)
        )
    return a.shape, a.dtype


def _select_gradient(i: int, g: Tensor, out: Tensor) -> Tensor | None:
    if i == 0:
        return None
    zero = _like(0.0, g)
    branches = [g, zero] if i == 1 else [zero, g]
    return apply("select", [out.inputs[0], *branches])


register("select", _infer_select, _quiet(np.where), _select_gradient, elementwise=True)


def _infer_cast(name: str, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Shape, str]:
    attrs["dtype"] = canonical_dtype(attrs["dtype"])
    return inputs[0].shape, attrs["dtype"]


def _cast(float_dtype: Any, attrs: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """To int32: toward zero; NaN and what is out of range give the smallest integer."""
    target = attrs["dtype"]
    if target != INT or x.dtype.kind != "f":
        return x.astype({FLOAT: float_dtype, INT: np.int32, BOOL: np.bool_}[target])
    fits = (x > -(2.0**31) - 1) & (x < 2.0**31)
    return np.where(fits, np.where(fits, x, 0).astype(np.int32), np.int32(-(2**31)))


def _cast_gradient(i: int, g: Tensor, out: Tensor) -> Tensor | None:
    return g if out.inputs[0].dtype == FLOAT == out.dtype else None


register("cast", _infer_cast, _cast, _cast_gradient, elementwise=True)


def _infer_same(name: str, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Shape, str]:
    return inputs[0].shape, inputs[0].dtype


register("stop_gradient", _infer_same, lambda f, attrs, x: x, elementwise=True)
