"""Codes of labels, and how far a signal is from another."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply, canonical_dtype, fill
from hotloop.ops.convert import broadcast, cast_to, float_tensor, tensor
from hotloop.ops.creation import one_hot_bool
from hotloop.ops.dispatch import op
from hotloop.ops.reductions import any, mean


@op
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Tensor:
    """A one for every integer that occurs in a sample: `one_hot`, the largest along the samples.

    The second axis of `inputs` (the first of a vector) is what disappears. Integers outside
    [0, num_classes) are left out.
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs:
        raise TypeError(f"multi_hot does not take the arguments {sorted(kwargs)}.")
    if num_classes is None:
        raise ValueError("multi_hot needs num_classes.")
    if sparse:
        raise NotImplementedError("multi_hot(sparse=True): hotloop has no sparse tensors.")
    x = cast_to(tensor(inputs), "int32")
    if not x.ndim:
        raise ValueError("multi_hot takes at least a vector of integers, got shape ().")
    hits = any(one_hot_bool(x, num_classes, axis), axis=1 if x.ndim > 1 else 0)
    return cast_to(hits, canonical_dtype(dtype or "float32"))


@op
def psnr(x1: Any, x2: Any, max_val: Any) -> Tensor:
    """The peak signal-to-noise ratio in dB of two tensors of one shape, `max_val` their range."""
    a, b = float_tensor(x1), float_tensor(x2)
    if a.shape != b.shape:
        raise ValueError(f"psnr takes tensors of one shape, got {a.shape} and {b.shape}.")
    gap = apply("sub", [a, b])
    error = mean(apply("mul", [gap, gap]))
    peak, error = broadcast(float_tensor(max_val), error)
    decibel = fill(10.0 / math.log(10.0), error.shape, "float32")
    two = fill(2.0, error.shape, "float32")
    level = apply("sub", [apply("mul", [two, apply("log", [peak])]), apply("log", [error])])
    return apply("mul", [level, decibel])
