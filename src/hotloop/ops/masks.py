"""Masks that travel with tensors, as in Keras: which entries of a tensor count."""

from __future__ import annotations

from typing import Any


def get_keras_mask(x: Any) -> Any:
    """The mask of `x` (bool, of its leading shape), or None."""
    return getattr(x, "_keras_mask", None)


def set_keras_mask(x: Any, mask: Any) -> None:
    """Gives the tensor `x` a mask; None takes it away."""
    x._keras_mask = mask
