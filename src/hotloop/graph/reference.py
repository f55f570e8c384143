"""A trace run in NumPy, in any precision: the truth that tests compare against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import FLOAT
from hotloop.graph.order import sort_topologically
from hotloop.graph.primitives.registry import PRIMITIVES
from hotloop.graph.tensor import Tensor
from hotloop.graph.trace import Trace
from hotloop.graph.variable import Variable


def run(
    trace: Trace,
    inputs: Sequence[Any],
    dtype: Any = np.float64,
    variables: Mapping[Variable, Any] | None = None,
) -> tuple[list[np.ndarray], dict[Variable, np.ndarray]]:
    """The outputs of `trace` and the new values of the variables it assigns.

    `dtype` is what float32 stands for. `variables` gives values in place of those the variables
    hold; nothing is written. Raises `ValueError` if an input has another shape than traced.
    """
    given = variables or {}
    arrays = []
    for tensor, value in zip(trace.inputs, inputs, strict=True):
        array = np.asarray(value)
        if array.shape != tensor.shape:
            raise ValueError(f"Input of shape {array.shape} where {tensor.shape} was traced.")
        arrays.append(_lift(array, tensor, dtype))
    values: dict[int, np.ndarray] = {}
    for tensor in sort_topologically([*trace.outputs, *trace.updates.values()]):
        if tensor.primitive == "input":
            value = arrays[tensor.attrs["index"]]
        elif tensor.primitive == "variable":
            variable = tensor.attrs["variable"]
            held = given[variable] if variable in given else variable.numpy()
            value = _lift(np.asarray(held), tensor, dtype)
        elif tensor.primitive == "constant":
            value = _lift(tensor.value, tensor, dtype)
        else:
            primitive = PRIMITIVES[tensor.primitive]
            operands = [values[id(t)] for t in tensor.inputs]
            value = np.asarray(primitive.reference(dtype, tensor.attrs, *operands))
        values[id(tensor)] = value
    outputs = [values[id(tensor)] for tensor in trace.outputs]
    return outputs, {variable: values[id(t)] for variable, t in trace.updates.items()}


def _lift(array: np.ndarray | None, tensor: Tensor, dtype: Any) -> np.ndarray:
    assert array is not None
    return array.astype(dtype if tensor.dtype == FLOAT else tensor.dtype)
