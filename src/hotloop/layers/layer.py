"""Layer: an operation with state."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hotloop import ops, regularizers
from hotloop._later import Later
from hotloop.graph import Tensor
from hotloop.layers.call_arguments import (
    CallArguments,
    as_tensor,
    explain,
    is_tensor,
    signature_of,
    symbolic_inputs,
    without_default_mode,
)
from hotloop.layers.configuration import (
    DTYPE_POLICY,
    automatic_config,
    standardize_layer_dtype,
)
from hotloop.layers.context import CallContext, current_path, local, name_scope
from hotloop.layers.input_spec import assert_input_compatibility
from hotloop.layers.masks import fill_masks, hand_on
from hotloop.layers.refused_methods import RefusedMethods
from hotloop.layers.stateful import Stateful
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor, Node

if TYPE_CHECKING:
    import copy

    from hotloop import dtype_policies
    from hotloop.layers import copying
else:
    copy = Later("copy")
    copying = Later("hotloop.layers.copying")
    dtype_policies = Later("hotloop.dtype_policies")


def _finishing(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a `build` method: name paths inside, and afterwards the layer is built and locked."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        self._check_super_called()
        if self._building:  # super().build(...) from within a build
            build(self, *args, **kwargs)
            return
        self._building = True
        try:
            with name_scope(self), self._parts_kept_on_success():
                self._path = current_path()
                build(self, *args, **kwargs)
        finally:
            self._building = False
        self._build_shapes = dict(signature_of(build.__get__(self)).bind(*args, **kwargs).arguments)
        self.built = True
        self._lock_state()

    return wrapper


class Layer(RefusedMethods, Stateful):
    """A callable with weights; everything in a model is one.

    Subclasses write `__init__` (calling `super().__init__(**kwargs)` first), `build(input_shape)`,
    which makes weights with `add_weight` and runs by itself on the first call, and `call(inputs)`
    in functions of `hotloop.ops`. Layers, variables and metrics assigned to attributes, also in
    lists and dictionaries, become part of the layer.

    A `call` with a `training` argument gets the mode of the surrounding call: True in `fit`, False
    in `evaluate` and `predict`. One with a `mask` argument gets the mask that its input carries.
    Outputs carry the mask on if `supports_masking` is set, or what `compute_mask` returns.

    Args:
        activity_regularizer: penalty on the outputs, divided by the batch size.
        trainable: whether the optimizer may change the weights.
        dtype: None or `"float32"`.
        autocast: accepted for Keras's sake; every float is float32.
        name: unique name; made from the class name if None.

    Raises:
        ValueError: unknown keyword arguments.
        NotImplementedError: another dtype.

    Example:
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
    """

    _init_arguments: tuple[tuple[Any, ...], dict[str, Any]]
    # Models: what is inside them carries masks on, or warns.
    _passes_masks = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = super().__new__(cls)
        # Kept for `get_config` of classes that do not write their own.
        object.__setattr__(layer, "_init_arguments", (args, kwargs))
        return layer

    def __getstate__(self) -> dict[str, Any]:
        """For `pickle` and `copy.deepcopy`: attributes, weights and compiled state; no caches."""
        return copying.state_of(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        copying.restore(self, state)

    def __copy__(self) -> Any:
        """As in Keras: a copy of a layer has weights of its own."""
        return copy.deepcopy(self)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _finishing(cls.__dict__["build"])  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        self._start_tracking()
        self._dtype = standardize_layer_dtype(dtype, type(self).__name__)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        input_dim = kwargs.pop("input_dim", None)
        input_shape = kwargs.pop("input_shape", None)
        if input_dim is not None:
            input_shape = (input_dim,)
        if input_shape is not None:
            warnings.warn(
                "Do not pass an `input_shape`/`input_dim` argument to a layer. When using "
                "Sequential models, prefer using an `Input(shape)` object as the first layer in "
                "the model instead.",
                stacklevel=_depth_of_constructors() + 1,
            )
            self._input_shape_arg = tuple(input_shape)
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )
        if not isinstance(trainable, bool):
            raise ValueError(
                f"Expected `trainable` to be a boolean. Received: trainable={trainable} "
                f"(of type {type(trainable)})"
            )
        self.autocast = autocast
        self.built = False
        self.supports_masking = type(self).compute_mask is not Layer.compute_mask
        self.input_spec: Any = None
        self._trainable = trainable
        self._path: str | None = None
        self._building = False
        self._build_shapes: dict[str, Any] | None = None
        self._losses = []
        self._call_signature = signature_of(self.call)
        self._call_has_training = "training" in self._call_signature.parameters
        self._call_has_mask = "mask" in self._call_signature.parameters
        self._super_called = True

    @_finishing
    def build(self, input_shape: Any) -> None:
        """Makes the weights, for inputs of this shape (None for the batch).

        Override it; `super().build(...)` is not needed. It runs once, before the first call.
        """
        unbuilt = [layer.name for layer in self._layers if not layer.built]
        if type(self).build is Layer.build and unbuilt:
            warnings.warn(
                f"`build()` was called on layer '{self.name}', which has no `build()` method of "
                f"its own and contains the unbuilt layers {unbuilt}. They stay unbuilt until "
                "they are called. Implement `build()` to build them.",
                stacklevel=3,
            )

    # Calls

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the result from tensors, in functions of `hotloop.ops`."""
        raise NotImplementedError(
            f"Layer {type(self).__name__} does not have a `call()` method implemented."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's result on tensors or arrays; on a `KerasTensor`, a node of a model.

        Builds the layer if needed. Raises `ValueError` if an input does not fit `input_spec`.
        """
        self._check_super_called()
        original = args, kwargs
        args = tree.map_structure(as_tensor, args)
        kwargs = tree.map_structure(as_tensor, kwargs)
        for x in tree.flatten(args):
            if x is not None and not is_tensor(x):
                raise ValueError(
                    "Only input tensors may be passed as positional arguments. The following "
                    f"argument value should be passed as a keyword argument: {x!r} (of type "
                    f"{type(x)})"
                )
        told = kwargs.get("training") if self._call_has_training else kwargs.pop("training", None)
        arguments = CallArguments(self._call_signature, args, kwargs)
        assert_input_compatibility(self.input_spec, arguments.first, self.name)

        outermost = local.call is None
        if local.call is None:
            local.call = CallContext(self)
            self._clear_losses()
        context = local.call
        before = context.training
        try:
            with name_scope(self):
                self._build_for(arguments)
                told = arguments.given.get("training", told)
                training = told if told is not None else before
                if training is None:
                    training = arguments.values.get("training")
                context.training = training
                if self._call_has_training and training is not None:
                    kwargs["training"] = training
                masks = fill_masks(arguments, kwargs)
                symbolic = any(
                    isinstance(x, KerasTensor)
                    for value in arguments.tensors.values()
                    for x in tree.flatten(value)
                )
                if symbolic:
                    outputs = self.compute_output_spec(*args, **kwargs)
                    Node(self, *without_default_mode(original, self._call_has_training), outputs)
                else:
                    outputs = self.call(*args, **kwargs)
                    self._penalize_activity(outputs)
                if not self.built:  # no `build` of its own: `call` has built what is inside
                    if not self._layers:
                        shapes = [*arguments.shapes().values()]
                        self._build_shapes = {"input_shape": shapes[0]} if shapes else None
                    self.built = True
                    self._lock_state()
                return hand_on(self, arguments.first, outputs, masks)
        except Exception as error:
            explain(error, self, arguments)
            raise
        finally:
            context.training = before
            if outermost:
                local.call = None

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs, or a list of one for each; by default that of the inputs.

        Runs after each call of a layer whose `supports_masking` is set, which defining this method
        does.
        """
        del inputs
        return previous_mask

    def _build_for(self, arguments: CallArguments) -> None:
        if self.built or type(self).build is Layer.build:
            return
        self.build(**arguments.shapes_for(self.build, type(self).__name__))
        assert_input_compatibility(self.input_spec, arguments.first, self.name)

    def _penalize_activity(self, outputs: Any) -> None:
        if self.activity_regularizer is None:
            return
        for output in tree.flatten(outputs):
            if isinstance(output, Tensor):
                penalty = ops.convert_to_tensor(self.activity_regularizer(output))
                batch = output.shape[0] if output.shape else 1
                self.add_loss(penalty * (1.0 / batch) if batch else penalty * 0.0)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the result for inputs of given shapes.

        By default found by tracing `call`, for which the layer is built if it is not.
        """
        shapes = args[0] if args else next(iter(kwargs.values()))
        if not self.built and type(self).build is not Layer.build:
            self.build(shapes)
        spec = self.compute_output_spec(symbolic_inputs(shapes))
        return tree.map_structure(lambda x: x.shape, spec)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The result as symbolic tensors; from `compute_output_shape` if it is overridden."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return super().compute_output_spec(*args, **kwargs)
        kwargs.pop("training", None)
        arguments = CallArguments(self._call_signature, args, kwargs)
        shapes = arguments.shapes_for(self.compute_output_shape, type(self).__name__)
        shape = self.compute_output_shape(**shapes)
        return symbolic_inputs(shape, self.compute_dtype)

    # Description

    @property
    def path(self) -> str | None:
        """The names of the layers around this one and its own, joined by "/"; None before build."""
        return self._path

    @property
    def dtype(self) -> str:
        """The dtype of weights."""
        return self._dtype

    variable_dtype = compute_dtype = input_dtype = dtype

    @property
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """What the layer computes in and keeps its weights in."""
        return dtype_policies.DTypePolicy(self._dtype)

    def get_build_config(self) -> dict[str, Any] | None:
        """What `build` was called with, for `build_from_config`."""
        if self._build_shapes is None:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": self._build_shapes}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the layer as `get_build_config` says it was."""
        if config and "input_shape" in config:
            self.build(config["input_shape"])
        elif config and "shapes_dict" in config:
            self.build(**config["shapes_dict"])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer anew.

        Classes that do not override it get theirs from the arguments they were made with. Raises
        `NotImplementedError` if those are not plain numbers, strings, booleans or nests of them.
        """
        self._check_super_called()
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        config["dtype"] = {**DTYPE_POLICY, "config": {"name": self._dtype}}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            return automatic_config(type(self), self._init_arguments, config)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer from `get_config()`, without the weights. Raises `TypeError` if it fails."""
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"Error when deserializing class '{cls.__name__}' using config={config}.\n\n"
                f"Exception encountered: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _depth_of_constructors() -> int:
    """How many frames of `__init__` methods lie between the caller and the user's line."""
    frame: Any = inspect.currentframe()
    frame, depth = frame.f_back, 0
    while frame is not None and frame.f_code.co_name == "__init__":
        frame, depth = frame.f_back, depth + 1
    return depth
