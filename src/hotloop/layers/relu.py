"""ReLU."""

from __future__ import annotations

from typing import Any

from hotloop import activations
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer


class ReLU(Layer):
    """`max(x, 0)`, with a ceiling, a slope below zero, and a threshold other than zero.

    Args:
        max_value: None or the largest result.
        negative_slope: slope below the threshold.
        threshold: values up to here are cut.

    Raises `ValueError` for negative or missing values.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise ValueError(
                "max_value of a ReLU layer cannot be a negative value. "
                f"Received: max_value={max_value}"
            )
        for argument, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0.0:
                raise ValueError(
                    f"{argument} of a ReLU layer cannot be None or a negative value. "
                    f"Received: {argument}={value}"
                )
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
