"""Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import activations, ops
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer

_MASKED = -1e9  # a logit whose exponential is zero beside any other


class Softmax(Layer):
    """Exponentials along `axis`, divided by their sum.

    Args:
        axis: axis, or axes to normalize over together.

    Call arguments:
        inputs: logits.
        mask: None, or a tensor that broadcasts to them, false where the result shall be 0.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            fits = len(mask.shape) <= len(inputs.shape) and all(
                m in (1, n) for m, n in zip(mask.shape[::-1], inputs.shape[::-1], strict=False)
            )
            if not fits:
                raise ValueError(
                    "The `mask` must be broadcastable to `inputs`. Received: "
                    f"inputs.shape={inputs.shape}, mask.shape={mask.shape}"
                )
            if mask.dtype != "bool":
                mask = ops.greater(mask, 0.5)
            inputs = ops.where(mask, inputs, _MASKED)
        axis: Any = self.axis
        if isinstance(axis, (list, tuple)) and len(axis) > 1:
            exponentials = ops.exp(inputs - ops.max(inputs, axis=tuple(axis), keepdims=True))
            outputs = exponentials / ops.sum(exponentials, axis=tuple(axis), keepdims=True)
        else:
            outputs = activations.softmax(
                inputs, axis=axis[0] if isinstance(axis, (list, tuple)) else axis
            )
        return outputs if mask is None else ops.where(mask, outputs, 0.0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
