"""Lambda."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from hotloop import saving
from hotloop.layers.call_arguments import symbolic_inputs
from hotloop.layers.layer import Layer
from hotloop.ops import tree
from hotloop.ops.symbolic import Operation

# How Keras marks a function that has no name to find it by.
_NAMELESS = "__lambda__"


class Lambda(Layer):
    """A function as a layer.

    A function with weights is better written as a subclass of `Layer`: variables that it uses are
    not tracked here.

    Args:
        function: `function(inputs, **arguments)` in functions of `hotloop.ops`; gets `training`
            and `mask` too if it has parameters of these names.
        output_shape: the result's shape without the batch, or a function from the inputs' shape
            to the whole one; found by tracing if None.
        mask: the mask of the result, or `mask(inputs, previous_mask)` that gives it.
        arguments: keyword arguments of the function.

    `get_config` holds the function itself, for copies in the same program. No file holds code:
    there, functions are names, which have to be registered or in `custom_objects` to be loaded,
    and Python lambdas are refused.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda needs a function. Received: function={function!r}")
        self.arguments = dict(arguments or {})
        self.function = function
        self.supports_masking = mask is not None
        self.mask = mask
        self._output_shape = output_shape
        names = inspect.signature(function).parameters
        self._context = [name for name in ("mask", "training") if name in names]

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        context = {"mask": mask, "training": training}
        given = {name: context[name] for name in self._context}
        return self.function(inputs, **{**self.arguments, **given})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            spec = Operation.compute_output_spec(self, symbolic_inputs(input_shape))
            return tree.map_structure(lambda x: x.shape, spec)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        return _with_batch(self._output_shape, tree.flatten(input_shape)[0])

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return Operation.compute_output_spec(self, *args, **kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "function": self.function}
        if self._output_shape is not None:
            config["output_shape"] = self._output_shape
        if self.mask is not None:
            config["mask"] = self.mask
        return {**config, "arguments": dict(self.arguments)}

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Any:
        """The layer that `get_config` described.

        Raises `ValueError` for code in place of a function, `TypeError` for a name that is neither
        registered nor in `custom_objects`. `safe_mode` is accepted for Keras's sake.
        """
        config = dict(config)
        for part in ("function", "output_shape", "mask"):
            config[part] = _recover(config.get(part), custom_objects, safe_mode is not False)
        return cls(**config)


def _with_batch(shape: Any, batch: int | None) -> Any:
    """A shape, or a nest of shapes, with the batch in front."""
    if isinstance(shape, dict):
        return {key: _with_batch(value, batch) for key, value in shape.items()}
    if all(size is None or isinstance(size, int) for size in shape):
        return (batch, *shape)
    nest = [_with_batch(value, batch) for value in shape]
    return tuple(nest) if isinstance(shape, tuple) else nest


def _recover(value: Any, custom_objects: Mapping[str, Any] | None, safe: bool) -> Any:
    if isinstance(value, list) and all(size is None or isinstance(size, int) for size in value):
        return tuple(value)  # a shape, out of JSON
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    if value["class_name"] != _NAMELESS:
        return saving.deserialize_keras_object(value, custom_objects)
    if safe:
        raise ValueError(
            "The configuration is of a `Lambda` layer around a Python lambda. Making it anew would "
            "run code, which is refused. Give the function a name and pass it in "
            "`custom_objects`, or write a subclass of `Layer`."
        )
    raise ValueError(
        "The configuration of a `Lambda` layer comes from a file, and holds code in place of a "
        "function. hotloop runs no code from files, not even with `safe_mode=False`. Make the "
        "layer anew in your program."
    )
