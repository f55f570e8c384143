"""clone_model: the same architecture with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotloop import saving
from hotloop.layers import Input
from hotloop.models.functional import Functional
from hotloop.models.sequential import Sequential
from hotloop.ops import tree
from hotloop.ops.symbolic import FunctionOperation, KerasTensor

Clone = Callable[[Any], Any]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Clone | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model with layers like those of `model`, and newly initialized weights.

    A layer that is shared in `model` is shared in the copy. A compiled model gives a compiled copy
    with an optimizer of its own.

    Args:
        model: Functional or Sequential model, or a subclass with `get_config` (for which only the
            first argument may be given).
        input_tensors: symbolic tensors to build on, in the structure of `model.input`; new inputs
            by default.
        clone_function: makes the new layer of each layer but the inputs; by default
            `lambda layer: layer.__class__.from_config(layer.get_config())`.
        call_function: `fn(layer, *args, **kwargs)`, called instead of each new layer (Functional
            models only).
        recursive: whether models inside are cloned layer by layer too, rather than by
            `clone_function`.

    Raises:
        ValueError: an argument that does not suit this kind of model.
    """
    cache: dict[int, Any] = kwargs.pop("cache", None) or {}
    if kwargs:
        raise ValueError(f"Unexpected keyword argument(s): {tuple(kwargs)}")
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                "`call_function` is not supported with Sequential models, whose layers are listed "
                "rather than called. Pass a Functional model."
            )
        return _clone_sequential(
            model, _cloner(clone_function, None, recursive, cache), input_tensors
        )
    if isinstance(model, Functional) and (
        type(model).get_config is Functional.get_config or clone_function or input_tensors
    ):
        clone = _cloner(clone_function, call_function, recursive, cache)
        return _clone_functional(model, clone, call_function, input_tensors)
    for name, value in (
        ("clone_function", clone_function),
        ("input_tensors", input_tensors),
        ("call_function", call_function),
    ):
        if value is not None:
            raise ValueError(
                f"`{name}` is only supported for Functional models"
                + ("" if name == "call_function" else " and Sequential models")
                + f". Received a model of type '{type(model).__name__}', with {name}={value!r}"
            )
    config = saving.serialize_keras_object(model)
    return saving.deserialize_keras_object(
        config, custom_objects={type(model).__name__: type(model)}
    )


def _clone_layer(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _cloner(
    clone_function: Clone | None, call_function: Any, recursive: bool, cache: dict[int, Any]
) -> Clone:
    """`clone_function` for each layer once, and for models inside a clone of their own."""
    if clone_function is not None and not callable(clone_function):
        raise ValueError(
            "Expected `clone_function` argument to be a callable. Received: "
            f"clone_function={clone_function!r}"
        )
    make = clone_function or _clone_layer

    def clone(layer: Any) -> Any:
        if id(layer) not in cache:
            if recursive and isinstance(layer, (Functional, Sequential)):
                calls = {} if isinstance(layer, Sequential) else {"call_function": call_function}
                made = clone_model(layer, clone_function=make, recursive=True, cache=cache, **calls)
            elif isinstance(layer, FunctionOperation):
                made = FunctionOperation.named(layer.function, layer.name, layer.kwargs)
            else:
                made = make(layer)
            cache[id(layer)] = made
        return cache[id(layer)]

    return clone


def _clone_sequential(model: Sequential, clone: Clone, input_tensors: Any) -> Sequential:
    layers = [clone(layer) for layer in model.layers]
    first = model._input_layer
    if input_tensors is not None:
        flat = tree.flatten(input_tensors)
        if len(flat) != 1 or not isinstance(flat[0], KerasTensor):
            raise ValueError(
                "`input_tensors` of a Sequential model must be a single KerasTensor. Received: "
                f"input_tensors={input_tensors!r}"
            )
        name = None if first is None else first.name
        layers.insert(0, Input(tensor=flat[0], name=name))
    elif first is not None:
        layers.insert(
            0,
            Input(
                batch_shape=first.batch_shape,
                dtype=first.dtype,
                name=first.name,
                optional=first.optional,
            ),
        )
    made = Sequential(layers, name=model.name, trainable=model.trainable)
    return _compiled_like(model, made)


def _clone_functional(
    model: Functional, clone: Clone, call_function: Any, input_tensors: Any
) -> Functional:
    if input_tensors is None:
        inputs = tree.map_structure(
            lambda tensor: Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name),
            model._inputs_structure,
        )
    else:
        inputs = _check_inputs(input_tensors, model._inputs_structure)
    outputs = model._run(
        tree.flatten(inputs), lambda operation: _calling(clone(operation), call_function)
    )
    cls = type(model) if model._takes_functional_arguments() else Functional
    return _compiled_like(model, cls(inputs, outputs, name=model.name))


def _calling(layer: Any, call_function: Any) -> Any:
    if call_function is None:
        return layer
    return lambda *args, **kwargs: call_function(layer, *args, **kwargs)


def _check_inputs(tensors: Any, structure: Any) -> Any:
    if not all(isinstance(tensor, KerasTensor) for tensor in tree.flatten(tensors)):
        raise ValueError(
            f"All entries in `input_tensors` must be KerasTensors. Received: {tensors!r}"
        )
    if tree.is_nested(structure) != tree.is_nested(tensors) and len(tree.flatten(tensors)) == 1:
        return tree.pack_sequence_as(structure, tree.flatten(tensors))
    try:
        tree.assert_same_structure(structure, tensors)
    except ValueError as error:
        raise ValueError(
            "`input_tensors` must have the same structure as model.input, "
            f"{structure!r}. Received: {tensors!r}"
        ) from error
    return tensors


def _compiled_like(model: Any, made: Any) -> Any:
    if model.compiled:
        made.compile_from_config(model.get_compile_config())
    return made
