"""Nested structures, as in `keras.tree`: lists, tuples, named tuples and dictionaries of leaves.

None is a leaf. Dictionaries are walked by sorted keys.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from hotloop.ops import tree as _tree
from hotloop.ops.tree import flatten, is_nested


class MAP_TO_NONE:  # noqa: N801 (Keras's name)
    """What a function returns to `traverse` to put None in place of a part."""


def _kind(structure: Any) -> Any:
    """What has to be alike in structures that are the same: dictionaries of all kinds are."""
    return dict if isinstance(structure, dict) else type(structure)


def _check_same(a: Any, b: Any) -> None:
    if not is_nested(a) and not is_nested(b):
        return
    if _kind(a) is not _kind(b) or len(a) != len(b):
        raise ValueError(f"Structures differ: {a!r} and {b!r}.")
    if isinstance(a, dict) and a.keys() != b.keys():
        raise ValueError(f"Dictionaries differ in their keys: {list(a)} and {list(b)}.")
    for (_, x), (_, y) in zip(_tree.items(a), _tree.items(b), strict=True):
        _check_same(x, y)


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """Raises `ValueError` unless `a` and `b` are nested alike, in containers of the same types.

    `check_types` is deprecated in Keras, where it has no effect; it warns.
    """
    if check_types is not None:
        warnings.warn(
            "`check_types` has no effect: types of containers always count. `assert_same_paths` "
            "does not look at them.",
            DeprecationWarning,
            stacklevel=2,
        )
    _check_same(a, b)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """`(path, leaf)` of each leaf; a path has the keys and positions that lead to it."""
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, child in _tree.items(structure)
        for path, leaf in flatten_with_path(child)
    ]


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises `ValueError` unless the leaves of `a` and `b` have the same paths."""
    paths_a, paths_b = ({path for path, _ in flatten_with_path(x)} for x in (a, b))
    if paths_a != paths_b:
        alone = (paths_a - paths_b or "none", paths_b - paths_a or "none")
        raise ValueError(
            "`a` and `b` don't have the same paths. "
            f"In `a` alone: {alone[0]}; in `b` alone: {alone[1]}."
        )


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """`func` of corresponding leaves, in the structure of the first argument.

    Args:
        func: takes a leaf of each structure.
        structures: one or more, the same in the sense of `assert_same_structure`.
        none_is_leaf: whether `func` gets leaves that are None; else None stays.

    Raises:
        TypeError: `func` cannot be called.
        ValueError: there is no structure, or they differ.
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func!r}")
    if not structures:
        raise ValueError("Must provide at least one structure")
    for other in structures[1:]:
        _check_same(structures[0], other)

    def mapped(*leaves: Any) -> Any:
        if none_is_leaf or leaves[0] is not None:
            return func(*leaves)
        if any(leaf is not None for leaf in leaves):
            raise ValueError(f"None stands beside other leaves: {leaves!r}.")
        return None

    return _tree.map_structure(mapped, *structures)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """`func` of the parts of `structures` where `shallow_structure` has leaves.

    Raises `ValueError` if there is no structure, or one does not go as deep.
    """
    if not structures:
        raise ValueError("Must provide at least one structure")

    def walk(shallow: Any, parts: Sequence[Any]) -> Any:
        if not is_nested(shallow):
            return func(*parts)
        for part in parts:
            same = _kind(part) is _kind(shallow) and len(part) == len(shallow)
            if not same or (isinstance(shallow, dict) and part.keys() != shallow.keys()):
                raise ValueError(f"Structures differ: {shallow!r} and {part!r}.")
        columns = zip(*([child for _, child in _tree.items(part)] for part in parts), strict=True)
        children = [child for _, child in _tree.items(shallow)]
        return _tree.rebuild(shallow, list(map(walk, children, columns)))

    return walk(shallow_structure, structures)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """`func` of each shape; lists and tuples of whole numbers and None are shapes."""
    if isinstance(structure, (list, tuple)) and all(
        isinstance(dim, (int, type(None))) for dim in structure
    ):
        return func(structure)
    if not is_nested(structure):
        return func(structure)
    children = [map_shape_structure(func, child) for _, child in _tree.items(structure)]
    return _tree.rebuild(structure, children)


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """The leaves `flat_sequence` in the nesting of `structure`: the inverse of `flatten`.

    Raises `ValueError` if there are too few or too many.
    """
    return _tree.pack_sequence_as(structure, flat_sequence)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """The structure with parts replaced by what `func` returns for them; None leaves them.

    Args:
        func: gets each part, leaves and the whole included. `MAP_TO_NONE` puts None in its place.
        structure: any nesting.
        top_down: whether a part comes before what is in it, which is left out if the part is
            replaced; else after it, with what has been replaced in it.
    """

    def inside(part: Any) -> Any:
        if not is_nested(part):
            return part
        return _tree.rebuild(
            part, [traverse(func, child, top_down) for _, child in _tree.items(part)]
        )

    whole = structure if top_down else inside(structure)
    found = func(whole)
    if found is None:
        return inside(whole) if top_down else whole
    return None if found is MAP_TO_NONE else found


def lists_to_tuples(structure: Any) -> Any:
    """The structure with tuples in place of its lists."""
    return traverse(
        lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False
    )


__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]
