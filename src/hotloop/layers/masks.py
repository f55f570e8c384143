"""How masks get into and out of a layer's call."""

from __future__ import annotations

import warnings
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, apply
from hotloop.layers.call_arguments import CallArguments, is_tensor
from hotloop.ops import tree
from hotloop.ops.masks import get_keras_mask, set_keras_mask


def masks_of(x: Any) -> Any:
    """The masks of a nest of tensors, in its structure."""
    return tree.map_structure(get_keras_mask, x)


def any_mask(masks: Any) -> bool:
    """Whether there is a mask among `masks`."""
    return any(mask is not None for mask in tree.flatten(masks))


def fill_masks(arguments: CallArguments, kwargs: dict[str, Any]) -> Any:
    """Puts the masks that the inputs carry where `call` asks for them; returns the inputs' mask.

    A call of one tensor argument (or nest) gets its mask as `mask`, one of several gets that of
    `x` as `x_mask`. What the caller passed stays.
    """
    tensors = arguments.tensors
    if len(tensors) == 1:
        wanted = [(next(iter(tensors.values())), "mask")]
    else:
        wanted = [(value, f"{name}_mask") for name, value in tensors.items()]
    for value, parameter in wanted:
        if parameter not in arguments.values or arguments.values[parameter] is not None:
            continue
        if parameter in arguments.given and parameter not in kwargs:
            continue  # None was passed by position
        masks = masks_of(value)
        if tree.is_nested(masks) or masks is not None:
            kwargs[parameter] = masks
    if kwargs.get("mask") is not None:
        return kwargs["mask"]
    return masks_of(arguments.first)


def hand_on(layer: Any, inputs: Any, outputs: Any, previous: Any) -> Any:
    """The outputs of a layer, with masks if it supports them; warns if masks get lost.

    `previous` is the mask of the inputs, or a nest of them.
    """
    if not layer.supports_masking:
        if any_mask(previous) and not layer._passes_masks:
            warnings.warn(
                f"Layer '{layer.name}' (of type {type(layer).__name__}) was called on an input "
                "that carries a mask, and does not support masking: the layers behind it will "
                "not see the mask. If masked entries do not mix with others in it, set "
                "`self.supports_masking = True`; otherwise define `compute_mask()`.",
                stacklevel=3,
            )
        return outputs
    flat = tree.flatten(outputs)
    if all(get_keras_mask(x) is not None for x in flat):
        return outputs
    masks = layer.compute_mask(inputs, previous)
    if not any_mask(masks):
        return outputs
    given = tree.flatten(inputs)
    for i, (x, mask) in enumerate(zip(flat, tree.flatten(masks), strict=False)):
        if mask is None or not is_tensor(x) or get_keras_mask(x) is not None:
            continue
        if any(x is other for other in given):  # which the caller may use elsewhere
            flat[i] = with_mask(x, mask)
        else:
            set_keras_mask(x, mask)
    return tree.pack_sequence_as(outputs, flat)


def with_mask(x: Any, mask: Any) -> Any:
    """`x` with another mask; the tensor that was passed stays as it is."""
    if mask is None or mask is get_keras_mask(x) or not isinstance(x, Tensor):
        return x
    twin = apply("reshape", [x], shape=x.shape)
    set_keras_mask(twin, mask)
    return twin


def spread_mask(mask: Any, x: Any) -> Any:
    """`mask` as bool with axes of 1 behind, so that it broadcasts to `x`."""
    missing = len(x.shape) - len(mask.shape)
    return ops.cast(ops.reshape(mask, (*mask.shape, *[1] * missing)), "bool")
