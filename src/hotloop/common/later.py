"""Packages whose names are loaded when they are first asked for: most programs need few of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def full_name(package: str, module: str) -> str:
    """The name of a module that is given as below `package`, or in full if it is elsewhere."""
    return module if module.startswith("hotloop.") else f"{package}.{module}"


def load(package: str, module: str, name: str) -> Any:
    """`name` of a module, which is given as for `full_name`."""
    return getattr(import_module(full_name(package, module)), name)


def load_later(
    package: str, modules: Mapping[str, str], missing: Callable[[str], object]
) -> Callable[[str], object]:
    """The `__getattr__` of a package.

    Args:
        package: its `__name__`.
        modules: by public name, the module that defines it, as for `full_name`.
        missing: raises the error for any other name.
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
            return sorted({*super().__dir__(), *modules})

    sys.modules[package].__class__ = Package

    def find(name: str) -> object:
        if name not in modules:
            return missing(name)
        value = load(package, modules[name], name)
        setattr(sys.modules[package], name, value)
        return value

    return find
