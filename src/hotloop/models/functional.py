"""Functional: a model made from symbolic inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hotloop import ops
from hotloop._later import Later
from hotloop.layers import Input, InputLayer, Layer
from hotloop.layers.context import no_tracking
from hotloop.layers.masks import with_mask
from hotloop.models.model import Model
from hotloop.ops import tree
from hotloop.ops.masks import get_keras_mask
from hotloop.ops.symbolic import KerasTensor, Node, Operation
from hotloop.training.data import InputSpec

if TYPE_CHECKING:
    from hotloop.models import functional_config
else:
    functional_config = Later("hotloop.models.functional_config")


class Functional(Model):
    """A directed graph of layers and functions, from `inputs` to `outputs`.

    Args:
        inputs: symbolic tensor, or a nested structure of them; results of `Input` or of layers.
        outputs: likewise, computed from `inputs`.
        name: name of the model.
        trainable: whether its variables are trained.

    Raises:
        ValueError: something is not symbolic, `outputs` depend on a tensor outside `inputs`, or two
            layers share a name.
    """

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True
    ) -> None:
        Model.__init__(self, name=name)
        for argument, structure in (("inputs", inputs), ("outputs", outputs)):
            for tensor in tree.flatten(structure):
                if not isinstance(tensor, KerasTensor):
                    raise ValueError(
                        f"All `{argument}` values must be KerasTensors, made by hotloop.Input() or "
                        f"by calling layers on one. Received: {tensor!r} of type "
                        f"{type(tensor).__name__}"
                    )
        if not tree.flatten(outputs):
            raise ValueError(
                f"`outputs` is empty: a model needs at least one output. Received: {outputs!r}"
            )
        nodes = _sort_nodes(tree.flatten(inputs), tree.flatten(outputs))
        if not all(map(_is_input, tree.flatten(inputs))):
            inputs, outputs = _with_new_inputs(inputs, outputs, nodes)
            nodes = _sort_nodes(tree.flatten(inputs), tree.flatten(outputs))
        nodes = _inputs_first(nodes, tree.flatten(inputs))
        operations = list({id(node.operation): node.operation for node in nodes}.values())
        _check_names(operations)
        with no_tracking():
            self._inputs_structure = inputs
            self._outputs_structure = outputs
            self._nodes = nodes
            self._operations = operations
            self._specs = [
                InputSpec(input_name, tensor.shape, tensor.dtype, _is_optional(tensor))
                for input_name, tensor in zip(self.input_names, self.inputs, strict=True)
            ]
        for operation in operations:
            if isinstance(operation, Layer):
                self._track(operation)
        if not trainable:
            self.trainable = False
        self.built = True

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, flat."""
        return tree.flatten(self._inputs_structure)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, flat."""
        return tree.flatten(self._outputs_structure)

    @property
    def input(self) -> Any:
        """The symbolic input, or the structure of them that the model was made from."""
        return self._inputs_structure

    @property
    def output(self) -> Any:
        """The symbolic output, or the structure of them that the model was made from."""
        return self._outputs_structure

    @property
    def input_shape(self) -> Any:
        """Shape of the input, or a list of shapes; the batch is None."""
        return _single([tensor.shape for tensor in self.inputs])

    @property
    def output_shape(self) -> Any:
        """Shape of the output, or a list of shapes."""
        return _single([tensor.shape for tensor in self.outputs])

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, flat."""
        return [_operation_name(tensor) for tensor in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that make the outputs, flat."""
        return [_operation_name(tensor) for tensor in self.outputs]

    @property
    def operations(self) -> list[Any]:
        """Layers and functions, in the order in which they run."""
        return list(self._operations)

    def build(self, input_shape: Any = None) -> None:
        """Nothing: a functional model is built when it is made."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the graph. `training` reaches the layers through the call's context.

        Returns the outputs in the structure the model was made with; one in a list is that one.
        `mask` is the mask of the inputs, or a nest of masks like theirs.
        """
        del training
        flat = self._standardize(inputs)
        if mask is not None:
            if isinstance(mask, dict) and not isinstance(self._inputs_structure, dict):
                mask = [mask.get(name) for name in self.input_names]
            masks = tree.flatten(mask)
            if len(masks) != len(flat):
                raise ValueError(
                    f"Model '{self.name}' has {len(flat)} input(s), but `mask` has {len(masks)} "
                    "parts. Pass one mask (or None) for each input."
                )
            flat = [with_mask(x, m) for x, m in zip(flat, masks, strict=True)]
        return self._run(flat, lambda operation: operation)

    def _run(self, flat_inputs: list[Any], operation_fn: Callable[[Any], Any]) -> Any:
        """The outputs of the graph with `operation_fn(operation)` called for each operation."""
        values = run_nodes(self._nodes, self.inputs, flat_inputs, operation_fn)
        return tree.map_structure(lambda x: values[id(x)], _single(self._outputs_structure))

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        """The outputs for symbolic `inputs`, found by tracing."""
        return Operation.compute_output_spec(self, inputs, training=training, mask=mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for inputs of `input_shape`: one, a list, or as the inputs nest."""
        shapes = _flatten_shapes(input_shape)
        symbols = [
            KerasTensor(shape, symbol.dtype)
            for shape, symbol in zip(shapes, self.inputs, strict=True)
        ]
        outputs = self.compute_output_spec(tree.pack_sequence_as(self._inputs_structure, symbols))
        return tree.map_structure(lambda t: t.shape, outputs)

    def get_build_config(self) -> dict[str, Any]:
        """A functional model needs no shape to be built from; Keras writes that down."""
        return {"input_shape": None}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Nothing: a functional model is built when it is made."""

    def get_config(self) -> dict[str, Any]:
        """The graph: `layers` with their calls, `input_layers` and `output_layers`.

        A subclass with arguments of its own in `__init__` gets the configuration of a layer.
        """
        if not self._takes_functional_arguments():
            return super().get_config()
        return {
            "name": self.name,
            "trainable": self.trainable,
            **functional_config.graph_config(self),
        }

    def _lock_state(self) -> None:
        """Nothing: layers may still be attached to a functional model."""

    def _standardize(self, inputs: Any) -> list[Any]:
        """Flat inputs in the dtype and rank of the symbolic ones.

        Raises:
            ValueError: their number or a shape does not fit.
        """
        if isinstance(inputs, dict) and not isinstance(self._inputs_structure, dict):
            missing = [name for name in self.input_names if name not in inputs]
            if missing:
                raise ValueError(
                    f"Model '{self.name}' has inputs named {self.input_names}; the dictionary "
                    f"passed has the keys {list(inputs)}."
                )
            flat = [inputs[name] for name in self.input_names]
        else:
            expected = self._inputs_structure
            if isinstance(inputs, dict) and set(inputs) != set(expected):
                raise ValueError(
                    f"Model '{self.name}' takes a dictionary with the keys {sorted(expected)}; the "
                    f"one passed has the keys {sorted(map(str, inputs))}."
                )
            flat = tree.flatten(inputs)
        if len(flat) != len(self.inputs):
            raise ValueError(
                f"Model '{self.name}' expects {len(self.inputs)} input(s), named "
                f"{self.input_names}, but received {len(flat)}."
            )
        return [
            self._standardize_one(value, symbol)
            for value, symbol in zip(flat, self.inputs, strict=True)
        ]

    def _standardize_one(self, value: Any, symbol: KerasTensor) -> Any:
        if value is None:
            if _is_optional(symbol):
                return None
            raise ValueError(
                f"The input '{_operation_name(symbol)}' of model '{self.name}' is not optional, "
                "but None was passed. Pass a tensor, or make it with Input(..., optional=True)."
            )
        x = _fit_rank(ops.convert_to_tensor(value, dtype=symbol.dtype), symbol, self.name)
        return with_mask(x, get_keras_mask(value))

    def _input_specs(self, x: Any, name: str) -> tuple[list[InputSpec] | None, Any]:
        del x, name
        return self._specs, self._inputs_structure


def run_nodes(
    nodes: list[Node],
    symbols: list[KerasTensor],
    inputs: list[Any],
    operation_fn: Callable[[Any], Any],
) -> dict[int, Any]:
    """Values of all symbolic tensors, by `id`, when `inputs` take the place of `symbols`."""
    values = {id(symbol): value for symbol, value in zip(symbols, inputs, strict=True)}
    for node in nodes:
        if all(id(tensor) in values for tensor in node.outputs):
            continue
        args, kwargs = node.call_arguments(lambda tensor: values[id(tensor)])
        result = operation_fn(node.operation)(*args, **kwargs)
        leaves = zip(tree.flatten(node.structure), tree.flatten(result), strict=True)
        made = [value for symbol, value in leaves if isinstance(symbol, KerasTensor)]
        values.update(zip(map(id, node.outputs), made, strict=True))
    return values


def _is_input(tensor: KerasTensor) -> bool:
    return tensor.node is not None and isinstance(tensor.node.operation, InputLayer)


def _is_optional(tensor: KerasTensor) -> bool:
    return _is_input(tensor) and tensor.node.operation.optional  # type: ignore[union-attr]


def _with_new_inputs(inputs: Any, outputs: Any, nodes: list[Node]) -> tuple[Any, Any]:
    """The same graph on inputs of its own, for inputs that come from the middle of another one."""
    new = tree.map_structure(
        lambda x: x if _is_input(x) else Input(batch_shape=x.shape, dtype=x.dtype, name=x.name),
        inputs,
    )
    values = run_nodes(nodes, tree.flatten(inputs), tree.flatten(new), lambda operation: operation)
    return new, tree.map_structure(lambda x: values[id(x)], outputs)


def _single(structure: Any) -> Any:
    """A list or tuple of one as that one."""
    if isinstance(structure, (list, tuple)) and len(structure) == 1:
        return structure[0]
    return structure


def _flatten_shapes(shapes: Any) -> list[Any]:
    """Shapes out of a nest of shapes."""
    if isinstance(shapes, dict):
        shapes = [shapes[key] for key in sorted(shapes)]
    elif all(dim is None or isinstance(dim, int) for dim in shapes):
        return [shapes]
    return [shape for part in shapes for shape in _flatten_shapes(part)]


def _operation_name(tensor: KerasTensor) -> str:
    return tensor.name if tensor.node is None else tensor.node.operation.name


def _fit_rank(value: Any, symbol: KerasTensor, model: str) -> Any:
    """`value` with a last axis of 1 added or dropped where that makes the shapes fit."""
    expected, shape = symbol.shape, tuple(value.shape)
    if len(shape) == len(expected) + 1 and shape[-1] == 1:
        value = ops.squeeze(value, axis=-1)
    elif len(shape) == len(expected) - 1 and expected[-1] == 1:
        value = ops.expand_dims(value, axis=-1)
    have = tuple(value.shape)
    fits = len(have) == len(expected) and all(
        want in (None, size) or size is None for want, size in zip(expected, have, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Input '{_operation_name(symbol)}' of model '{model}' expects shape {expected}, but "
            f"received shape {shape}."
        )
    return value


def _sort_nodes(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Node]:
    """The nodes between `inputs` and `outputs`: the deepest first, as Keras lists layers.

    Raises:
        ValueError: a path from `outputs` ends somewhere else than at `inputs`.
    """
    known = {id(tensor) for tensor in inputs}
    order: dict[int, Node] = {}
    # Depth-first without recursion: a graph may be thousands of layers deep.
    stack: list[tuple[KerasTensor, bool]] = [(tensor, False) for tensor in reversed(outputs)]
    while stack:
        tensor, children_done = stack.pop()
        node = tensor.node
        if children_done and node is not None:
            order.setdefault(id(node), node)
            continue
        if id(tensor) in known or (node is not None and id(node) in order):
            continue
        if node is None or not node.inputs:
            raise ValueError(
                f"`outputs` depend on {tensor!r} (from '{_operation_name(tensor)}'), which is not "
                "among `inputs`. Pass it as an input, or build the outputs from `inputs` alone."
            )
        stack.append((tensor, True))
        stack.extend((parent, False) for parent in reversed(node.inputs))

    nodes = list(order.values())
    depths = {id(node): 0 for node in nodes}
    for node in reversed(nodes):
        for parent in node.parents:
            if id(parent) in depths:
                depths[id(parent)] = max(depths[id(parent)], depths[id(node)] + 1)
    return sorted(nodes, key=lambda node: -depths[id(node)])


def _inputs_first(nodes: list[Node], inputs: list[KerasTensor]) -> list[Node]:
    """`nodes` with the input layers of `inputs` in front, in their order."""
    made = [
        tensor.node
        for tensor in inputs
        if tensor.node is not None and isinstance(tensor.node.operation, InputLayer)
    ]
    front = {id(node) for node in made}
    return [*made, *(node for node in nodes if id(node) not in front)]


def _check_names(operations: list[Any]) -> None:
    seen: dict[str, Any] = {}
    for operation in operations:
        if operation.name in seen:
            raise ValueError(
                f"The name '{operation.name}' is used twice in the model. All layers should have "
                "unique names; pass `name=` to one of them."
            )
        seen[operation.name] = operation
