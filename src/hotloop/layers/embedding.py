"""Embedding."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from hotloop import constraints, initializers, ops, regularizers
from hotloop.graph import Tensor, Variable
from hotloop.layers.layer import Layer
from hotloop.layers.weight import refuse_arguments
from hotloop.ops.symbolic import KerasTensor


class Embedding(Layer):
    """Vectors for whole numbers: row `i` of a learned table for every `i`.

    Args:
        input_dim: number of rows; inputs are whole numbers from 0 to `input_dim - 1`. Others give
            NaN, as in Keras on JAX.
        output_dim: length of each row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: whether 0 stands for no entry at all: the result then carries a mask.
        weights: None, or the table's first value.
        kwargs: see `Layer`.

    Shapes: `[batch, ...]` to `[batch, ..., output_dim]`.

    Weights: `embeddings`, `[input_dim, output_dim]`.

    Raises:
        ValueError: a dimension is not a positive whole number, or `weights` do not fit.
        NotImplementedError: `lora_rank`, `lora_alpha` or `quantization_config` is given.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        for argument, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
                raise ValueError(
                    f"`{argument}` must be a positive integer. Received: {argument}={value!r} (of "
                    f"type {type(value).__name__})."
                )
        refuse_arguments(
            "Embedding",
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Argument `input_length` is deprecated. Just remove it.", stacklevel=2)
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self.build()
            listed = isinstance(weights, list) and len(weights) == 1
            self.set_weights(weights if listed else [weights])

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self._embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    @property
    def embeddings(self) -> Variable:
        """The table `[input_dim, output_dim]`. Raises `AttributeError` before it is built."""
        if "_embeddings" not in self.__dict__:
            raise AttributeError("You must build the layer before accessing `embeddings`.")
        return self._embeddings

    def call(self, inputs: Tensor) -> Tensor:
        return ops.take(self.embeddings, ops.cast(inputs, "int32"), axis=0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }
