"""Identities of everything that is not elementwise. None: there is nothing simpler."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop._later import Later
from hotloop.graph.dtypes import numpy_dtype
from hotloop.graph.passes.node import REDUCTIONS, Node, Shape

if TYPE_CHECKING:
    from hotloop.graph.primitives import blocks
else:
    blocks = Later("hotloop.graph.primitives.blocks")

if TYPE_CHECKING:
    from hotloop.graph.passes.simplify import Builder


def _reshape(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    (x,) = inputs
    if x.shape == shape:
        return x
    if x.op == "splat":
        return b.splat(x.value, shape, dtype)
    if x.op == "const":
        return b.const(x.value.reshape(shape), dtype)
    if x.op == "reshape":
        return b.make("reshape", x.inputs, {"shape": shape}, shape, dtype)
    return None


def _broadcast_to(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    (x,) = inputs
    if x.shape == shape:
        return x
    if x.op == "splat":
        return b.splat(x.value, shape, dtype)
    if x.op == "broadcast_to":
        return b.make("broadcast_to", x.inputs, {"shape": shape}, shape, dtype)
    if x.op == "const":  # kept small: the view costs nothing
        return b.unique(
            ("broadcast_to", id(x), shape), Node("broadcast_to", (x,), attrs, shape, dtype)
        )
    return None


def _transpose(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    (x,) = inputs
    perm = tuple(attrs["perm"])
    if x.op == "splat":
        return b.splat(x.value, shape, dtype)
    moved = [axis for axis in perm if x.shape[axis] != 1]
    if moved == sorted(moved):
        return b.make("reshape", (x,), {"shape": shape}, shape, dtype)
    if x.op == "transpose":
        inner = x.attrs["perm"]
        both = tuple(inner[axis] for axis in perm)
        return b.make("transpose", x.inputs, {"perm": both}, shape, dtype)
    return None


def _slice(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    (x,) = inputs
    if x.op == "splat":
        return b.splat(x.value, shape, dtype)
    # A full axis taken backwards is the only other way to keep every size.
    if x.shape == shape and all(
        dim == 1 or step > 0 for dim, step in zip(shape, attrs["step"], strict=True)
    ):
        return x
    return None


def _pad(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    (x,) = inputs
    if x.shape == shape:
        return x
    if x.size == 0 or (x.op == "splat" and not any(np.asarray(x.value).tobytes())):
        return b.splat(0, shape, dtype)
    return None


def _concat(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    full = tuple(node for node in inputs if node.size)
    if len(full) == 1:
        return full[0]
    if len({id(node.value) for node in full if node.op == "splat"}) == 1 and all(
        node.op == "splat" for node in full
    ):
        return b.splat(full[0].value, shape, dtype)
    if len(full) < len(inputs):
        return b.make("concat", full, attrs, shape, dtype)
    return None


def _reduction(op: str) -> Callable[..., Node | None]:
    def rule(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
        (x,) = inputs
        if x.size == 0:
            return b.splat(1 if op == "prod" else 0, shape, dtype)
        axes = tuple(axis for axis in attrs["axes"] if x.shape[axis] != 1)
        if not axes:
            return x
        if op in ("amax", "amin"):
            if x.op == "splat":
                return b.splat(x.value, shape, dtype)
        elif op == "sum" and x.op == "splat":
            count = x.size
            for dim in shape:
                count //= dim
            with np.errstate(all="ignore"):
                total = np.multiply(x.value, count, dtype=numpy_dtype(dtype))
            return b.splat(total, shape, dtype)
        if len(axes) != len(attrs["axes"]):
            return b.make(op, inputs, {"axes": axes}, shape, dtype)
        return None

    return rule


def _arg(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    (x,) = inputs
    if x.shape[attrs["axis"]] == 1 or x.op == "splat":
        return b.splat(0, shape, dtype)
    return None


def _matmul(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    if inputs[0].size == 0:  # no terms to add
        return b.splat(0, shape, dtype)
    flags = []
    sources = []
    for node, flag in zip(inputs, ("ta", "tb"), strict=True):
        turned = node.op == "transpose"
        sources.append(node.inputs[0] if turned else node)
        flags.append(bool(attrs[flag]) != turned)
    wanted = {"ta": flags[0], "tb": flags[1]}
    if wanted != attrs:
        return b.make("matmul", tuple(sources), wanted, shape, dtype)
    left, right = inputs
    if left.size == shape[0]:
        return _outer(b, left, right, shape, dtype)
    if shape[1] == 1:
        return _column(b, left, right, wanted["ta"], shape, dtype)
    return None


def _outer(b: Builder, left: Node, right: Node, shape: Shape, dtype: str) -> Node:
    """A product of depth 1 is elementwise, and fuses with what is."""
    factors = []
    for node, narrow in ((left, (shape[0], 1)), (right, (1, shape[1]))):
        node = b.make("reshape", (node,), {"shape": narrow}, narrow, dtype)
        factors.append(b.make("broadcast_to", (node,), {"shape": shape}, shape, dtype))
    return b.make("mul", tuple(factors), {}, shape, dtype)


def _column(b: Builder, left: Node, right: Node, ta: bool, shape: Shape, dtype: str) -> Node:
    """A product of one column is a sum of the other matrix's scaled rows or columns.

    Register tiles would compute 16 columns or more for the sake of one.
    """
    narrow = (right.size, 1) if ta else (1, right.size)
    axis = 0 if ta else 1
    right = b.make("reshape", (right,), {"shape": narrow}, narrow, dtype)
    right = b.make("broadcast_to", (right,), {"shape": left.shape}, left.shape, dtype)
    terms = b.make("mul", (left, right), {}, left.shape, dtype)
    kept = tuple(1 if a == axis else dim for a, dim in enumerate(left.shape))
    total = b.make("sum", (terms,), {"axes": (axis,)}, kept, dtype)
    return b.make("reshape", (total,), {"shape": shape}, shape, dtype)


def _iota(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node:
    axis = attrs["axis"]
    column = tuple(dim if a == axis else 1 for a, dim in enumerate(shape))
    ruler = b.const(np.arange(shape[axis], dtype=np.int32).reshape(column), dtype)
    return b.make("broadcast_to", (ruler,), {"shape": shape}, shape, dtype)


def _gather(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    if inputs[0].size == 0:
        return b.splat(blocks.lane(attrs["fill"], dtype), shape, dtype)
    return None


def _scatter(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    if inputs[1].size == 0:  # nothing to combine
        return b.splat(blocks.neutral(attrs["combine"], dtype), shape, dtype)
    return None


def _scan(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    return inputs[0] if shape[attrs["axis"]] == 1 else None


def _argsort(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    return b.splat(0, shape, dtype) if shape[-1] == 1 else None


def _search(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    return b.splat(0, shape, dtype) if inputs[0].size == 0 else None


def _batch_matmul(b: Builder, inputs: Any, attrs: Any, shape: Shape, dtype: str) -> Node | None:
    """A stack of one is a product, and so is a stack that meets one matrix again and again."""
    left, right = inputs
    if left.size == 0:  # no terms to add
        return b.splat(0, shape, dtype)
    count = math.prod(shape[:-2])
    single = _repeated(right)
    if count != 1 and (single is None or attrs["ta"]):
        return None
    first, second = left.shape[-2:], right.shape[-2:]
    if count != 1:
        first = (count * first[0], first[1])
    left = b.make("reshape", (left,), {"shape": first}, first, dtype)
    if single is not None:
        right = single
    right = b.make("reshape", (right,), {"shape": second}, second, dtype)
    flat = (count * shape[-2], shape[-1])
    result = b.make("matmul", (left, right), attrs, flat, dtype)
    return b.make("reshape", (result,), {"shape": shape}, shape, dtype)


def _repeated(x: Node) -> Node | None:
    """The one matrix that a stack is made of."""
    if x.op == "broadcast_to" and math.prod(x.inputs[0].shape[:-2]) == 1:
        small = x.inputs[0]
        return small if small.shape[-2:] == x.shape[-2:] else None
    return None


def _custom_gradient(
    b: Builder, inputs: tuple[Node, ...], attrs: dict[str, Any], shape: Shape, dtype: str
) -> Node | None:
    """Its value: gradients have been taken by now."""
    return inputs[0]


RULES: dict[str, Callable[..., Node | None]] = {
    "custom_gradient": _custom_gradient,
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "transpose": _transpose,
    "slice": _slice,
    "pad": _pad,
    "concat": _concat,
    "matmul": _matmul,
    "iota": _iota,
    "gather": _gather,
    "scatter": _scatter,
    "cumsum": _scan,
    "cumprod": _scan,
    "argsort": _argsort,
    "searchsorted": _search,
    "batch_matmul": _batch_matmul,
    "argmax": _arg,
    "argmin": _arg,
    **{op: _reduction(op) for op in REDUCTIONS},
}
