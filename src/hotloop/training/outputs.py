"""Which target belongs to which output of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.ops import tree

Path = tuple[Any, ...]


def at_path(structure: Any, path: Path) -> Any:
    """The part of `structure` at `path`, a tuple of keys and positions."""
    for key in path:
        structure = structure[key]
    return structure


def paths_of(structure: Any, path: Path = ()) -> list[Path]:
    """The paths of the leaves, in the order of `tree.flatten`."""
    if isinstance(structure, dict):
        keys = tree.flatten({key: key for key in structure})
    elif isinstance(structure, (list, tuple)):
        keys = list(range(len(structure)))
    else:
        return [path]
    return [leaf for key in keys for leaf in paths_of(structure[key], (*path, key))]


def name_leaves(structure: Any, name: str) -> Any:
    """`structure` with each leaf replaced by what the user would write for it: `y['a'][0]`."""
    names = [name + "".join(f"[{key!r}]" for key in path) for path in paths_of(structure)]
    return tree.pack_sequence_as(structure, names)


def align(
    values: Any,
    outputs: Any,
    output_names: Sequence[str] | None,
    wanted: Sequence[bool] | None = None,
    name: str = "y",
) -> Any:
    """`values` (targets or their weights) in the structure of the model's `outputs`.

    Args:
        values: one leaf or a structure of leaves.
        outputs: what the model returns.
        output_names: names of the outputs in the order of `tree.flatten(outputs)`, where known.
        wanted: for each output, whether it has a loss. Fewer values than outputs belong to these.
        name: the argument, for messages.

    Returns:
        A structure like `outputs`; None where there is no value for an output.

    Raises:
        ValueError: they cannot be matched.
    """
    count = len(tree.flatten(outputs))
    if not tree.is_nested(values):
        flat: list[Any] | None = [values]
    elif isinstance(values, dict):
        flat = _by_key(values, outputs, output_names)
    else:
        flat = tree.flatten(values)
    if flat is not None and len(flat) != count and wanted is not None and sum(wanted) == len(flat):
        rest = iter(flat)
        flat = [next(rest) if want else None for want in wanted]
    if flat is None or len(flat) != count:
        names = f", named {list(output_names)}" if output_names else ""
        raise ValueError(
            f"`{name}` must have the structure of the model's outputs, "
            f"{tree.map_structure(lambda _: '*', outputs)}{names}. Received: {name} of structure "
            f"{tree.map_structure(lambda _: '*', values)}."
        )
    return tree.pack_sequence_as(outputs, flat)


def _by_key(
    values: dict[Any, Any], outputs: Any, output_names: Sequence[str] | None
) -> list[Any] | None:
    """The leaves of a dictionary by the keys of the outputs, else by their names."""
    if isinstance(outputs, dict) and set(values) <= set(outputs):
        flat: list[Any] = []
        for key in tree.flatten({key: key for key in outputs}):
            leaves = tree.flatten(outputs[key])
            found = tree.flatten(values.get(key))
            if key not in values:
                found = [None] * len(leaves)
            if len(found) != len(leaves):
                return None
            flat += found
        return flat
    nested = any(tree.is_nested(value) for value in values.values())
    if output_names and set(values) <= set(output_names) and not nested:
        return [values.get(name) for name in output_names]
    return None
