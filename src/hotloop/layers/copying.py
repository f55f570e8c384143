"""What `copy.deepcopy` and `pickle` keep of a layer or model: its attributes, and nothing cached.

Objects are kept as they are, not through `get_config`: a layer of a class of your own needs no
registration, and a compiled model keeps its optimizer, its variables and its metrics.

The symbolic calls of a layer belong to the models made of them. A model's come first in its
state, in the order in which they run, so that each finds those that it depends on copied already;
a model thousands of layers deep is not copied by as deep a recursion.
"""

from __future__ import annotations

from typing import Any

from hotloop.graph import structure
from hotloop.layers import tracking
from hotloop.layers.call_arguments import signature_of

_TRACKED = (tracking.TrackedList, tracking.TrackedDict, tracking.TrackedSet)


def state_of(layer: Any) -> dict[str, Any]:
    """The state of a layer, for `restore`."""
    attributes = dict(layer.__dict__)
    attributes["nodes"] = []
    attributes["_losses"] = []  # of the last call
    attributes.pop("_call_signature", None)
    first = {name: attributes.pop(name) for name in ("_nodes",) if name in attributes}
    tracked = [name for name, value in attributes.items() if _holds_tracked(value)]
    return {**first, "attributes": attributes, "tracked": tracked}


def restore(layer: Any, state: dict[str, Any]) -> None:
    """Makes the state the layer's."""
    attributes = state["attributes"]
    layer.__dict__.update(attributes)
    for name in state["tracked"]:
        # Containers are copied as plain ones.
        object.__setattr__(layer, name, tracking.wrap(attributes[name], layer._track))
    layer.__dict__["_call_signature"] = signature_of(layer.call)
    if "_nodes" in state:
        layer.__dict__["_nodes"] = state["_nodes"]
        for node in state["_nodes"]:
            attach(node)
    structure.mark()


def attach(node: Any) -> None:
    """Makes a copied call one of its operation's, unless another model has done so."""
    nodes = node.operation.nodes
    if any(other is node for other in nodes):
        return
    for tensor in node.outputs:
        tensor.node_index = len(nodes)
    nodes.append(node)


def _holds_tracked(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_holds_tracked, value))
    return isinstance(value, _TRACKED)
