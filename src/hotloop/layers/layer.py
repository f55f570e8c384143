"""Layer: an operation with state."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hotloop import constraints, initializers, ops, regularizers
from hotloop.common.dtypes import standardize_dtype
from hotloop.graph import Tensor, Variable, current_scope
from hotloop.layers import tracking
from hotloop.layers.call_arguments import CallArguments, is_tensor
from hotloop.layers.configuration import (
    DTYPE_POLICY,
    automatic_config,
    standardize_layer_dtype,
)
from hotloop.layers.context import CallContext, current_path, local, name_scope
from hotloop.layers.input_spec import assert_input_compatibility
from hotloop.metrics.metric import Metric
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor, Node, Operation
from hotloop.random import SeedGenerator


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
            with name_scope(self):
                self._path = current_path()
                build(self, *args, **kwargs)
        finally:
            self._building = False
        bound = inspect.signature(build).bind(self, *args, **kwargs).arguments
        self._build_shapes = dict(list(bound.items())[1:])
        self.built = True
        self._lock_state()

    return wrapper


class Layer(Operation):
    """A callable with weights; everything in a model is one.

    Subclasses write `__init__` (calling `super().__init__(**kwargs)` first), `build(input_shape)`,
    which makes weights with `add_weight` and runs by itself on the first call, and `call(inputs)`
    in functions of `hotloop.ops`. Layers, variables and metrics assigned to attributes, also in
    lists and dictionaries, become part of the layer.

    A `call` with a `training` argument gets the mode of the surrounding call: True in `fit`, False
    in `evaluate` and `predict`.

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

    def __new__(cls, *args: Any, **kwargs: Any) -> Layer:
        layer = super().__new__(cls)
        # Kept for `get_config` of classes that do not write their own.
        object.__setattr__(layer, "_init_arguments", (args, kwargs))
        return layer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _finishing(cls.__dict__["build"])
        if "compute_mask" in cls.__dict__:
            raise NotImplementedError(
                f"Layer {cls.__name__} defines `compute_mask`, but hotloop has no masks yet."
            )

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
        self.supports_masking = False
        self.input_spec: Any = None
        self._trainable = trainable
        self._path: str | None = None
        self._building = False
        self._build_shapes: dict[str, Any] | None = None
        self._losses: list[Tensor] = []
        self._call_signature = inspect.signature(self.call)
        self._call_has_training = "training" in self._call_signature.parameters
        self._super_called = True

    # Tracking of parts

    def _start_tracking(self) -> None:
        if "_layers" not in self.__dict__:
            for part in _PARTS:
                object.__setattr__(self, part, [])
            object.__setattr__(self, "_locked", False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _PARTS and local.tracking:
            self._start_tracking()
            value = tracking.wrap(value, self._track)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        super().__delattr__(name)
        for part in _PARTS:
            stored = self.__dict__[part]
            stored[:] = [item for item in stored if item is not value]

    def _track(self, value: Any) -> Any:
        if isinstance(value, Variable):
            self._track_variable(value)
        elif isinstance(value, Layer):
            self._track_in(self._layers, value)
        elif isinstance(value, Metric):
            self._track_in(self._metrics, value)
        elif isinstance(value, SeedGenerator):
            self._track_in(self._seed_generators, value)
        return value

    def _track_variable(self, variable: Variable) -> None:
        known = (*self._trainable_variables, *self._non_trainable_variables)
        if any(variable is other for other in known):
            return
        if variable.trainable:
            self._track_in(self._trainable_variables, variable)
            variable.trainable = getattr(self, "_trainable", True)
        else:
            self._track_in(self._non_trainable_variables, variable)

    def _track_in(self, part: list[Any], value: Any) -> None:
        if any(value is other for other in part):
            return
        if self._locked and not isinstance(value, Metric):
            raise ValueError(
                "You cannot add new elements of state (variables or sub-layers) to a layer that is "
                "already built. All state must be created in the `__init__()` method or in the "
                f"`build()` method. Layer: {self.name!r}, received: {value!r}"
            )
        part.append(value)

    def _lock_state(self) -> None:
        object.__setattr__(self, "_locked", True)

    def _unlock_state(self) -> None:
        object.__setattr__(self, "_locked", False)

    def _check_super_called(self) -> None:
        if not self.__dict__.get("_super_called"):
            raise RuntimeError(
                f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as the "
                "first statement in the `__init__()` method. Go add it!"
            )

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Layer]:
        """This layer and those in it, depth first, each once."""
        found: dict[int, Layer] = {}

        def visit(layer: Layer) -> None:
            for inner in layer._layers:
                if id(inner) not in found:
                    found[id(inner)] = inner
                    if recursive:
                        visit(inner)

        visit(self)
        found.pop(id(self), None)
        return [self, *found.values()] if include_self else list(found.values())

    # Weights

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

    def add_weight(
        self,
        *args: Any,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the layer.

        Args:
            shape: ints; a scalar by default. It, `initializer` and `dtype` may be positional.
            initializer: default Glorot uniform for floats and zeros for others.
            dtype: `"float32"` (default), `"int32"` or `"bool"`.
            trainable: whether the optimizer changes it.
            regularizer: penalty that joins `losses`.
            constraint: projection applied after each update.
            name: last part of the variable's path.
            autocast, aggregation: accepted for Keras's sake; there is one dtype and one replica.

        Raises:
            ValueError: a shape that is not made of whole numbers; a layer that is built already.
            NotImplementedError: `overwrite_with_gradient=True`.
        """
        self._check_super_called()
        shape, initializer, dtype = _positional(args, shape, initializer, dtype)
        if overwrite_with_gradient:
            raise NotImplementedError(
                "add_weight() does not implement the argument `overwrite_with_gradient` yet."
            )
        shape = _whole_shape(shape, self.name)
        dtype = standardize_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtype == "float32" else "zeros"
        value = initializers.get(initializer)(shape, dtype=dtype)
        name = name or "variable"
        variable = Variable(value, dtype=dtype, trainable=trainable, name=name)
        if variable.shape != shape:
            raise ValueError(
                f"The initializer of weight '{name}' of layer '{self.name}' returned shape "
                f"{variable.shape} where {shape} was asked for."
            )
        with name_scope(self):
            variable.path = f"{current_path()}/{name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._track_variable(variable)
        return variable

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """`add_weight` under its other name."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    @property
    def trainable(self) -> bool:
        """Whether the weights may be trained. Setting it sets it for all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = self._trainable
        for layer in self._layers:
            layer.trainable = self._trainable

    def _collect(self, own: Callable[[Layer], Iterable[Variable]]) -> list[Variable]:
        found = {id(v): v for v in own(self)}
        for layer in self._layers:
            for variable in layer._collect(own):
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """Own weights, trainable ones first, then those of the layers inside, each once."""
        return self._collect(lambda x: x._trainable_variables + x._non_trainable_variables)

    @property
    def variables(self) -> list[Variable]:
        """The weights, and the states of random seeds."""
        return self._collect(
            lambda x: [
                *x._trainable_variables,
                *x._non_trainable_variables,
                *(generator.state for generator in x._seed_generators),
            ]
        )

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that the optimizer changes; none if the layer is frozen."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Weights that the optimizer leaves alone."""
        return [v for v in self.weights if not (self.trainable and v.trainable)]

    @property
    def trainable_variables(self) -> list[Variable]:
        """Variables that the optimizer changes."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Variables that the optimizer leaves alone, states of random seeds among them."""
        return [v for v in self.variables if not (self.trainable and v.trainable)]

    @property
    def metrics(self) -> list[Metric]:
        """Metrics of this layer and of the layers inside."""
        return [*self._metrics, *(metric for layer in self._layers for metric in layer.metrics)]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the values of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns arrays to `weights`, or to none of them if one does not fit.

        Raises `ValueError` if the number of arrays or a shape differs.
        """
        variables, arrays = self.weights, [np.asarray(weight) for weight in weights]
        if len(variables) != len(arrays):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(arrays)}, but the layer was expecting {len(variables)} weights."
            )
        for variable, array in zip(variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with "
                    f"provided weight shape {array.shape}. Weight: {variable.path}"
                )
            if array.dtype.kind not in "fiub":
                raise TypeError(
                    f"Weight {variable.path} needs numbers. Received an array of {array.dtype}."
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """The number of scalars in `weights`. Raises `ValueError` before `build`."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                "built. You can build it manually via: `layer.build(input_shape)`."
            )
        return sum(math.prod(variable.shape) for variable in self.weights)

    # Losses

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar (or a nest of them) to the loss of the step; for use inside `call`."""
        for x in tree.flatten(loss):
            if not isinstance(x, Tensor):
                raise ValueError(
                    "`add_loss()` can only be called from inside `build()` or `call()`, on a "
                    f"tensor input. Received invalid value: {x!r}"
                )
            self._losses.append(x)

    @property
    def losses(self) -> list[Tensor]:
        """What `add_loss` collected in the last call, then the penalties on trainable weights."""
        scope = current_scope()
        serial = scope.serial if scope is not None else 0
        # A traced loss means nothing outside the trace that made it.
        collected = [
            loss
            for layer in self._flatten_layers()
            for loss in layer._losses
            if loss.origin in (0, serial)
        ]
        penalties = [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]
        return collected + penalties

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._losses.clear()

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
        args = tree.map_structure(_as_tensor, args)
        kwargs = tree.map_structure(_as_tensor, kwargs)
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

        context = local.call
        outermost = context is None
        if outermost:
            context = local.call = CallContext(self)
            self._clear_losses()
        before = context.training
        try:
            with name_scope(self):
                self._build_for(arguments)
                training = told if told is not None else arguments.values.get("training")
                if told is None and before is not None:
                    training = before if "training" not in arguments.given else training
                context.training = training
                if self._call_has_training and training is not None:
                    kwargs["training"] = training
                symbolic = any(
                    isinstance(x, KerasTensor)
                    for value in arguments.tensors.values()
                    for x in tree.flatten(value)
                )
                if symbolic:
                    outputs = self.compute_output_spec(*args, **kwargs)
                    Node(self, *_without_default_mode(original, self._call_has_training), outputs)
                else:
                    outputs = self.call(*args, **kwargs)
                    self._penalize_activity(outputs)
                if not self.built:  # no `build` of its own: `call` has built what is inside
                    self.built = True
                    self._lock_state()
            return outputs
        except Exception as error:
            _explain(error, self, arguments)
            raise
        finally:
            context.training = before
            if outermost:
                local.call = None

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
        """The shape of the result for inputs of given shapes; by default found by tracing."""
        shapes = args[0] if args else next(iter(kwargs.values()))
        spec = self.compute_output_spec(_symbolic_inputs(shapes))
        return tree.map_structure(lambda x: x.shape, spec)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The result as symbolic tensors; from `compute_output_shape` if it is overridden."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return super().compute_output_spec(*args, **kwargs)
        kwargs.pop("training", None)
        arguments = CallArguments(self._call_signature, args, kwargs)
        shapes = arguments.shapes_for(self.compute_output_shape, type(self).__name__)
        shape = self.compute_output_shape(**shapes)
        return _symbolic_inputs(shape, self.compute_dtype)

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


_PARTS = (
    "_trainable_variables",
    "_non_trainable_variables",
    "_layers",
    "_metrics",
    "_seed_generators",
    "_init_arguments",
)


def _as_tensor(x: Any) -> Any:
    """Arrays and variables as tensors (floats as float32); anything else as it is."""
    if isinstance(x, (Tensor, KerasTensor)) or x is None:
        return x
    if isinstance(x, Variable) or hasattr(x, "__array__"):
        return ops.convert_to_tensor(x)
    return x


def _symbolic_inputs(shape: Any, dtype: str = "float32") -> Any:
    """Symbolic tensors for a shape or a nest of shapes."""
    if isinstance(shape, (list, tuple)) and all(d is None or isinstance(d, int) for d in shape):
        return KerasTensor(shape, dtype)
    if isinstance(shape, dict):
        return {key: _symbolic_inputs(value, dtype) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)):
        return type(shape)(_symbolic_inputs(value, dtype) for value in shape)
    raise ValueError(
        f"Expected a shape (a tuple of ints and None) or a nest of shapes. Received: {shape!r}"
    )


def _without_default_mode(
    original: tuple[tuple[Any, ...], dict[str, Any]], takes_training: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The call's own arguments, for a node: the mode only if the caller asked for one."""
    args, kwargs = original
    drop = not takes_training or kwargs.get("training") is None
    return args, {k: v for k, v in kwargs.items() if not (drop and k == "training")}


def _explain(error: Exception, layer: Layer, arguments: CallArguments) -> None:
    """Notes on the exception which layer was called with which shapes; the innermost one only."""
    if not getattr(error, "__notes__", None):
        shapes = ", ".join(f"{k}={v}" for k, v in arguments.shapes().items())
        error.add_note(
            f"Raised in the call of layer '{layer.name}' ({type(layer).__name__}: {shapes})"
        )


def _positional(
    args: tuple[Any, ...], shape: Any, initializer: Any, dtype: Any
) -> tuple[Any, Any, Any]:
    """`add_weight`'s first three arguments, which may be positional."""
    if len(args) > 3:
        raise TypeError(
            f"add_weight() takes at most 3 positional arguments but {len(args)} were given."
        )
    if args and isinstance(args[0], str):
        raise ValueError(
            f"`name` must be passed as a keyword argument. Received: add_weight('{args[0]}', ...). "
            f"Use: add_weight(shape=..., name='{args[0]}')."
        )
    values = {"shape": shape, "initializer": initializer, "dtype": dtype}
    for name, value in zip(values, args, strict=False):
        if values[name] is not None:
            raise ValueError(f"`{name}` was passed both positionally and as a keyword argument.")
        values[name] = value
    return values["shape"], values["initializer"], values["dtype"]


def _whole_shape(shape: Any, layer_name: str) -> tuple[int, ...]:
    if shape is None:
        return ()
    dims = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    for dim in dims:
        if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)) or dim < 0:
            raise ValueError(
                f"The shape of a weight of layer '{layer_name}' must be made of whole numbers. "
                f"Received: shape={shape!r}. Is the last axis of the layer's input known?"
            )
    return tuple(int(dim) for dim in dims)


def _depth_of_constructors() -> int:
    """How many frames of `__init__` methods lie between the caller and the user's line."""
    frame, depth = inspect.currentframe().f_back, 0
    while frame is not None and frame.f_code.co_name == "__init__":
        frame, depth = frame.f_back, depth + 1
    return depth
