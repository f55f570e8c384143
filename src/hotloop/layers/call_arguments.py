"""A layer call's arguments: bound to `call`'s parameters, and their shapes to `build`'s."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor


@functools.lru_cache(maxsize=256)
def _signature_of_function(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def signature_of(method: Callable[..., Any]) -> inspect.Signature:
    """The signature of a method of an object: found once for all objects of its class."""
    function = getattr(method, "__func__", None)
    if function is None:
        return inspect.signature(method)
    signature = _signature_of_function(function)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, concrete or symbolic."""
    return isinstance(x, (Tensor, KerasTensor))


def _is_tensors(value: Any) -> bool:
    if is_tensor(value):
        return True
    if not tree.is_nested(value) or not value:
        return False
    flat = tree.flatten(value)
    return any(map(is_tensor, flat)) and all(x is None or is_tensor(x) for x in flat)


class CallArguments:
    """The arguments of one call, by parameter name.

    `values` has every parameter with defaults filled in, `given` only those that were passed,
    `tensors` the parameters that hold tensors (possibly nested).

    Raises `TypeError` if they do not fit `call`, `ValueError` if an argument mixes tensors with
    other things.
    """

    def __init__(self, signature: inspect.Signature, args: Sequence[Any], kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        self.given: dict[str, Any] = dict(bound.arguments)
        bound.apply_defaults()
        self.values: dict[str, Any] = dict(bound.arguments)
        self.tensors: dict[str, Any] = {}
        for name, value in self.values.items():
            if _is_tensors(value):
                self.tensors[name] = value
            elif tree.is_nested(value) and any(map(is_tensor, tree.flatten(value))):
                raise ValueError(
                    "In a nested call() argument, you cannot mix tensors and non-tensors. "
                    f"Received invalid mixed argument: {name}={value}"
                )

    @property
    def first(self) -> Any:
        """The value of `call`'s first parameter."""
        return next(iter(self.values.values()), None)

    def shapes(self) -> dict[str, Any]:
        """`{"inputs_shape": (None, 3), …}` for each parameter that holds tensors."""
        return {
            f"{name}_shape": tree.map_structure(
                lambda x: None if x is None else tuple(x.shape), value
            )
            for name, value in self.tensors.items()
            if name not in ("mask", "args", "kwargs") and not name.endswith("_mask")
        }

    def shapes_for(self, method: Callable[..., Any], class_name: str) -> dict[str, Any]:
        """The keyword arguments for a `build` or `compute_output_shape`.

        One parameter gets the first shape; several get theirs by name (`x_shape` for `x`).
        Raises `ValueError` if a name does not say whose shape it is.
        """
        named = (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.KEYWORD_ONLY,
        )
        names = [p.name for p in signature_of(method).parameters.values() if p.kind in named]
        shapes = self.shapes()
        if len(names) == 1:
            return {names[0]: next(iter(shapes.values()), None)}
        for name in names:
            if not name.endswith("_shape") or name.removesuffix("_shape") not in self.values:
                raise ValueError(
                    f"For a `{method.__name__}()` method with more than one argument, all of them "
                    "should have a `_shape` suffix and match an argument from `call()`. E.g. "
                    f"`{method.__name__}(self, foo_shape, bar_shape)`. For layer '{class_name}', "
                    f"received `{method.__name__}()` argument `{name}`; `call()` has the arguments "
                    f"{list(self.values)}."
                )
        return {name: shapes[name] for name in names if name in shapes}


def as_tensor(x: Any) -> Any:
    """Arrays and variables as tensors (floats as float32); anything else as it is."""
    if isinstance(x, (Tensor, KerasTensor)) or x is None:
        return x
    if isinstance(x, Variable) or hasattr(x, "__array__"):
        return ops.convert_to_tensor(x)
    return x


def symbolic_inputs(shape: Any, dtype: str = "float32") -> Any:
    """Symbolic tensors for a shape or a nest of shapes."""
    if isinstance(shape, (list, tuple)) and all(d is None or isinstance(d, int) for d in shape):
        return KerasTensor(shape, dtype)
    if isinstance(shape, dict):
        return {key: symbolic_inputs(value, dtype) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)):
        return type(shape)(symbolic_inputs(value, dtype) for value in shape)
    raise ValueError(
        f"Expected a shape (a tuple of ints and None) or a nest of shapes. Received: {shape!r}"
    )


def without_default_mode(
    original: tuple[tuple[Any, ...], dict[str, Any]], takes_training: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The call's own arguments, for a node: the mode only if the caller asked for one."""
    args, kwargs = original
    drop = not takes_training or kwargs.get("training") is None
    return args, {k: v for k, v in kwargs.items() if not (drop and k == "training")}


def explain(error: Exception, layer: Any, arguments: CallArguments) -> None:
    """Notes on the exception which layer was called with which shapes; the innermost one only."""
    if not getattr(error, "__notes__", None):
        shapes = ", ".join(f"{k}={v}" for k, v in arguments.shapes().items())
        error.add_note(
            f"Raised in the call of layer '{layer.name}' ({type(layer).__name__}: {shapes})"
        )
