"""The classes and functions of the user's own that configurations may name."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}


class _Local(threading.local):
    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}


_local = _Local()


class CustomObjectScope:
    """Names that configurations may use inside a `with` block, in this thread.

    Args:
        custom_objects: dictionary from name to class or function.

    Example:
        >>> with hotloop.saving.custom_object_scope({"Scale": Scale}):
        ...     layer = hotloop.layers.deserialize(config)
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})
        self._before: dict[str, Any] = {}

    def __enter__(self) -> CustomObjectScope:
        self._before = _local.objects
        _local.objects = dict(self.custom_objects)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _local.objects = self._before


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The dictionary of registered names itself: changes to it count."""
    return _registered


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorator: configurations may name this class or function, as `"package>name"`.

    Args:
        package: what it belongs to.
        name: its name there; that of the class or function if None.

    Raises:
        ValueError: a class without `get_config`.
    """

    def decorator(decorated: T) -> T:
        if inspect.isclass(decorated) and not hasattr(decorated, "get_config"):
            raise ValueError(
                f"Cannot register the class {decorated.__name__}: it has no `get_config()` method. "
                "Write one that returns the arguments of its `__init__`."
            )
        own = name if name is not None else decorated.__name__  # type: ignore[attr-defined]
        registered_name = f"{package}>{own}"
        _registered[registered_name] = decorated
        _names[decorated] = registered_name
        return decorated

    return decorator


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function is registered; its own name if it is not."""
    try:
        return _names.get(obj) or obj.__name__
    except TypeError:  # not hashable
        return obj.__name__


def get_registered_object(
    name: Any,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The class or function of a name, or None.

    It is looked for in the surrounding `custom_object_scope`, among what is registered, in
    `custom_objects` and in `module_objects`, in this order.
    """
    if not isinstance(name, str):
        return None
    for objects in (_local.objects, _registered, custom_objects, module_objects):
        if objects and name in objects:
            return objects[name]
    return None


def known_names() -> list[str]:
    """All names that are registered or in scope, for messages."""
    return [*_local.objects, *_registered]
