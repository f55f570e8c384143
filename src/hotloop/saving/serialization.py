"""Objects to configurations: dictionaries of plain data in the format of Keras 3."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.common.custom_objects import get_registered_name
from hotloop.common.registry import Registry
from hotloop.graph import Tensor, Variable
from hotloop.ops.symbolic import FunctionOperation, KerasTensor, Operation
from hotloop.saving.singles import SINGLES

_PLAIN = (str, int, float, bool)


def serialize_keras_object(obj: Any) -> Any:
    """The configuration of an object: a dictionary with the keys `module`, `class_name`, `config`
    and `registered_name`, and for layers and models `build_config` and `compile_config`.

    Args:
        obj: layer, model, optimizer, loss, metric, …, a function, a tensor, an array, plain data,
            or a nest of such things.

    Raises:
        TypeError: an object without `get_config`, or a class.
        ValueError: a `lambda`, whose code a configuration cannot hold.
    """
    if obj is None or isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, (list, tuple)):
        parts = [serialize_keras_object(part) for part in obj]
        return tuple(parts) if isinstance(obj, tuple) else parts
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, (np.generic, np.ndarray)):  # a scalar: arrays are special
        return obj.item()
    if isinstance(obj, (types.FunctionType, types.BuiltinFunctionType)):
        return _serialize_function(obj)
    if isinstance(obj, FunctionOperation):
        return _serialize_operation(obj)
    return _serialize_instance(obj)


def _serialize_special(obj: Any) -> dict[str, Any] | None:
    """What Keras marks with names between underscores; None for anything else."""
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = {part: serialize_keras_object(getattr(obj, part)) for part in _SLICE}
        return {"class_name": "__slice__", "config": parts}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, KerasTensor):
        history = None
        if obj.node is not None:
            history = [obj.node.operation.name, obj.node_index, obj.tensor_index]
        config = {"shape": obj.shape, "dtype": obj.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(obj, (Tensor, Variable)):
        value = obj.numpy()
        return {
            "class_name": "__tensor__",
            "config": {"value": value.tolist(), "dtype": value.dtype.name},
        }
    if isinstance(obj, np.ndarray) and obj.ndim > 0:
        return {
            "class_name": "__numpy__",
            "config": {"value": obj.tolist(), "dtype": obj.dtype.name},
        }
    return None


_SLICE = ("start", "stop", "step")


def _serialize_function(function: Any) -> dict[str, Any]:
    name = get_registered_name(function)
    if name == "<lambda>":
        raise ValueError(
            "A lambda cannot be written into a configuration: loading it would run code out of a "
            "file. Define a named function, and register it with "
            "@hotloop.saving.register_keras_serializable()."
        )
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def _serialize_operation(operation: FunctionOperation) -> dict[str, Any]:
    """A function of `ops` in a functional model; its arguments are those of its nodes."""
    name = operation.function.__name__
    public = getattr(ops, name, None) if name in ops.__all__ else None
    if getattr(public, "__wrapped__", None) is not operation.function:
        raise ValueError(
            f"The operation '{operation.name}' of the model cannot be written into a "
            f"configuration: {operation.function!r} is no function of hotloop.ops. Call it in a "
            "layer of your own, registered with @hotloop.saving.register_keras_serializable()."
        )
    return {
        "module": "keras.ops",
        "class_name": name,
        "config": {"name": operation.name, **serialize_keras_object(operation.kwargs)},
        "registered_name": None,
    }


def _serialize_instance(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    if inspect.isclass(obj) or not hasattr(obj, "get_config"):
        raise TypeError(
            f"Cannot serialize object {obj!r} of type {cls}. To be serializable, an object's class "
            "must implement the `get_config()` method."
        )
    config = obj.get_config()
    if not isinstance(config, Mapping):
        raise TypeError(
            f"The `get_config()` method of {obj!r} should return a dict. It returned: {config!r}"
        )
    module = public_module(cls)
    own = module is None or module.startswith("keras.src.")
    made: dict[str, Any] = {
        "module": module or (None if cls.__module__ == "__main__" else cls.__module__),
        "class_name": cls.__name__,
        "config": serialize_keras_object(config),
        "registered_name": get_registered_name(cls) if own else None,
    }
    if isinstance(obj, Operation):
        for key in ("build_config", "compile_config"):
            getter = getattr(obj, f"get_{key}", None)
            part = getter() if getter is not None else None
            if part is not None:
                made[key] = serialize_keras_object(part)
    return made


def public_module(cls: type) -> str | None:
    """The module that Keras files a class of hotloop's under; None for a class of the user's."""
    for (module, _), single in SINGLES.items():
        if cls is single:
            return module
    for module, family in Registry.families.items():
        if cls in family:
            return module
    return None
