"""Wrapper, and TimeDistributed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer


class Wrapper(Layer):
    """Base of layers that do something with one other layer.

    Args:
        layer: the layer, as `self.layer`; built when this one is, for the same inputs.

    Raises `ValueError` if it is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__} needs a layer to wrap, an instance of "
                f"`hotloop.layers.Layer`. Received: layer={layer!r} (of type {type(layer)})"
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        from hotloop.layers import serialize

        return {**super().get_config(), "layer": serialize(self.layer)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The layer that `get_config` described, and the one in it."""
        from hotloop.layers import deserialize

        rest = dict(config)
        layer = deserialize(rest.pop("layer"), custom_objects)
        return cls(layer, **rest)


class TimeDistributed(Wrapper):
    """Applies one layer to each time step of its inputs by itself.

    Args:
        layer: the layer; it sees inputs `[batch, ...]`.

    Call arguments:
        inputs: `[batch, steps, ...]`.
        training: mode of the layer.
        mask: None, or `[batch, steps, ...]`; handed to the layer step by step if it takes one.

    Raises `ValueError` for inputs of less than three axes, and masks that do not fit them.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if not isinstance(input_shape, (tuple, list)) or len(input_shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 "
                f"dimensions, received: {input_shape}"
            )
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any) -> None:
        super().build(self._step_shape(input_shape))

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if mask is not None and tuple(mask.shape[:2]) != tuple(inputs.shape[:2]):
            raise ValueError(
                "The `mask` passed to a `TimeDistributed` layer must begin with the batch and the "
                f"time steps of the inputs. Received: mask.shape={mask.shape}, "
                f"inputs.shape={inputs.shape}"
            )
        steps = []
        for i in range(inputs.shape[1]):
            kwargs: dict[str, Any] = {}
            if mask is not None and self.layer._call_has_mask:
                kwargs["mask"] = mask[:, i]
            if self.layer._call_has_training:
                kwargs["training"] = training
            steps.append(self.layer.call(inputs[:, i], **kwargs))
        if not steps:
            raise ValueError(
                f"Layer '{self.name}' needs at least one time step. Received: "
                f"inputs.shape={inputs.shape}"
            )
        return ops.stack(steps, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *rest = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (batch, input_shape[1], *rest)
