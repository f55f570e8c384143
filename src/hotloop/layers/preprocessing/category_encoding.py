"""CategoryEncoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.graph import Tensor
from hotloop.layers.preprocessing.data_layer import DataLayer
from hotloop.layers.preprocessing.encoding import check_mode, encode, encoded_shape, refuse_sparse
from hotloop.ops.symbolic import KerasTensor


class CategoryEncoding(DataLayer):
    """Vectors with one place per class, for class numbers.

    Args:
        num_tokens: number of classes; inputs are whole numbers from 0 to `num_tokens - 1`. Others
            leave no trace.
        output_mode: "one_hot": a vector for every number (a last axis of 1 disappears);
            "multi_hot": a vector for every sample, ones for the classes in it; "count": likewise,
            how often each occurs.
        sparse: False.
        kwargs: see `Layer`.

    Call arguments:
        inputs: whole numbers, `[batch, ...]`.
        count_weights: what each number counts in "count", of the shape of the inputs; None for 1.

    Shapes: `[batch, n]` to `[batch, num_tokens]`, in "one_hot" to `[batch, n, num_tokens]`;
    float32.

    Raises:
        ValueError: `num_tokens` is missing or not positive, or the mode is another one.
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        mode = "multi_hot" if output_mode == "binary" else output_mode
        if num_tokens is None or num_tokens < 1:
            raise ValueError(
                "`num_tokens` must be the number of classes, at least 1 (IntegerLookup finds it by "
                f"itself). Received: num_tokens={num_tokens}"
            )
        self.num_tokens = num_tokens
        self.output_mode = check_mode(mode, ("one_hot", "multi_hot", "count"), "CategoryEncoding")
        self.sparse = refuse_sparse(sparse, "CategoryEncoding")
        self.built = True

    def call(self, inputs: Tensor, count_weights: Tensor | None = None) -> Tensor:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                "`count_weights` needs output_mode='count'. The layer has "
                f"output_mode={self.output_mode!r}."
            )
        return encode(inputs, self.output_mode, self.num_tokens, count_weights)

    def compute_output_shape(
        self, input_shape: Sequence[int | None], count_weights_shape: Any = None
    ) -> tuple[int | None, ...]:
        del count_weights_shape
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def compute_output_spec(self, inputs: KerasTensor, count_weights: Any = None) -> KerasTensor:
        del count_weights
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "output_mode": self.output_mode,
        }
