"""Layers that make one tensor of several, element by element: Add, Multiply, Maximum, …"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.layer import Layer
from hotloop.layers.masks import spread_mask
from hotloop.ops.masks import get_keras_mask, set_keras_mask
from hotloop.ops.symbolic import KerasTensor

Shape = tuple[int | None, ...]


class Merge(Layer):
    """Base of the layers on a list of tensors; subclasses define `_merge`.

    Shapes broadcast; a tensor of lower rank gets axes of 1 behind the batch.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"Layer '{self.name}' merges a list of inputs. Received: inputs={inputs!r}"
            )
        rank = max(len(x.shape) for x in inputs)
        return self._merge([_raised(x, rank) for x in inputs])

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define `_merge`.")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = _shapes(self, input_shape)
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ValueError(
                "Cannot merge tensors with different batch sizes. Received tensors with shapes "
                f"{shapes} in layer '{self.name}'."
            )
        merged = shapes[0][1:]
        for shape in shapes[1:]:
            merged = _broadcast(merged, shape[1:], shapes)
        return (batches.pop() if batches else None, *merged)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        shapes = [x.shape for x in inputs] if isinstance(inputs, (list, tuple)) else inputs.shape
        return KerasTensor(self.compute_output_shape(shapes), dtype=self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = _check_masks(inputs, mask)
        if masks is None or any(m is None for m in masks):
            return None
        merged = masks[0]
        for m in masks[1:]:
            merged = ops.logical_or(merged, m)
        return merged


def _shapes(layer: Layer, input_shape: Any) -> list[Shape]:
    """The shapes of a list of inputs. Raises `ValueError` if it is none."""
    listed = isinstance(input_shape, (list, tuple)) and len(input_shape) > 0
    if not listed or not all(isinstance(shape, (list, tuple)) for shape in input_shape):
        raise ValueError(
            f"A merge layer should be called on a list of at least 1 input. Layer '{layer.name}' "
            f"received: input_shape={input_shape} (not a list of shapes)"
        )
    return [tuple(shape) for shape in input_shape]


def _broadcast(a: Shape, b: Shape, shapes: list[Shape]) -> Shape:
    """The common shape; unknown sizes stay unknown."""
    if len(a) < len(b):
        a, b = b, a
    result = list(a)
    for i, (m, n) in enumerate(zip(reversed(a), reversed(b), strict=False), start=1):
        if m is None or n is None:
            result[-i] = None
        elif m == 1 or n == 1:
            result[-i] = m * n
        elif m != n:
            raise ValueError(f"Inputs have incompatible shapes. Received shapes: {shapes}")
    return tuple(result)


def _raised(x: Any, rank: int) -> Any:
    """`x` with axes of 1 behind the batch, up to `rank`."""
    missing = rank - len(x.shape)
    return ops.reshape(x, (*x.shape[:1], *[1] * missing, *x.shape[1:])) if missing else x


def _check_masks(inputs: Any, mask: Any) -> list[Any] | None:
    if mask is None:
        return None
    for argument, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"`{argument}` should be a list. Received: {argument}={value!r}")
    if len(mask) != len(inputs):
        raise ValueError(
            "The lists `inputs` and `mask` should have the same length. Received: "
            f"{len(inputs)} inputs and {len(mask)} masks."
        )
    return list(mask)


class Add(Merge):
    """The sum of a list of tensors."""

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return _fold(ops.add, inputs)


class Subtract(Merge):
    """The first of two tensors minus the second."""

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(_shapes(self, input_shape)) != 2:
            raise ValueError(
                "A `Subtract` layer should be called on exactly 2 inputs. "
                f"Received: input_shape={input_shape}"
            )
        return super().compute_output_shape(input_shape)

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        if len(inputs) != 2:
            raise ValueError(
                "A `Subtract` layer should be called on exactly 2 inputs. "
                f"Received {len(inputs)} inputs."
            )
        return ops.subtract(inputs[0], inputs[1])


class Average(Merge):
    """The mean of a list of tensors."""

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return _fold(ops.add, inputs) / len(inputs)


class Multiply(Merge):
    """The product of a list of tensors.

    What the mask of an input keeps out counts as 1; the result is 0 where all masks keep it out.
    """

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        masks = [get_keras_mask(x) for x in inputs]
        factors = [
            x if mask is None else ops.where(spread_mask(mask, x), x, 1)
            for x, mask in zip(inputs, masks, strict=True)
        ]
        product = _fold(ops.multiply, factors)
        if any(mask is None for mask in masks):
            return product
        mask = _fold(ops.logical_or, masks)
        product = ops.where(spread_mask(mask, product), product, 0)
        set_keras_mask(product, mask)
        return product


class Maximum(Merge):
    """The largest of a list of tensors, element by element; masked entries do not take part."""

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return _fold_unmasked(ops.maximum, inputs)


class Minimum(Merge):
    """The smallest of a list of tensors, element by element; masked entries do not take part."""

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return _fold_unmasked(ops.minimum, inputs)


def _fold(function: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result


def _fold_unmasked(function: Callable[[Any, Any], Any], inputs: list[Tensor]) -> Tensor:
    """`function` over the inputs, where an entry that is masked in one gives way to the other."""
    result, result_mask = inputs[0], get_keras_mask(inputs[0])
    for x in inputs[1:]:
        mask = get_keras_mask(x)
        if mask is not None:
            x = ops.where(spread_mask(mask, x), x, result)
        if result_mask is not None:
            result = ops.where(spread_mask(result_mask, result), result, x)
        both = mask is not None and result_mask is not None
        result_mask = ops.logical_or(result_mask, mask) if both else None
        result = function(result, x)
    if result_mask is not None and len(inputs) > 1:
        set_keras_mask(result, result_mask)
    return result


def add(inputs: Any, **kwargs: Any) -> Any:
    """`Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """`Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """`Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """`Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """`Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """`Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)
