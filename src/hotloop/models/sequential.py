"""Sequential: a model that is a list of layers."""

from __future__ import annotations

from typing import Any

from hotloop import saving
from hotloop.common.foreign import is_mapping
from hotloop.graph import Tensor, TracingError, structure
from hotloop.layers import InputLayer, Layer
from hotloop.layers.call_arguments import CallArguments
from hotloop.layers.configuration import DTYPE_POLICY
from hotloop.layers.context import name_scope, no_tracking
from hotloop.layers.masks import with_mask
from hotloop.models.functional import Functional
from hotloop.models.model import Model
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor, Operation
from hotloop.training.arrays import as_array
from hotloop.training.data import InputSpec


class Sequential(Model):
    """Layers applied one after another.

    With an `Input` in front (or a first layer that knows its input's shape) weights exist at once;
    otherwise they are made from the first data seen.

    Args:
        layers: layers, models and an optional `Input` in front.
        trainable: whether the variables are trained.
        name: name of the model.
    """

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(name=name)
        with no_tracking():
            # The layers as they were added, and an InputLayer in front once the input is known.
            self._stack: list[Layer] = []
            # One symbolic tensor per entry of `_stack`, while the input's shape is known.
            self._tensors: list[KerasTensor] = []
            self._functional: Functional | None = None
        if layers is not None:
            for layer in layers if isinstance(layers, (list, tuple)) else [layers]:
                self._append(layer)
            self._connect()
        if not trainable:
            self.trainable = False

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Puts a layer (or model, or an `Input` in front of everything) on top of the stack.

        Args:
            layer: the layer.
            rebuild: whether to make its weights now, where the input's shape is known; otherwise
                they are made when the model is next built or called.

        Raises:
            ValueError: not a layer, a name that is taken, or a second `Input`.
        """
        self._append(layer)
        if not rebuild:
            return
        try:
            self._connect()
        except Exception:
            self._drop_last()
            raise

    def pop(self, rebuild: bool = True) -> Layer:
        """Takes the last layer off and returns it.

        Args:
            rebuild: whether to connect the remaining layers at once, where the input's shape is
                known; otherwise that happens when the model is next built or called.

        Raises:
            ValueError: there is none.
        """
        if not self.layers:
            raise ValueError(f"Sequential model '{self.name}' has no layers to pop.")
        return self._drop_last(rebuild)

    @property
    def layers(self) -> list[Layer]:
        """The layers that were added, without the `Input`."""
        if self._stack and isinstance(self._stack[0], InputLayer):
            return self._stack[1:]
        return self._stack[:]

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of `input_shape` (batch first, None unknown)."""
        if input_shape is None:
            return
        if not self.layers:
            raise ValueError(
                f"Sequential model '{self.name}' cannot be built because it has no layers. Call "
                "`model.add(layer)`."
            )
        if not all(dim is None or isinstance(dim, int) for dim in input_shape):
            raise ValueError(
                f"Sequential model '{self.name}' has a single input; `input_shape` must be a tuple "
                f"of integers and None. Received: input_shape={input_shape!r}"
            )
        first = self._stack[0]
        if isinstance(first, InputLayer):
            if first.batch_shape != tuple(input_shape):
                raise ValueError(
                    f"Sequential model '{self.name}' has already been configured to use input "
                    f"shape {first.batch_shape}. You cannot build it with input_shape "
                    f"{tuple(input_shape)}."
                )
            self._connect()
            return
        self._stack.insert(0, InputLayer(batch_shape=tuple(input_shape)))
        try:
            self._connect()
        except Exception:
            del self._stack[0], self._tensors[:]
            raise

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Applies the layers. `training` reaches them through the call's context.

        `mask` is the mask of the inputs.
        """
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask)
        if not self.layers:
            raise ValueError(
                f"Sequential model '{self.name}' has no layers. Call `model.add(layer)`."
            )
        outputs = inputs if mask is None else tree.map_structure(with_mask, inputs, mask)
        for layer in self.layers:
            outputs = layer(outputs)
        return outputs

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        """The output for symbolic `inputs`, found by tracing."""
        return Operation.compute_output_spec(self, inputs, training=training, mask=mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for inputs of `input_shape`."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic input, in a list."""
        return self._known("inputs").inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic output, in a list."""
        return self._known("outputs").outputs

    @property
    def input(self) -> KerasTensor:
        """The symbolic input."""
        return self._known("input").input

    @property
    def output(self) -> KerasTensor:
        """The symbolic output."""
        return self._known("output").output

    @property
    def input_shape(self) -> Any:
        """Shape of the input; the batch is None."""
        return self._known("input shape").input_shape

    @property
    def output_shape(self) -> Any:
        """Shape of the output; the batch is None."""
        return self._known("output shape").output_shape

    @property
    def input_names(self) -> list[str]:
        """Name of the input, in a list."""
        return self._known("input").input_names

    @property
    def output_names(self) -> list[str] | None:
        """Name of the last layer, in a list; None before the model has layers."""
        return [self._stack[-1].name] if self.layers else None

    @property
    def _input_layer(self) -> InputLayer | None:
        """The `Input` in front, once there is one."""
        first = self._stack[0] if self._stack else None
        return first if isinstance(first, InputLayer) else None

    def get_config(self) -> dict[str, Any]:
        """The configurations of the layers, in `layers`."""
        base: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        base["dtype"] = {**DTYPE_POLICY, "config": {"name": self.dtype}}
        base["layers"] = [saving.serialize_keras_object(layer) for layer in self._stack]
        if self._functional is not None and self._input_layer is not None:
            base["build_input_shape"] = self._input_layer.batch_shape
        return base

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape of the input, for `build_from_config`; None before it is known."""
        first = self._input_layer
        if self._functional is None or first is None:
            return super().get_build_config()
        return {"input_shape": first.batch_shape}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Sequential:
        """A new model from `get_config()`, without the weights.

        Raises `ValueError` unless `config` has `name` and `layers`.
        """
        if "name" not in config or "layers" not in config:
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and "
                f"'layers' keys. Received: config={config}"
            )
        model = cls(name=config["name"])
        for layer in config["layers"]:
            model.add(saving.deserialize_keras_object(layer, custom_objects))
        shape = config.get("build_input_shape")
        if model._functional is None and shape and isinstance(shape, (tuple, list)):
            model.build(tuple(shape))
        if config.get("trainable", True) is False:
            model.trainable = False
        return model

    def _known(self, what: str) -> Functional:
        if self._functional is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {what} yet. Begin with "
                "hotloop.Input(shape), call build(), or call the model on data first."
            )
        return self._functional

    def _append(self, layer: Any) -> None:
        if not self._stack and not isinstance(layer, InputLayer):
            shape = getattr(layer, "_input_shape_arg", None)
            if shape is not None:
                self._append(InputLayer(shape=shape))
        if isinstance(layer, KerasTensor):
            origin = None if layer.node is None else layer.node.operation
            if isinstance(origin, InputLayer):
                layer = origin
        if not isinstance(layer, Layer):
            raise ValueError(
                "Only instances of `hotloop.layers.Layer` can be added to a Sequential model. "
                f"Received: {layer!r} (of type {type(layer).__name__})"
            )
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                "All layers added to a Sequential model should have unique names. Name "
                f"'{layer.name}' is already the name of a layer in this model. Pass another `name`."
            )
        if isinstance(layer, InputLayer) and self._stack:
            first = self._stack[0]
            detail = (
                f"already takes inputs of shape {first.batch_shape}"
                if isinstance(first, InputLayer)
                else f"already begins with layer '{first.name}'"
            )
            raise ValueError(
                f"Sequential model '{self.name}' {detail}. An Input can only come first."
            )
        self._stack.append(layer)
        self._functional = None
        self.built = False
        if not isinstance(layer, InputLayer):
            self._track(layer)

    def _drop_last(self, rebuild: bool = True) -> Layer:
        layer = self._stack.pop()
        self._layers[:] = [other for other in self._layers if other is not layer]
        structure.mark()
        del self._tensors[len(self._stack) :]
        self._functional = None
        self.built = False
        if rebuild:
            self._connect()
        return layer

    def _connect(self) -> None:
        """Calls the layers that are new on the symbolic tensors of those before them."""
        if not self.layers:
            return
        if not isinstance(self._stack[0], InputLayer):
            shape = _input_shape_of(self._stack[0])
            if shape is None or len(self._stack) < 2:
                return
            self._stack.insert(0, InputLayer(batch_shape=shape))
        if not self._tensors:
            self._tensors.append(self._stack[0].output)
        with name_scope(self):
            for layer in self._stack[len(self._tensors) :]:
                try:
                    self._tensors.append(layer(self._tensors[-1]))
                except TracingError:
                    # A layer that needs values: the model will call its layers one by one.
                    del self._tensors[:]
                    return
        with no_tracking():
            self._functional = Functional(self._tensors[0], self._tensors[-1], name=self.name)
        self.built = True

    def _lock_state(self) -> None:
        """Nothing: layers may be added and popped at any time."""

    def _build_for(self, arguments: CallArguments) -> None:
        inputs = arguments.first
        if self.built or not self.layers:
            return
        if isinstance(self._stack[0], InputLayer):
            self._connect()
        elif isinstance(inputs, (Tensor, KerasTensor)):
            self.build((None, *inputs.shape[1:]))

    def _input_specs(self, x: Any, name: str) -> tuple[list[InputSpec] | None, Any]:
        if self._functional is not None:
            return self._functional._input_specs(x, name)
        if not self.layers:
            raise ValueError(
                f"Sequential model '{self.name}' has no layers. Call `model.add(layer)`."
            )
        if is_mapping(x) or x is None:
            return None, None
        # Built from this data in a moment: any shape will do, as float32.
        shape = (None, *as_array(x, name).shape[1:])
        return [InputSpec("input", shape, "float32")], 0


def _input_shape_of(layer: Layer) -> Any:
    """The shape that a model in front of the stack takes, if it has one."""
    return getattr(layer, "input_shape", None) if isinstance(layer, Model) else None
