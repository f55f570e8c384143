"""Configurations of layers: dtype policies as Keras writes them, and automatic `get_config`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from hotloop.common.dtypes import standardize_dtype
from hotloop.ops import tree

# How Keras 3 writes a plain dtype in a layer's configuration; the name is filled in.
DTYPE_POLICY = {
    "module": "keras",
    "class_name": "DTypePolicy",
    "config": {"name": "float32"},
    "registered_name": None,
}


def standardize_layer_dtype(dtype: Any, class_name: str) -> str:
    """A layer's `dtype` argument: None, `"float32"`, or a configuration of that policy.

    Raises `NotImplementedError` for other dtypes, `ValueError` for what is no dtype.
    """
    if isinstance(dtype, Mapping):
        dtype = dtype.get("config", {}).get("name")
    name = standardize_dtype(dtype)
    if name != "float32":
        raise NotImplementedError(f"{class_name} computes in float32. Received: dtype={dtype!r}")
    return name


def automatic_config(
    cls: type, arguments: tuple[tuple[Any, ...], dict[str, Any]], base: dict[str, Any]
) -> dict[str, Any]:
    """The configuration of a layer whose class writes none: the arguments it was made with.

    `base` (name, trainable, dtype, …) joins as far as `cls.__init__` takes it.
    Raises `NotImplementedError` if an argument is not plain data.
    """
    args, kwargs = arguments
    bound = inspect.signature(cls.__init__).bind(  # type: ignore[misc]
        None, *args, **kwargs
    )
    bound.apply_defaults()
    given: dict[str, Any] = {}
    open_ended = False
    for index, parameter in enumerate(bound.signature.parameters.values()):
        value = bound.arguments[parameter.name]
        if index == 0:
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            given.update(value)
            open_ended = True
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            if parameter.kind is parameter.POSITIONAL_ONLY or value:
                raise _unserializable(cls, "positional-only or variadic arguments")
        else:
            given[parameter.name] = value
    for value in tree.flatten(given):
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise _unserializable(cls, f"the argument value {value!r}")
    taken = {k: v for k, v in base.items() if open_ended or k in given}
    return {**given, **taken}


def _unserializable(cls: type, what: str) -> NotImplementedError:
    return NotImplementedError(
        f"Object {cls.__name__} was created by passing {what} in `__init__()`, and therefore the "
        "object must override `get_config()` in order to be serializable. Please implement "
        "`get_config()`:\n\n"
        "    def get_config(self):\n"
        '        return {**super().get_config(), "argument": self.argument}'
    )
