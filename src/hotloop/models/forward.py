"""`model(x)` on values: a compiled forward pass per shape instead of one operation at a time."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from hotloop import graph
from hotloop.layers.context import local as call_context
from hotloop.ops import tree

_FLOAT = np.dtype(np.float32)
_REAL = frozenset("buif")


class ForwardPlan:
    """The forward pass for inputs of one structure and shape.

    `executable` is None where the model has to run eagerly.
    """

    def __init__(self, model: Any, inputs: list[np.ndarray], structure: Any, training: Any):
        self._lock: AbstractContextManager[Any] = threading.Lock()
        self.executable: Any = None
        self._structure: Any = None

        def forward(*tensors: Any) -> list[Any]:
            outputs = model._call_layer(tree.pack_sequence_as(structure, tensors), training)
            self._structure = outputs
            return tree.flatten(outputs)

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
        # None stands for one tensor.
        self._structure = tree.map_structure(lambda tensor: None, self._structure)
        self._specs = [(tensor.shape, tensor.dtype) for tensor in trace.outputs]
        self.executable = graph.compile(trace, batched=False)
        if not trace.updates:
            # Only what changes variables has to take turns.
            self._lock = nullcontext()

    def run(self, inputs: list[np.ndarray]) -> Any:
        """The outputs, as concrete tensors in the model's structure."""
        with self._lock:
            arrays = self.executable(inputs)
        tensors = [
            graph.Tensor(
                "constant",
                shape,
                dtype,
                value=array.astype(np.bool_) if dtype == "bool" else array,
                concrete=True,
            )
            for array, (shape, dtype) in zip(arrays, self._specs, strict=True)
        ]
        if self._structure is None:
            return tensors[0]
        return tree.pack_sequence_as(self._structure, tensors)


class ForwardPlans:
    """When and how one model runs its compiled forward pass."""

    def applies(self, model: Any, inputs: Any, kwargs: dict[str, Any]) -> bool:
        """Whether a call is a plain one on values, outside of any other call or scope."""
        if kwargs and not (len(kwargs) == 1 and "training" in kwargs):
            return False
        if not model.built or model.run_eagerly:
            return False
        if graph.current_scope() is not None or call_context.call is not None:
            return False
        return all(map(_is_ready, tree.flatten(inputs)))

    def run(self, model: Any, inputs: Any, training: Any) -> Any:
        """The model's outputs for `inputs`."""
        arrays = [_lanes(leaf) for leaf in tree.flatten(inputs)]
        structure = tree.map_structure(lambda leaf: None, inputs)
        key = (
            "call",
            None if training is None else bool(training),
            None if structure is None else repr(structure),
            *[(array.shape, array.dtype) for array in arrays],
        )
        plan = model._trainer.plans.get(
            model, key, lambda: ForwardPlan(model, arrays, structure, training)
        )
        if plan.executable is None:
            return model._call_layer(inputs, training)
        return plan.run(arrays)


def _is_ready(leaf: Any) -> bool:
    if type(leaf) is graph.Tensor:
        return True
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind in _REAL


def _lanes(leaf: Any) -> np.ndarray:
    """The leaf's value as C-contiguous float32 or int32."""
    array: Any = leaf.value if isinstance(leaf, graph.Tensor) else leaf
    if array.dtype is not _FLOAT or type(array) is not np.ndarray:
        array = np.asarray(array, _FLOAT if array.dtype.kind == "f" else np.int32)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
