"""Reverse-mode differentiation, over a trace and over the eager tape alike."""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.graph.dtypes import FLOAT
from hotloop.graph.order import sort_topologically
from hotloop.graph.primitives.registry import PRIMITIVES
from hotloop.graph.tensor import Tensor, apply, fill


def gradients(loss: Tensor, wrt: Sequence[Tensor]) -> list[Tensor]:
    """The gradient of the sum of `loss` with respect to each tensor of `wrt`, in their shapes.

    Zeros where `loss` does not depend on a tensor. In eager mode the tensors must have been made
    inside one `Scope(symbolic=False)`. Raises `TypeError` unless all are float32.
    """
    for tensor in (loss, *wrt):
        if tensor.dtype != FLOAT:
            raise TypeError(
                f"Only float32 tensors have gradients, got dtype {tensor.dtype} "
                f"(shape {tensor.shape})."
            )
    order = sort_topologically([loss])
    needed = {id(tensor) for tensor in wrt}
    for tensor in order:
        if id(tensor) not in needed and tensor.dtype == FLOAT:
            primitive = PRIMITIVES.get(tensor.primitive)
            differentiable = primitive is not None and primitive.gradient is not None
            if differentiable and any(id(t) in needed for t in tensor.inputs):
                needed.add(id(tensor))
    found: dict[int, Tensor] = {id(loss): fill(1.0, loss.shape, FLOAT)}
    for tensor in reversed(order):
        g = found.get(id(tensor))
        if g is None or id(tensor) not in needed or not tensor.inputs:
            continue
        rule = PRIMITIVES[tensor.primitive].gradient
        if rule is None:
            continue
        for i, source in enumerate(tensor.inputs):
            if id(source) not in needed:
                continue
            part = rule(i, g, tensor)
            if part is not None:
                before = found.get(id(source))
                found[id(source)] = part if before is None else apply("add", [before, part])
    return [found[id(t)] if id(t) in found else fill(0.0, t.shape, FLOAT) for t in wrt]
