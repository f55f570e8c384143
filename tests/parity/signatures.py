"""How the public names of a library are walked, and how a signature is written down.

The recorder walks Keras with it, the tests look at hotloop with it.
"""

import ast
import inspect

import instances

# Not public: the code behind the names.
PRIVATE_MODULES = frozenset({"src"})


def lookup(module, name):
    value = module
    for part in name.split("."):
        value = getattr(value, part)
    return value


def shown(default):
    """A default value as text, the same in every process."""
    if inspect.isclass(default) or inspect.isroutine(default):
        return repr(default.__name__)
    text = repr(default)
    return repr(type(default).__name__) if " at 0x" in text else text


def describe(function, bound=False):
    """The parameters of a function or class as in its `def`, without annotations.

    `bound` leaves out the first, `self`. What takes the rest is called `*args` or `**kwargs`,
    whatever its name.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        return "?"
    described = []
    for parameter in parameters[1:] if bound else parameters:
        kind, name = parameter.kind, parameter.name
        if kind is parameter.VAR_POSITIONAL:
            name = "args"
        elif kind is parameter.VAR_KEYWORD:
            name = "kwargs"
        default = parameter.empty
        if parameter.default is not parameter.empty:
            default = Text(shown(parameter.default))
        described.append(inspect.Parameter(name, kind, default=default))
    return str(inspect.Signature(described))


class Text:
    """Prints as the given text."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def parameters(described):
    """{name: (kind, default)} in order, of what `describe` wrote; None where there is none."""
    arguments = ast.parse(f"def f{described}: pass").body[0].args
    found = {}
    positional = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    for number, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        kind = "positional only" if number < len(arguments.posonlyargs) else "positional"
        found[argument.arg] = (kind, default and ast.unparse(default))
    if arguments.vararg:
        found["*args"] = ("rest", None)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found[argument.arg] = ("keyword only", default and ast.unparse(default))
    if arguments.kwarg:
        found["**kwargs"] = ("rest", None)
    return found


def own_class(cls, name):
    """The class in whose body `name` stands."""
    return next((base for base in cls.__mro__ if name in vars(base)), None)


def describe_member(cls, name):
    """A method as its signature without `self`; anything else as "property"."""
    attribute = inspect.getattr_static(cls, name)
    if isinstance(attribute, (classmethod, staticmethod)):
        return describe(getattr(cls, name))
    if inspect.isfunction(attribute):
        return describe(attribute, bound=True)
    return "property"


def member_names(cls):
    """What a class offers besides its constructor, `__call__` included."""
    names = (name for name in dir(cls) if not name.startswith("_") or name == "__call__")
    builtin = (object, type, dict, list, tuple, int, str, Exception)
    return [n for n in names if own_class(cls, n) not in (*builtin, None)]


def describe_constructor(cls):
    """The parameters of `__init__`: a `__new__` in Keras's base classes takes anything."""
    if own_class(cls, "__init__") is object:
        return describe(cls)
    return describe(cls.__init__, bound=True)


def describe_class(cls, public):
    """A class: its constructor, which `public` classes it is derived from, and what is its own.

    A member is left out where the nearest public base has the same.
    """
    bases = [base for base in cls.__mro__[1:] if base in public]
    members = {}
    for name in member_names(cls):
        attribute = inspect.getattr_static(cls, name)
        nearest = next((base for base in bases if hasattr(base, name)), None)
        if nearest is None or inspect.getattr_static(nearest, name) is not attribute:
            members[name] = describe_member(cls, name)
    return {
        "class": describe_constructor(cls),
        "bases": [public[base] for base in bases],
        "members": members,
    }


def public_objects(module):
    """{name: object} of a library and its public modules, at any depth."""
    found, modules = {}, set()

    def walk(module, path):
        modules.add(module.__name__)
        for name in dir(module):
            if name.startswith("_") or (not path and name in PRIVATE_MODULES):
                continue
            value = getattr(module, name)
            if not inspect.ismodule(value):
                found[path + name] = value
            elif value.__name__.startswith(module.__name__) and value.__name__ not in modules:
                walk(value, f"{path}{name}.")

    walk(module, "")
    return found


# Packages that hold other packages' objects under other names.
SECOND_HOMES = ("backend.", "legacy.", "mixed_precision.", "preprocessing.")


def rank(value, name):
    """Of several names of one object the smallest: in its package, its own, near the top."""
    own = getattr(value, "__name__", "")
    elsewhere = "." not in name or name.startswith(SECOND_HOMES)
    return elsewhere, name.rpartition(".")[2] != own, name.count("."), name


def record(module):
    """{name: description} of everything public: a signature, the dictionary of a class, "value",
    or "= name" of an object that has another name as well."""
    found = public_objects(module)
    first = {}
    for name, value in found.items():
        known = first.setdefault(id(value), name)
        if rank(value, name) < rank(value, known):
            first[id(value)] = name
    public = {value: first[id(value)] for value in found.values() if inspect.isclass(value)}
    described = {}
    for name, value in sorted(found.items()):
        if not callable(value):
            described[name] = "value"
        elif first[id(value)] != name:
            described[name] = f"= {first[id(value)]}"
        elif inspect.isclass(value):
            described[name] = describe_class(value, public)
        else:
            described[name] = describe(value)
    for name in instances.INSTANCES:
        described[name]["attributes"] = instances.attributes(module, name)
    for name in instances.INSTANCES:
        inherited = {a for base in described[name]["bases"] for a in attributes_of(described, base)}
        own = described[name]["attributes"]
        described[name]["attributes"] = [a for a in own if a not in inherited]
    return described


def attributes_of(described, name):
    """What objects of a class, and of its bases, were recorded with beside what the class has."""
    names = (name, *described[name]["bases"])
    return {a for base in names for a in described[base].get("attributes", ())}
