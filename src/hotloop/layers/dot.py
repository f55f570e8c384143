"""Dot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.merge import Merge, Shape, _shapes


class Dot(Merge):
    """Of each sample, the products of two tensors summed over one axis of each.

    Args:
        axes: the axis of both, or a pair of axes; the batch is 0 and may not be summed over.
        normalize: whether to divide by the lengths along these axes first: cosines.

    Shapes: `[batch, a, k]` and `[batch, b, k]` with `axes=2` to `[batch, a, b]`; two vectors to
    `[batch, 1]`.

    Raises:
        TypeError: `axes` is neither an int nor a pair.
        ValueError: axes that do not exist or do not meet; not two inputs.
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(
                    "Invalid type for argument `axes`: it should be a list or an int. "
                    f"Received: axes={axes!r}"
                )
            if len(axes) != 2:
                raise ValueError(
                    "Invalid format for argument `axes`: it should contain two elements. "
                    f"Received: axes={axes}"
                )
            if not all(isinstance(axis, int) for axis in axes):
                raise ValueError(
                    "Invalid format for argument `axes`: list elements should be integers. "
                    f"Received: axes={axes}"
                )
        self.axes = axes
        self.normalize = normalize

    def _axes_of(self, shapes: list[Shape]) -> tuple[int, int]:
        if len(shapes) != 2:
            raise ValueError(
                "A `Dot` layer should be called on exactly 2 inputs. "
                f"Received {len(shapes)}: {shapes}"
            )
        given = (self.axes, self.axes) if isinstance(self.axes, int) else tuple(self.axes)
        found = []
        for axis, shape in zip(given, shapes, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                raise ValueError(
                    f"Axis {axis} of layer '{self.name}' is no axis behind the batch of an input "
                    f"of shape {shape}. Received: axes={self.axes}"
                )
            found.append(axis % len(shape))
        a, b = found
        sizes = shapes[0][a], shapes[1][b]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(
                f"Incompatible input shapes: axis values {sizes[0]} (at axis {a}) != {sizes[1]} "
                f"(at axis {b}). Full input shapes: {shapes[0]}, {shapes[1]}"
            )
        batches = {shapes[0][0], shapes[1][0]} - {None}
        if len(batches) > 1:
            raise ValueError(f"The inputs have different batch sizes: {shapes[0]}, {shapes[1]}.")
        return a, b

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"Layer '{self.name}' merges a list of inputs. Received: inputs={inputs!r}"
            )
        a, b = self._axes_of([tuple(x.shape) for x in inputs])
        x, y = inputs
        if self.normalize:
            x = ops.normalize(x, axis=a, order=2)
            y = ops.normalize(y, axis=b, order=2)
        if len(x.shape) == len(y.shape) == 2:
            return ops.sum(x * y, axis=1, keepdims=True)
        x, y = ops.moveaxis(x, a, -1), ops.moveaxis(y, b, 1)
        batch, *rows, size = x.shape
        columns = y.shape[2:]
        product = ops.matmul(
            ops.reshape(x, (batch, math.prod(rows), size)),
            ops.reshape(y, (batch, size, math.prod(columns))),
        )
        return ops.reshape(product, (batch, *rows, *columns))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        first, second = shapes = _shapes_of_two(self, input_shape)
        a, b = self._axes_of(shapes)
        rest = (*first[:a], *first[a + 1 :], *second[1:b], *second[b + 1 :])
        return rest if len(rest) > 1 else (*rest, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _shapes_of_two(layer: Dot, input_shape: Any) -> list[Shape]:
    shapes = _shapes(layer, input_shape)
    if len(shapes) != 2:
        raise ValueError(
            "A `Dot` layer should be called on a list of 2 inputs. "
            f"Received: input_shape={input_shape}"
        )
    return shapes


def dot(inputs: Any, axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """`Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes=axes, **kwargs)(inputs)
