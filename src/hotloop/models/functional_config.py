"""Functional models to configurations and back, in the format of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotloop import saving
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor, Node, Operation

KEYS = ("layers", "input_layers", "output_layers")


def graph_config(model: Any) -> dict[str, Any]:
    """`layers`, `input_layers` and `output_layers` of a functional model."""
    own = {id(node) for node in model._nodes}
    numbers = _renumber(model.operations, own)

    def place(tensor: KerasTensor) -> list[Any]:
        assert tensor.node is not None
        return [tensor.node.operation.name, numbers[id(tensor.node)], tensor.tensor_index]

    def end(tensor: KerasTensor) -> list[Any]:
        name, number, position = place(tensor)
        assert tensor.node is not None
        return [name, number + _offset_at_ends(tensor.node.operation), position]

    def argument(value: Any) -> Any:
        if not isinstance(value, KerasTensor):
            return saving.serialize_keras_object(value)
        config = {"shape": value.shape, "dtype": value.dtype, "keras_history": place(value)}
        return {"class_name": "__keras_tensor__", "config": config}

    layers = []
    for operation in model.operations:
        calls = [
            {
                "args": [_map(argument, arg) for arg in node.args],
                "kwargs": {key: _map(argument, arg) for key, arg in node.kwargs.items()},
            }
            for node in operation.nodes
            if id(node) in own and node.inputs
        ]
        config = saving.serialize_keras_object(operation)
        layers.append({**config, "name": operation.name, "inbound_nodes": calls})
    return {
        "layers": layers,
        "input_layers": tree.map_structure(end, model._inputs_structure),
        "output_layers": tree.map_structure(end, model._outputs_structure),
    }


def _renumber(operations: list[Any], own: set[int]) -> dict[int, int]:
    """The number of each node among those of its operation that belong to the model."""
    numbers: dict[int, int] = {}
    for operation in operations:
        count = 0
        for node in operation.nodes:
            if id(node) in own:
                numbers[id(node)] = count
                count += 1
    return numbers


def _offset_at_ends(operation: Any) -> int:
    """What Keras adds to a node's number in `input_layers` and `output_layers` (only there): a
    functional model once had a node of its own.
    """
    from hotloop.models.functional import Functional

    return int(isinstance(operation, Functional))


def _map(function: Any, structure: Any) -> Any:
    """`tree.map_structure`, whose result is plain lists and dictionaries."""
    if isinstance(structure, (list, tuple)):
        parts = [_map(function, part) for part in structure]
        return tuple(parts) if isinstance(structure, tuple) else parts
    if isinstance(structure, dict):
        return {key: _map(function, part) for key, part in structure.items()}
    return function(structure)


class _NotMadeYetError(Exception):
    """A tensor whose node has not been made."""


class GraphReader:
    """Makes the layers of a configuration and calls them on each other.

    Args:
        config: a configuration with `layers`, `input_layers` and `output_layers`.
        custom_objects: names to classes and functions.

    Attributes:
        inputs, outputs: the symbolic tensors of the new graph.

    Raises:
        ValueError: the graph has loops, or calls on what is not there.
    """

    def __init__(self, config: Mapping[str, Any], custom_objects: Any = None) -> None:
        self._operations: dict[str, Operation] = {}
        # Nodes that an operation has from elsewhere (a nested model comes with its own).
        self._before: dict[str, int] = {}
        for entry in config["layers"]:
            parts = {k: v for k, v in entry.items() if k not in ("name", "inbound_nodes")}
            operation = saving.deserialize_keras_object(parts, custom_objects)
            if not isinstance(operation, Operation):
                raise ValueError(
                    "Unexpected object from deserialization, expected a layer or operation, got a "
                    f"{type(operation)}"
                )
            name = entry["name"]
            self._operations[name] = operation
            has_own = bool(operation.nodes) and not entry["inbound_nodes"]
            self._before[name] = 0 if has_own else len(operation.nodes)
        self._call_all({entry["name"]: entry["inbound_nodes"] for entry in config["layers"]})
        self.inputs = self._tensors(config["input_layers"])
        self.outputs = self._tensors(config["output_layers"])

    def _call_all(self, calls: dict[str, list[Any]]) -> None:
        """Calls the operations, each in the order of its calls, as soon as the inputs exist."""
        waiting = {name: list(nodes) for name, nodes in calls.items() if nodes}
        while waiting:
            progress = False
            for name in list(waiting):
                while waiting[name]:
                    try:
                        args, kwargs = self._arguments(waiting[name][0])
                    except _NotMadeYetError:
                        break
                    self._operations[name](*args, **kwargs)
                    del waiting[name][0]
                    progress = True
                if not waiting[name]:
                    del waiting[name]
            if not progress:
                raise ValueError(
                    "Invalid configuration of a functional model: the graph has loops, or calls "
                    f"on tensors that nothing makes. Layers that could not be called: "
                    f"{sorted(waiting)}."
                )

    def _arguments(self, call: Any) -> tuple[list[Any], dict[str, Any]]:
        if not isinstance(call, Mapping):
            raise ValueError(
                "`inbound_nodes` must hold dictionaries with `args` and `kwargs`, as Keras 3 "
                f"writes them. Received: {call!r}"
            )
        return self._value(call["args"]), self._value(call["kwargs"])

    def _value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if value.get("class_name") == "__keras_tensor__":
                return self._tensor(*value["config"]["keras_history"])
            if "class_name" in value and "config" in value:
                return saving.deserialize_keras_object(value)
            return {key: self._value(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            parts = [self._value(part) for part in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        return value

    def _tensor(self, name: str, node: int, position: int) -> KerasTensor:
        operation = self._operations.get(name)
        if operation is None:
            raise ValueError(
                f"Invalid configuration of a functional model: there is no layer '{name}'."
            )
        index = node + self._before[name]
        if not self._before[name] <= index < len(operation.nodes):
            raise _NotMadeYetError
        made: Node = operation.nodes[index]
        return made.outputs[position]

    def _tensors(self, places: Any) -> Any:
        """Tensors for a structure of `[layer, node, position]`."""
        if isinstance(places, Mapping):
            return {key: self._tensors(part) for key, part in places.items()}
        if len(places) == 3 and isinstance(places[0], str):
            name, node, position = places
            return self._tensor(name, node - _offset_at_ends(self._operations.get(name)), position)
        parts = [self._tensors(part) for part in places]
        return tuple(parts) if isinstance(places, tuple) else parts
