"""Names and modules that are loaded when they are first asked for.

Most programs need few of them, and the first step of a model would wait for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def full_name(package: str, module: str) -> str:
    """The name of a module that is given as below `package`, or in full if it is elsewhere."""
    return module if module.startswith("hotloop.") else f"{package}.{module}"


def load(package: str, module: str, name: str) -> Any:
    """`name` of a module, which is given as for `full_name`; or, of "module:other", `other`."""
    module, _, other = module.partition(":")
    return getattr(import_module(full_name(package, module)), other or name)


class Later:
    """Stands for a module in one that needs it in few of its functions.

        if TYPE_CHECKING:
            from hotloop.training import feeds
        else:
            feeds = Later("hotloop.training.feeds")

    What is a base of a class, or is used by every program, is imported.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)


def load_later(
    package: str,
    modules: Mapping[str, str],
    missing: Callable[[str], object],
    namespaces: Collection[str] = (),
) -> Callable[[str], object]:
    """The `__getattr__` of a package.

    Args:
        package: its `__name__`.
        modules: by public name, the module that defines it, as for `load`.
        missing: raises the error for any other name.
        namespaces: modules of the package that are public themselves.
    """

    class Package(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            # Importing a module makes it an attribute. Where a function has the same name, that
            # is what is meant.
            if name in modules and isinstance(value, ModuleType):
                value = getattr(value, name)
            super().__setattr__(name, value)

        def __reduce__(self) -> Any:
            # cloudpickle sends modules by name, but only those of the plain type.
            return import_module, (self.__name__,)

        def __dir__(self) -> list[str]:
            return sorted({*super().__dir__(), *modules, *namespaces})

    sys.modules[package].__class__ = Package

    def find(name: str) -> object:
        if name in namespaces:
            return import_module(f"{package}.{name}")
        if name not in modules:
            return missing(name)
        value = load(package, modules[name], name)
        setattr(sys.modules[package], name, value)
        return value

    return find
