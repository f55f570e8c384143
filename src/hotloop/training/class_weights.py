"""Class weights: the weights of samples by the classes in their targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.ops import tree
from hotloop.training.data import Data


def weigh_classes(data: Data, class_weight: Any, output_names: list[str] | None = None) -> Data:
    """`data` with its sample weights multiplied by class weights.

    Args:
        data: what is to be weighed.
        class_weight: a dictionary from class to weight, or for several outputs a dictionary
            from output to such dictionaries, or a list of them (None for no weights).
        output_names: names of the model's outputs, where it knows them.
    """
    x, y, weight = data.structure
    if y is None:
        raise ValueError("`class_weight` needs targets: pass `y`.")
    arrays = list(data.arrays)
    tables = _tables(class_weight, y, output_names)
    positions = tree.flatten(y)
    weights = [None] * len(positions) if weight is None else tree.flatten(weight)
    result: list[int | None] = []
    for position, before, table in zip(positions, weights, tables, strict=True):
        if table is None or position is None:
            result.append(before)
            continue
        made = class_weights_of(data.arrays[position], table)
        if before is not None:
            old = data.arrays[before]
            made = old * made.reshape(made.shape + (1,) * (old.ndim - 1))
        arrays.append(made)
        result.append(len(arrays) - 1)
    return Data(arrays, (x, y, tree.pack_sequence_as(y, result)))


def _tables(class_weight: Any, y: Any, output_names: list[str] | None) -> list[Any]:
    """The table of each output, in the order of the targets."""
    count = len(tree.flatten(y))
    if not tree.is_nested(y):
        return [class_weight]
    if isinstance(class_weight, (list, tuple)):
        if len(class_weight) != count:
            raise ValueError(
                f"`class_weight` has {len(class_weight)} entries for {count} outputs. Pass one "
                "dictionary (or None) per output."
            )
        return list(class_weight)
    nested = isinstance(class_weight, dict) and all(
        value is None or isinstance(value, dict) for value in class_weight.values()
    )
    if not nested:
        if count == 1:
            return [class_weight]
        raise ValueError(
            "`class_weight` for several outputs must be a list with one dictionary per output, or "
            "a dictionary from the name of an output to its class weights. Received: "
            f"class_weight={class_weight!r}"
        )
    names: list[Any] = list(output_names or ())
    if isinstance(y, dict) and not any(tree.is_nested(part) for part in y.values()):
        names = tree.flatten({key: key for key in y})  # in the order of the leaves
    unknown = [key for key in class_weight if key not in names]
    if unknown or len(names) != count:
        raise ValueError(
            f"`class_weight` has the keys {list(class_weight)}; the model's outputs are named "
            f"{names}."
        )
    return [class_weight.get(name) for name in names]


def class_weights_of(y: np.ndarray, class_weight: Any, name: str = "y") -> np.ndarray:
    """The weight of every sample by its class: float32 `(samples,)`; classes not named weigh 1.

    `y` holds classes, with or without a last axis of 1, or one-hot rows.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(
            "`class_weight` must be a dictionary from class (int) to weight (float). Received: "
            f"{class_weight!r} (of type {type(class_weight).__name__})"
        )
    table: dict[int, float] = {}
    for key, value in class_weight.items():
        try:
            whole = int(key) == key
            table[int(key)] = float(value)
        except (TypeError, ValueError):
            whole = False
        if not whole:
            raise TypeError(
                "`class_weight` must map classes (int) to weights (float). Received the entry "
                f"{key!r}: {value!r}"
            )
    labels = y
    if labels.ndim > 1:
        labels = labels[..., 0] if labels.shape[-1] == 1 else labels.argmax(axis=-1)
    if labels.ndim != 1:
        raise ValueError(
            f"`class_weight` needs one class per sample, but `{name}` has shape {y.shape}."
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(f"`class_weight` needs a class for every sample, but `{name}` has NaN.")
    labels = np.round(labels).astype(np.int64)
    found, position = np.unique(labels, return_inverse=True)
    weights = np.array([table.get(int(label), 1.0) for label in found], np.float32)
    return weights[position]
