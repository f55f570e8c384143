"""Names to objects and back: the closed tables behind every `get`, `serialize`, `deserialize`.

Each family (initializers, losses, …) owns one `Registry`. A config dictionary can only lead to an
object of that family's table, of the caller's `custom_objects`, or to a registered one; nothing is
imported by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NoReturn

from hotloop._absent import refuse
from hotloop._later import full_name, load
from hotloop.common.custom_objects import (
    get_registered_name,
    get_registered_object,
    known_names,
)
from hotloop.ops.naming import to_snake_case


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> ValueError:
    """The error for a string that names nothing: the closest valid names first, then all."""
    import difflib  # for errors only

    valid = sorted(set(valid))

    def likeness(candidate: str) -> tuple[float, float]:
        """How alike, first whatever the case, then as written."""
        pairs = ((name.lower(), candidate.lower()), (name, candidate))
        first, second = (difflib.SequenceMatcher(None, a, b).ratio() for a, b in pairs)
        return first, second

    ranked = sorted(((likeness(candidate), candidate) for candidate in valid), reverse=True)
    close = [candidate for (alike, _), candidate in ranked[:3] if alike >= 0.6]
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return ValueError(f"Unknown {kind} {name!r}.{hint} Valid names: {', '.join(valid)}.")


def attribute_error(module: str, kind: str, valid: Iterable[str]) -> Callable[[str], NoReturn]:
    """A module's `__getattr__`: a class that does not exist gets the closest ones that do.

    What Keras has and hotloop does not is refused with the reason.
    """

    def missing(name: str) -> NoReturn:
        refuse(module, name)
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise AttributeError(f"module {module!r}: {unknown_name(kind, name, valid)}")

    return missing


class Registry:
    """The table of one family.

    Args:
        module: the public module that Keras files the family under, e.g. `"keras.losses"`; it is
            written into serialized configurations so that they read as Keras's.
        kind: what one member is called in messages, e.g. `"loss"`.
        ignore_case: whether names are looked up in lower case (optimizers).
        accepts: modules of other families whose configurations are taken too (an activation may
            be a layer).
    """

    families: ClassVar[dict[str, Registry]] = {}

    def __init__(
        self, module: str, kind: str, *, ignore_case: bool = False, accepts: Iterable[str] = ()
    ) -> None:
        self.module = module
        self.kind = kind
        self.ignore_case = ignore_case
        self.accepts = frozenset(accepts)
        self.objects: dict[str, Any] = {}
        self._members: set[Any] = set()
        # Key -> package, module and name of what is loaded when somebody asks for it.
        self._later: dict[str, tuple[str, str, str]] = {}
        self._places: set[tuple[str, str]] = set()
        # Names that can be asked for in snake case, too; spelt so when a key is not found.
        self._to_spell: list[str] = []
        self.families.setdefault(module, self)

    def add(self, *members: Any, snake_case: bool = False, **aliases: Any) -> None:
        """Adds classes or functions under their own names, and `aliases` under the given ones."""
        for member in members:
            self._members.add(member)
            self.objects[self._key(member.__name__)] = member
            if snake_case:
                self.objects[to_snake_case(member.__name__)] = member
        for alias, member in aliases.items():
            self.objects[self._key(alias)] = member

    def add_later(
        self,
        package: str,
        modules: Mapping[str, str],
        *names: str,
        snake_case: bool = False,
        **aliases: str,
    ) -> None:
        """As `add`, of names that are loaded when somebody asks for them.

        `modules` says where each is defined, as for `_later.full_name`.
        """
        keys = {self._key(name): name for name in names}
        keys.update({self._key(alias): name for alias, name in aliases.items()})
        for key, name in keys.items():
            module = modules[name]
            self._later[key] = (package, module, name)
            self._places.add((full_name(package, module), name))
        if snake_case:
            self._to_spell += names

    def _spell(self) -> None:
        for name in self._to_spell:
            self._later.setdefault(to_snake_case(name), self._later[self._key(name)])
        self._to_spell.clear()

    def find(self, key: Any) -> Any:
        """The class or function under this key; None if there is none."""
        found = self.objects.get(key)
        if found is None and key not in self._later:
            self._spell()
        if found is None and key in self._later:
            found = self.objects[key] = load(*self._later[key])
        return found

    def __contains__(self, member: Any) -> bool:
        if member in self._members:
            return True
        place = (getattr(member, "__module__", None), getattr(member, "__qualname__", None))
        return place in self._places

    def _key(self, name: str) -> str:
        return name.lower() if self.ignore_case else name

    def lookup(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function called `name`. Raises `ValueError` listing the valid names."""
        found = get_registered_object(name, custom_objects)
        if found is None:
            found = self.find(self._key(name))
        if found is None:
            own = [*(custom_objects or ()), *known_names()]
            raise unknown_name(self.kind, name, [*self.objects, *self._later, *own])
        return found

    def serialize(self, obj: Any) -> dict[str, Any] | None:
        """The configuration dictionary of an instance, or of a function, or None of None."""
        if obj is None:
            return None
        if inspect.isfunction(obj) or inspect.isbuiltin(obj):
            return {
                "module": "builtins",
                "class_name": "function",
                "config": get_registered_name(obj),
                "registered_name": "function",
            }
        if inspect.isclass(obj) or not hasattr(obj, "get_config"):
            raise TypeError(
                f"Cannot serialize the {self.kind} {obj!r}: expected an instance with a "
                "`get_config()` method, or a function."
            )
        cls = type(obj)
        families = (self, *(self.families[name] for name in self.accepts if name in self.families))
        module = next((family.module for family in families if cls in family), None)
        return {
            "module": module or cls.__module__,
            "class_name": cls.__name__,
            "config": obj.get_config(),
            "registered_name": None if module else get_registered_name(cls),
        }

    def deserialize(
        self, config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The object that `config` describes: a dictionary as from `serialize`, or a name.

        Raises:
            ValueError: the name is in neither the family's table nor `custom_objects`.
            TypeError: `config` is not a configuration.
        """
        if isinstance(config, str):
            found = self.lookup(config, custom_objects)
            return found() if inspect.isclass(found) else found
        if not isinstance(config, Mapping) or "class_name" not in config:
            raise TypeError(
                f"Cannot deserialize a {self.kind}: expected a dictionary with the keys "
                f"'class_name' and 'config', or a name. Received: {config!r}"
            )
        if config.get("module") in self.accepts:
            return self.families[config["module"]].deserialize(config, custom_objects)
        if config["class_name"] == "function":
            return self.lookup(config["config"], custom_objects)
        found = get_registered_object(config.get("registered_name"), custom_objects)
        if found is None:
            found = self.lookup(config["class_name"], custom_objects)
        inner = dict(config.get("config") or {})
        if hasattr(found, "from_config"):
            takes = inspect.signature(found.from_config).parameters
            if custom_objects and "custom_objects" in takes:
                return found.from_config(inner, custom_objects=custom_objects)
            return found.from_config(inner)
        return found(**inner)

    def get(
        self,
        identifier: Any,
        *,
        fallback: Callable[[Any], bool] = callable,
        expected: str = "a name, a configuration dictionary, a class, an instance or a callable",
    ) -> Any:
        """`identifier` as a member: None stays None; names, dictionaries and classes are made.

        `fallback` says which other objects are taken as they are.
        """
        if identifier is None:
            return None
        if isinstance(identifier, (str, Mapping)):
            return self.deserialize(identifier)
        if inspect.isclass(identifier):
            return identifier()
        if fallback(identifier):
            return identifier
        article = "an" if self.kind[0] in "aeiou" else "a"
        raise ValueError(
            f"Could not interpret {identifier!r} (of type {type(identifier).__name__}) as "
            f"{article} {self.kind}. Expected {expected}."
        )
