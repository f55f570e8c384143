"""Clipping of gradients."""

from __future__ import annotations

from collections.abc import Sequence

from hotloop import ops
from hotloop.graph import Tensor


def clip_by_norm(gradient: Tensor, clipnorm: float) -> Tensor:
    """`gradient`, scaled down where its norm exceeds `clipnorm`."""
    norm = ops.sqrt(ops.sum(ops.square(gradient)))
    return gradient * (clipnorm / ops.maximum(norm, clipnorm))


def clip_by_global_norm(gradients: Sequence[Tensor], clipnorm: float) -> list[Tensor]:
    """All gradients scaled by one factor, so that their common norm is at most `clipnorm`."""
    squares = [ops.sum(ops.square(gradient)) for gradient in gradients]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    norm = ops.sqrt(total)
    # The last term is zero, or NaN for an infinite norm, so that a broken step shows.
    scale = clipnorm / ops.maximum(norm, clipnorm) + (norm - norm)
    return [gradient * scale for gradient in gradients]
