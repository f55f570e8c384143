"""`model(x)` on values: a compiled forward pass per shape instead of one operation at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import graph
from hotloop.layers.context import local as call_context
from hotloop.ops import tree
from hotloop.ops.masks import get_keras_mask, set_keras_mask

_FLOAT = np.dtype(np.float32)
_REAL = frozenset("buif")


class ForwardPlan:
    """The forward pass for inputs of one structure and shape.

    `call` takes the inputs as a list of arrays and returns what `pack` takes, None for arrays that
    do not fit. It is None itself where the model has to run eagerly.
    """

    def __init__(self, model: Any, inputs: list[np.ndarray], structure: Any, training: Any):
        self.call: Any = None
        self.make: Any = None  # in place of `pack`, of the only result
        self._structure: Any = None
        self._masked: list[int] = []  # which outputs carry a mask; the masks come after them

        def forward(*tensors: Any) -> list[Any]:
            outputs = model._call_layer(tree.pack_sequence_as(structure, tensors), training)
            self._structure = outputs
            flat = tree.flatten(outputs)
            masks = {i: mask for i, x in enumerate(flat) if (mask := get_keras_mask(x)) is not None}
            self._masked = list(masks)
            return [*flat, *masks.values()]

        try:
            trace = graph.trace(forward, [(array.shape, array.dtype.name) for array in inputs])
        except graph.TracingError:
            return
        outputs = tree.flatten(self._structure)
        losses = [loss for layer in model._flatten_layers() for loss in layer._losses]
        if losses or not all(isinstance(tensor, graph.Tensor) for tensor in outputs):
            # What `add_loss` gathered must be values after the call, and None is no result.
            for layer in model._flatten_layers():
                layer._losses.clear()
            return
        self._structure = tree.map_structure(lambda tensor: None, self._structure)
        self._makers = [graph.tensor_maker(t.shape, t.dtype) for t in trace.outputs]
        if self._structure is None and not self._masked:
            self.make = self._makers[0]
        self.call = graph.compile(trace, batched=False).at_once
        if trace.updates:
            self.call = _taking_turns(self.call)

    def pack(self, arrays: list[np.ndarray]) -> Any:
        """What a call returned, as concrete tensors in the model's structure."""
        tensors = [make(array) for make, array in zip(self._makers, arrays, strict=True)]
        count = len(tensors) - len(self._masked)
        for which, mask in zip(self._masked, tensors[count:], strict=True):
            set_keras_mask(tensors[which], mask)
        return tree.pack_sequence_as(self._structure, tensors[:count])


def _taking_turns(call: Any) -> Any:
    """`call` in one thread at a time: it changes variables."""
    lock = threading.Lock()

    def wait_and_call(inputs: Any) -> Any:
        with lock:
            return call(inputs)

    return wait_and_call


def _other(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serves no call."""
    return NotImplemented


class ForwardPlans:
    """When and how one model runs its compiled forward pass.

    `repeat` serves calls like the last one; see `graph.repeat`.
    """

    def __init__(self) -> None:
        self.repeat: Callable[[tuple[Any, ...], dict[str, Any]], Any] = _other

    def __reduce__(self) -> Any:
        return ForwardPlans, ()  # a copied model makes its own plans

    def run(self, model: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
        """The model's outputs for `inputs`, whatever the last call was.

        `NotImplemented` unless this is a plain call on values, outside of any other call or scope.
        """
        training = None
        if kwargs:
            if len(kwargs) > 1 or "training" not in kwargs:
                return NotImplemented
            training = kwargs["training"]
            if training is not None:
                training = bool(training)
        if call_context.call is not None or graph.current_scope() is not None:
            return NotImplemented
        if not model.built or model._trainer.run_eagerly:
            return NotImplemented
        leaves = tree.flatten(inputs)
        if not all(map(_is_ready, leaves)):
            return NotImplemented
        seen = graph.structure.seen
        structure = tree.map_structure(lambda leaf: None, inputs)
        arrays = [_lanes(leaf) for leaf in leaves]
        specs = tuple([(array.shape, array.dtype) for array in arrays])
        plan = model._trainer.plans.get(
            model,
            ("call", training, repr(structure), specs),
            lambda: ForwardPlan(model, arrays, structure, training),
        )
        if plan.call is None:
            return model._call_layer(inputs, training)
        if structure is None:
            self.repeat = graph.repeat(
                seen, training, call_context, plan.call, plan.pack, plan.make
            )
        return plan.pack(plan.call(arrays))


def _is_ready(leaf: Any) -> bool:
    if type(leaf) is graph.Tensor:
        return get_keras_mask(leaf) is None  # a masked input goes operation by operation
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind in _REAL


def _lanes(leaf: Any) -> np.ndarray:
    """The leaf's value as C-contiguous float32 or int32."""
    array: Any = leaf.value if isinstance(leaf, graph.Tensor) else leaf
    if array.dtype is not _FLOAT or type(array) is not np.ndarray:
        array = np.asarray(array, _FLOAT if array.dtype.kind == "f" else np.int32)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
