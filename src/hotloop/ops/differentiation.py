"""Gradients by hand, and forward-mode derivatives."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

from hotloop.graph import Scope, Tensor, apply, constant, current_scope, fill, gradients
from hotloop.ops import tree
from hotloop.ops.dispatch import op
from hotloop.ops.symbolic import FunctionOperation, any_symbolic


def with_gradient(
    y: Tensor, xs: Sequence[Tensor], backward: Callable[[Tensor], Sequence[Tensor | None]]
) -> Tensor:
    """The value `y`, whose gradient for `xs` is `backward(g)`, one each, for the gradient `g`."""
    return apply("custom_gradient", [y, *xs], backward=backward)


def with_slope(y: Tensor, x: Tensor, slope: Callable[[], Tensor]) -> Tensor:
    """The value `y`, an elementwise function of `x` with the derivative `slope()`."""
    return with_gradient(y, [x], lambda g: [apply("mul", [g, slope()])])


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: `f(*args)` returns its result and a function from its gradient to those of `args`.

    That function gets one gradient for each tensor of the result, in order, and returns one for
    each positional tensor argument (or the only one itself; None where nothing flows back). When
    the result has several tensors it is called once for each, with zeros for the others. No other
    gradient leaves `f`: none for variables that it reads. Raises `ValueError` when a gradient has
    not the shape of its argument, or their number differs.
    """

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            return FunctionOperation(wrapper, f.__name__)(*args, **kwargs)
        args = tree.map_structure(_as_tensor, args)
        xs = [x for x in tree.flatten(args) if isinstance(x, Tensor)]
        outputs, grad_fn = f(*args, **kwargs)
        ys = [constant(y) for y in tree.flatten(outputs)]

        def backward(index: int, g: Tensor) -> list[Tensor | None]:
            upstream = [
                g if k == index else fill(0.0, y.shape, "float32") for k, y in enumerate(ys)
            ]
            parts = grad_fn(*upstream)
            parts = list(tree.flatten(parts))
            if len(parts) != len(xs):
                raise ValueError(
                    f"The gradient function of {f.__name__!r} returned {len(parts)} gradients for "
                    f"{len(xs)} tensor arguments. Return one for each (None for no gradient)."
                )
            return [_fitting(part, x, f.__name__) for part, x in zip(parts, xs, strict=True)]

        results = [
            with_gradient(y, xs, functools.partial(backward, k)) if y.dtype == "float32" else y
            for k, y in enumerate(ys)
        ]
        return tree.pack_sequence_as(outputs, results)

    return wrapper


def _as_tensor(value: Any) -> Any:
    """Variables and arrays as tensors; what is no number stays."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "_as_tensor") or hasattr(value, "__array__"):
        return constant(value)
    return value


def _fitting(part: Any, x: Tensor, name: str) -> Tensor | None:
    if part is None or x.dtype != "float32":
        return None
    part = constant(part, "float32")
    if part.shape != x.shape:
        raise ValueError(
            f"The gradient function of {name!r} returned a gradient of shape {part.shape} for an "
            f"argument of shape {x.shape}. They must be equal."
        )
    return part


@op
def jvp(
    fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False
) -> tuple[Any, ...]:
    """`fun(*primals)` and its derivative in the direction `tangents`, both float32.

    The derivative of the gradient, which is linear in what it is seeded with: reverse mode twice.
    With `has_aux`, `fun` returns its result and something that is handed on as a third item.
    Raises `ValueError` if `primals` and `tangents` do not fit each other.
    """
    xs = [constant(x, "float32") for x in primals]
    ts = [constant(t, "float32") for t in tangents]
    if [x.shape for x in xs] != [t.shape for t in ts]:
        raise ValueError(
            "primals and tangents must have the same shapes, got "
            f"{[x.shape for x in xs]} and {[t.shape for t in ts]}."
        )
    # Without a scope nothing is recorded, and there would be nothing to differentiate.
    with contextlib.nullcontext() if current_scope() is not None else Scope(symbolic=False):
        # Tensors of their own, so that one given twice counts as two.
        xs = [apply("reshape", [x], shape=x.shape) for x in xs]
        result = fun(*xs)
        result, aux = result if has_aux else (result, None)
        outputs = [constant(y, "float32") for y in tree.flatten(result)]
        directions = []
        for y in outputs:
            seed = fill(0.0, y.shape, "float32")
            pulled = gradients(apply("mul", [y, seed]), xs)
            total = None
            for g, t in zip(pulled, ts, strict=True):
                part = _total(apply("mul", [g, t]))
                total = part if total is None else apply("add", [total, part])
            directions.append(
                fill(0.0, y.shape, "float32") if total is None else gradients(total, [seed])[0]
            )
        answer = tree.pack_sequence_as(result, outputs), tree.pack_sequence_as(result, directions)
    return (*answer, aux) if has_aux else answer


def _total(x: Tensor) -> Tensor:
    if x.ndim:
        x = apply("sum", [x], axes=tuple(range(x.ndim)))
    return apply("reshape", [x], shape=())
