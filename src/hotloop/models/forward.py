"""`model(x)` on values: a compiled forward pass per shape instead of one operation at a time."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from hotloop import graph
from hotloop.layers.context import local as call_context
from hotloop.ops import tree

_READY = (np.ndarray, graph.Tensor)
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
        self._structure = tree.map_structure(lambda tensor: None, self._structure)
        self._specs = [
            (tensor.shape, np.int32 if tensor.dtype == "bool" else np.dtype(tensor.dtype))
            for tensor in trace.outputs
        ]
        self._dtypes = [tensor.dtype for tensor in trace.outputs]
        self.executable = graph.compile(trace, batched=False)
        if not trace.updates:
            # Only what changes variables has to take turns.
            self._lock = nullcontext()

    def run(self, inputs: list[np.ndarray]) -> Any:
        """The outputs, as concrete tensors in the model's structure."""
        outputs = [np.empty(shape, dtype) for shape, dtype in self._specs]
        with self._lock:
            self.executable.run(inputs, outputs=outputs)
        tensors = [
            graph.constant(array, dtype) for array, dtype in zip(outputs, self._dtypes, strict=True)
        ]
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
        return all(
            isinstance(leaf, _READY)
            and (isinstance(leaf, graph.Tensor) or leaf.dtype.kind in _REAL)
            for leaf in tree.flatten(inputs)
        )

    def run(self, model: Any, inputs: Any, training: Any) -> Any:
        """The model's outputs for `inputs`."""
        arrays = [_lanes(leaf) for leaf in tree.flatten(inputs)]
        structure = tree.map_structure(lambda leaf: None, inputs)
        key = (
            "call",
            None if training is None else bool(training),
            repr(structure),
            *((array.shape, array.dtype.char) for array in arrays),
        )
        plan = model._trainer.plans.get(
            model, key, lambda: ForwardPlan(model, arrays, structure, training)
        )
        if plan.executable is None:
            return model._call_layer(inputs, training)
        return plan.run(arrays)


def _lanes(leaf: Any) -> np.ndarray:
    array: Any = leaf.value if isinstance(leaf, graph.Tensor) else leaf
    dtype = np.float32 if array.dtype.kind == "f" else np.int32
    return np.ascontiguousarray(array, dtype=dtype)
