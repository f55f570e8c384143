"""Concatenate."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.merge import Merge, Shape, _check_masks, _shapes


class Concatenate(Merge):
    """A list of tensors one behind the other along `axis`; the other sizes must agree.

    Args:
        axis: the axis, by default the last.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"Layer '{self.name}' merges a list of inputs. Received: inputs={inputs!r}"
            )
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = _shapes(self, input_shape)
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"Axis {self.axis} of layer '{self.name}' is out of bounds for inputs of shapes "
                f"{shapes}."
            )
        axis = self.axis % rank
        sizes: list[set[Any]] = [set() for _ in range(rank)]
        total: Any = 0
        for shape in shapes:
            if len(shape) != rank:
                raise ValueError(_mismatch(shapes))
            for known, size in zip(sizes, shape, strict=True):
                known |= {size} - {None}
            total = None if total is None or shape[axis] is None else total + shape[axis]
        if any(len(known) > 1 for i, known in enumerate(sizes) if i != axis):
            raise ValueError(_mismatch(shapes))
        return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = _check_masks(inputs, mask)
        if masks is None or all(m is None for m in masks):
            return None
        full = []
        for x, m in zip(inputs, masks, strict=True):
            if m is None:
                m = ops.ones_like(x, dtype="bool")
            elif len(m.shape) < len(x.shape):
                nothing = ops.zeros_like(x, dtype="bool")
                m = ops.logical_or(ops.expand_dims(m, axis=-1), nothing)
            full.append(m)
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _mismatch(shapes: list[Shape]) -> str:
    return (
        "A `Concatenate` layer requires inputs with matching shapes except for the concatenation "
        f"axis. Received: input_shape={shapes}"
    )


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)
