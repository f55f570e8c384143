"""Configurations to objects: only hotloop's own classes and those that the program has named.

A configuration may come from a file that somebody else wrote. It is data: nothing is imported
because it says so, no code is taken from it, and only classes of the tables below, registered ones
and those passed as `custom_objects` are ever made.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.common.custom_objects import CustomObjectScope, get_registered_object, known_names
from hotloop.common.registry import Registry
from hotloop.ops.naming import to_snake_case
from hotloop.ops.symbolic import FunctionOperation, KerasTensor
from hotloop.saving.singles import SINGLES

# Where Keras files its classes, and who has them here. The families that exist are looked up in
# `Registry.families`, after the module that fills them has been loaded.
_HOMES = {
    "keras": "hotloop.models",
    "keras.models": "hotloop.models",
    "keras.layers": "hotloop.layers",
    "keras.losses": "hotloop.losses",
    "keras.metrics": "hotloop.metrics",
    "keras.optimizers": "hotloop.optimizers",
    "keras.optimizers.schedules": "hotloop.optimizers",
    "keras.initializers": "hotloop.initializers",
    "keras.regularizers": "hotloop.regularizers",
    "keras.constraints": "hotloop.constraints",
    "keras.activations": "hotloop.activations",
}
# Where a function may come from that is called "builtins" there.
_FUNCTION_HOMES = (
    "keras.activations",
    "keras.losses",
    "keras.metrics",
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
)


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """The object that a configuration describes: the inverse of `serialize_keras_object`.

    Args:
        config: what `serialize_keras_object` returned.
        custom_objects: names to classes and functions of your own.
        safe_mode: must be True: hotloop never makes functions out of code in a configuration.

    Raises:
        TypeError: the configuration names a class that is neither hotloop's own nor registered nor
            in `custom_objects`, or is not a configuration.
        ValueError: it holds a lambda.
    """
    if kwargs:
        raise ValueError(f"Arguments not recognized: {kwargs}")
    if not safe_mode:
        raise ValueError(
            "`safe_mode=False` is not supported: hotloop never runs code out of a configuration. "
            "Register your classes and functions with "
            "@hotloop.saving.register_keras_serializable(), or pass `custom_objects`."
        )
    if custom_objects:
        with CustomObjectScope({**_in_scope(), **custom_objects}):
            return _deserialize(config)
    return _deserialize(config)


def _in_scope() -> dict[str, Any]:
    return {name: get_registered_object(name) for name in known_names()}


def _deserialize(config: Any) -> Any:
    if config is None or isinstance(config, (int, float, bool)):
        return config
    if isinstance(config, str):
        found = get_registered_object(config)
        return config if found is None else found
    if isinstance(config, (list, tuple)):
        return [_deserialize(part) for part in config]
    if not isinstance(config, Mapping):
        raise TypeError(f"Could not parse config: {config!r}")
    if "class_name" not in config or "config" not in config:
        return {key: _deserialize(value) for key, value in config.items()}
    name = config["class_name"]
    inner = config["config"] if config["config"] is not None else {}
    if not isinstance(name, str):
        raise TypeError(f"`class_name` must be a string. Received: {config!r}")
    if name.startswith("__"):
        return _special(name, inner)
    if name == "function":
        return _function(inner, config)
    if not isinstance(inner, Mapping):
        raise TypeError(
            f"Expected 'config' to be a dict for {name}, instead got {type(inner)}. Full config: "
            f"{config}"
        )
    return _instance(name, dict(inner), config)


def _special(name: str, inner: Any) -> Any:
    if name == "__keras_tensor__":
        return KerasTensor(inner["shape"], inner["dtype"])
    if name == "__tensor__":
        return ops.convert_to_tensor(np.array(inner["value"], dtype=_real_dtype(inner["dtype"])))
    if name == "__numpy__":
        return np.array(inner["value"], dtype=_real_dtype(inner["dtype"]))
    if name == "__bytes__":
        return inner["value"].encode("utf-8")
    if name == "__ellipsis__":
        return Ellipsis
    if name == "__slice__":
        return slice(*(_deserialize(inner[part]) for part in ("start", "stop", "step")))
    if name == "__lambda__":
        raise ValueError(
            "The configuration holds a Python lambda, which is code: hotloop never runs code out "
            "of a configuration. Define a named function, register it with "
            "@hotloop.saving.register_keras_serializable(), and save the model anew."
        )
    raise TypeError(f"Unknown kind of value in a configuration: {name!r}")


def _real_dtype(dtype: Any) -> np.dtype:
    """A dtype of plain numbers: an object array would be no data."""
    found = np.dtype(dtype)
    if found.kind not in "buif":
        raise TypeError(f"Arrays in a configuration hold real numbers, not {dtype!r}.")
    return found


def _function(name: Any, config: Mapping[str, Any]) -> Any:
    if not isinstance(name, str):
        raise TypeError(f"Expected the name of a function as 'config'. Full config: {config}")
    found = get_registered_object(name)
    if found is not None:
        return found
    module = config.get("module")
    for home in _FUNCTION_HOMES if module == "builtins" else (module,):
        family = _family(home)
        if family is not None and inspect.isfunction(found := family.find(name)):
            return found
    if module == "keras.ops":
        return _ops_function(name)
    raise _not_found("function", name, config)


def _instance(name: str, inner: dict[str, Any], config: Mapping[str, Any]) -> Any:
    module = config.get("module")
    registered = config.get("registered_name")
    cls: Any = get_registered_object(registered) or get_registered_object(name)
    if cls is None and isinstance(module, str):
        if module == "keras.ops" or module.startswith("keras.src.ops."):
            return _operation(name, inner)
        family = _family(module)
        cls = SINGLES.get((module, name))
        if cls is None and family is not None:
            cls = family.find(name)
        if cls is None and family is not None and family.ignore_case:
            cls = family.find(name.lower())
    if cls is None:
        raise _not_found("class", name, config)
    if not inspect.isclass(cls):
        return cls
    make = getattr(cls, "from_config", None)
    if make is None:
        raise TypeError(
            f"Unable to reconstruct an instance of '{name}' because the class is missing a "
            f"`from_config()` method. Full object config: {config}"
        )
    made = make(inner)
    if config.get("build_config") and not made.built:
        made.build_from_config(_plain(config["build_config"]))
        made.built = True
    if config.get("compile_config"):
        made.compile_from_config(config["compile_config"])
    return made


def _plain(config: Any) -> Any:
    """A build configuration with its shapes as tuples, which JSON has made lists."""
    if isinstance(config, Mapping):
        return {key: _plain(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        parts = [_plain(part) for part in config]
        shape = all(part is None or isinstance(part, int) for part in parts)
        return tuple(parts) if shape else parts
    return config


def _operation(name: str, inner: dict[str, Any]) -> FunctionOperation:
    """A function of `ops`; what Keras keeps in its configuration joins the calls' arguments."""
    function = _ops_function(name if name.islower() else to_snake_case(name))
    if isinstance(inner.get("dtype"), Mapping):  # a policy, which functions do not take
        inner.pop("dtype")
    own_name = inner.pop("name", None)
    return FunctionOperation.named(function, own_name, _deserialize(inner))


def _ops_function(name: str) -> Any:
    found = getattr(ops, name, None) if name in ops.__all__ else None
    if not inspect.isfunction(found):
        raise TypeError(f"Could not locate the function '{name}' in hotloop.ops.")
    return found


def _family(module: Any) -> Registry | None:
    """The table of a Keras module's classes; Keras's inner modules belong to their package's."""
    if not isinstance(module, str):
        return None
    if module.startswith("keras.src."):
        parts = module.split(".")
        importlib.import_module(_HOMES["keras.models"])
        if module in Registry.families:
            return Registry.families[module]
        module = f"keras.{parts[2]}"
        if module == "keras.models":
            module = "keras"
    if module not in _HOMES:
        return None
    importlib.import_module(_HOMES[module])
    return Registry.families.get("keras" if module == "keras.models" else module)


def _not_found(kind: str, name: str, config: Mapping[str, Any]) -> TypeError:
    return TypeError(
        f"Could not locate {kind} '{name}'. Make sure custom classes and functions are decorated "
        "with `@hotloop.saving.register_keras_serializable()`, or pass them as "
        f"`custom_objects={{{name!r}: …}}`. Names known here: {sorted(known_names())}. Full object "
        f"config: {config}"
    )
