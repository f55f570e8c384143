"""GlobalAveragePooling1D and GlobalMaxPooling1D: one value per feature for all time steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.flatten import standardize_data_format
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer


class _GlobalPooling1D(Layer):
    """What the two share: the axis of the steps and the shape of the result."""

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    @property
    def _steps(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        shape = list(input_shape)
        if len(shape) != 3:
            raise ValueError(
                f"Layer '{self.name}' takes inputs with 3 axes. Received: input_shape={input_shape}"
            )
        if self.keepdims:
            shape[self._steps] = 1
        else:
            del shape[self._steps]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "keepdims": self.keepdims,
        }


class GlobalAveragePooling1D(_GlobalPooling1D):
    """The mean over all time steps; over those that the mask lets through, if there is one.

    Args:
        data_format: `"channels_last"` (default) for `[batch, steps, features]`,
            `"channels_first"` for `[batch, features, steps]`.
        keepdims: whether the axis of the steps stays, with size 1.

    Call arguments:
        inputs: tensor of rank 3.
        mask: None, or bool `[batch, steps]`; the mean of no step at all is NaN.
    """

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, keepdims=keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        steps = self._steps
        if mask is None:
            return ops.mean(inputs, axis=steps, keepdims=self.keepdims)
        counts = ops.cast(ops.expand_dims(mask, axis=3 - steps), "bool")
        total = ops.sum(ops.where(counts, inputs, 0.0), axis=steps, keepdims=self.keepdims)
        number = ops.sum(ops.cast(counts, "float32"), axis=steps, keepdims=self.keepdims)
        return total / number

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None


class GlobalMaxPooling1D(_GlobalPooling1D):
    """The largest value over all time steps.

    Args:
        data_format: `"channels_last"` (default) for `[batch, steps, features]`,
            `"channels_first"` for `[batch, features, steps]`.
        keepdims: whether the axis of the steps stays, with size 1.
    """

    def call(self, inputs: Tensor) -> Tensor:
        return ops.max(inputs, axis=self._steps, keepdims=self.keepdims)
