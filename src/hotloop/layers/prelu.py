"""PReLU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import activations, constraints, initializers, regularizers
from hotloop.graph import Tensor
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer


class PReLU(Layer):
    """`x` where it is positive, `alpha * x` elsewhere, with a learned slope for each feature.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes.
        shared_axes: axes along which one slope serves all, counted with the batch as 0.

    Weights: `alpha`, of the shape of one sample, with 1 along shared axes.
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is None:
            self.shared_axes = None
        else:
            listed = isinstance(shared_axes, (list, tuple))
            self.shared_axes = list(shared_axes) if listed else [shared_axes]

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis < len(input_shape):
                raise ValueError(
                    f"`shared_axes` of layer '{self.name}' must be from 1 to "
                    f"{len(input_shape) - 1} for inputs of shape {tuple(input_shape)}. "
                    f"Received: shared_axes={self.shared_axes}"
                )
            shape[axis - 1] = 1
        self.alpha = self.add_weight(
            name="alpha",
            shape=shape,  # type: ignore[arg-type]  # unknown sizes are refused there
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        shared = self.shared_axes
        axes = {i: input_shape[i] for i in range(1, len(input_shape)) if shared and i not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }
