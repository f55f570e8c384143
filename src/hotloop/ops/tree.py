"""Nested structures: lists, tuples, named tuples and dicts of anything else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a list, tuple or dict."""
    return isinstance(structure, (list, tuple, dict))


def _children(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [structure[key] for key in _keys(structure)]
    return list(structure)


def items(structure: Any) -> list[tuple[Any, Any]]:
    """What is right inside a nested structure, with its keys or positions, in `flatten`'s order."""
    if isinstance(structure, dict):
        return [(key, structure[key]) for key in _keys(structure)]
    return list(enumerate(structure))


def _keys(structure: dict[Any, Any]) -> list[Any]:
    """Keys in sorted order, so that dicts of the same keys flatten alike; else as inserted."""
    try:
        return sorted(structure)
    except TypeError:
        return list(structure)


def rebuild(structure: Any, children: Sequence[Any]) -> Any:
    """A structure of the same kind, with others in the places of `items`."""
    if isinstance(structure, dict):
        values = dict(zip(_keys(structure), children, strict=True))
        if isinstance(structure, defaultdict):
            ordered = ((key, values[key]) for key in structure)
            return defaultdict(structure.default_factory, ordered)
        return type(structure)((key, values[key]) for key in structure)
    if hasattr(structure, "_fields"):
        return type(structure)(*children)
    return type(structure)(children)


def flatten(structure: Any) -> list[Any]:
    """The leaves of `structure`, left to right, dicts by sorted key. None is a leaf."""
    if not is_nested(structure):
        return [structure]
    leaves: list[Any] = []
    for child in _children(structure):
        leaves.extend(flatten(child))
    return leaves


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """`function` of corresponding leaves, in the structure of the first argument.

    Raises `ValueError` if the structures differ.
    """
    if not structures:
        raise ValueError("map_structure needs at least one structure.")
    first = structures[0]
    for other in structures[1:]:
        assert_same_structure(first, other)
    return _map(function, structures)


def _map(function: Callable[..., Any], structures: Sequence[Any]) -> Any:
    first = structures[0]
    if not is_nested(first):
        return function(*structures)
    columns = zip(*(_children(structure) for structure in structures), strict=True)
    return rebuild(first, [_map(function, column) for column in columns])


def assert_same_structure(a: Any, b: Any) -> None:
    """Raises `ValueError`, showing both, unless `a` and `b` nest alike."""
    same = is_nested(a) == is_nested(b)
    if same and is_nested(a):
        same = isinstance(a, dict) == isinstance(b, dict) and len(a) == len(b)
        if same and isinstance(a, dict):
            same = set(a) == set(b)
    if not same:
        raise ValueError(f"Structures differ: {a!r} and {b!r}.")
    if is_nested(a):
        for x, y in zip(_children(a), _children(b), strict=True):
            assert_same_structure(x, y)


def pack_sequence_as(structure: Any, flat: Sequence[Any]) -> Any:
    """The leaves `flat` in the nesting of `structure`: the inverse of `flatten`.

    Raises `ValueError` if there are too few or too many.
    """
    flat = list(flat)
    expected = len(flatten(structure))
    if expected != len(flat):
        raise ValueError(f"The structure has {expected} leaves, got a sequence of {len(flat)}.")
    return _pack(structure, iter(flat))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return rebuild(structure, [_pack(child, leaves) for child in _children(structure)])
