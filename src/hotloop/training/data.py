"""The arrays of one `fit`, `evaluate` or `predict`: checked against each other, converted."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from hotloop.ops import tree
from hotloop.training.arrays import as_array, is_streaming, to_lanes


class InputSpec(NamedTuple):
    """What the model expects of one of its inputs: `shape` with the batch first, None unknown."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Data:
    """Arrays of equal length, ready for a plan; not to be changed.

    `x` is flat; `structure` packs it again the way the model is called. Every array is C-contiguous
    float32 or int32. `arrays` are all of them in the order in which a step takes them, `layout` is
    what the graph of a step depends on besides the model and the batch size.
    """

    __slots__ = ("arrays", "layout", "sample_weight", "samples", "structure", "x", "y")

    def __init__(
        self,
        x: tuple[np.ndarray, ...],
        structure: Any,
        y: np.ndarray | None,
        sample_weight: np.ndarray | None,
    ) -> None:
        self.x = x
        self.structure = structure
        self.y = y
        self.sample_weight = sample_weight
        self.samples: int = x[0].shape[0]
        self.arrays = list(x)
        if y is not None:
            self.arrays.append(y)
        if sample_weight is not None:
            self.arrays.append(sample_weight)
        self.layout: Hashable = (
            repr(structure),
            y is not None,
            sample_weight is not None,
            *[(array.shape[1:], array.dtype) for array in self.arrays],
        )

    def rows(self, start: int, stop: int) -> Data:
        """Samples start … stop-1, without copying."""

        def cut(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[start:stop]

        x = tuple([array[start:stop] for array in self.x])
        return Data(x, self.structure, cut(self.y), cut(self.sample_weight))


def make_data(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    inputs: list[InputSpec] | None,
    input_structure: Any = None,
    names: tuple[str, str, str] = ("x", "y", "sample_weight"),
) -> Data:
    """Checks and converts the data of one call.

    Args:
        x: array, or list, tuple or dictionary of arrays for a model with several inputs.
        y: targets, or None.
        sample_weight: weights `(samples,)` or as the loss broadcasts them, or None.
        inputs: what the model expects, where it knows.
        input_structure: the structure in which the model takes its inputs, where it knows.
        names: what the arguments are called in messages.

    Raises:
        TypeError, ValueError, NotImplementedError: naming the argument; see `as_array`.
    """
    x_name, y_name, w_name = names
    flat_x, structure = _take_x(x, x_name, inputs, input_structure)
    target = None if y is None else _take_y(y, y_name)
    weight = None if sample_weight is None else _take_single(sample_weight, w_name)

    named = [*flat_x, (y_name, target), (w_name, weight)]
    if len({array.shape[0] for _, array in named if array is not None}) > 1:
        lengths = {name: array.shape[0] for name, array in named if array is not None}
        sizes = ", ".join(f"`{name}` has {count}" for name, count in lengths.items())
        raise ValueError(
            "Data cardinality is ambiguous: all arrays must have the same number of samples, but "
            f"{sizes}."
        )
    arrays = []
    for position, (name, array) in enumerate(flat_x):
        spec = None if inputs is None else inputs[position]
        if spec is not None:
            _check_sample_shape(array, name, spec)
        arrays.append(to_lanes(array, name, None if spec is None else spec.dtype))
    if target is not None:
        target = to_lanes(target, y_name)
    if weight is not None:
        weight = to_lanes(weight, w_name, "float32")
    return Data(tuple(arrays), structure, target, weight)


def weigh_classes(data: Data, class_weight: Any) -> Data:
    """`data` with its sample weights multiplied by `class_weight`: class to weight, or None."""
    if class_weight is None:
        return data
    if data.y is None:
        raise ValueError("`class_weight` needs targets: pass `y`.")
    weight = class_weights_of(data.y, class_weight)
    if data.sample_weight is not None:
        weight = weight.reshape(weight.shape + (1,) * (data.sample_weight.ndim - 1))
        weight = data.sample_weight * weight
    return Data(data.x, data.structure, data.y, weight)


def split_data(data: Data, validation_split: float) -> tuple[Data, Data]:
    """The first samples for training, the last `validation_split` of them for validation."""
    samples = data.samples
    split_at = math.floor(samples * (1.0 - validation_split))
    if split_at in (0, samples):
        raise ValueError(
            f"`x` has {samples} samples, too few to set any aside for both training and validation "
            f"with validation_split={validation_split}. Pass more samples or another share."
        )
    return data.rows(0, split_at), data.rows(split_at, samples)


def unpack_validation_data(validation_data: Any) -> tuple[Any, Any, Any]:
    """`(x, y)` or `(x, y, sample_weight)` as three values."""
    if is_streaming(validation_data):
        raise NotImplementedError(
            "`validation_data` is not a tuple of arrays: generators, PyDataset and data loaders "
            "are not supported yet. Pass (x, y) or (x, y, sample_weight)."
        )
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (1, 2, 3):
        count = f" of length {len(validation_data)}" if hasattr(validation_data, "__len__") else ""
        raise ValueError(
            "`validation_data` must be a tuple (x, y) or (x, y, sample_weight). Received: "
            f"{type(validation_data).__name__}{count}"
        )
    x, y, sample_weight = (*validation_data, None, None)[:3]
    return x, y, sample_weight


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


def _take_y(value: Any, name: str) -> np.ndarray:
    several = isinstance(value, dict) or (
        isinstance(value, (list, tuple)) and len(value) > 1 and _are_arrays(value)
    )
    if several:
        raise NotImplementedError(
            f"`{name}` is a {type(value).__name__} of arrays: training with several outputs is not "
            "supported yet. Pass one array."
        )
    return _take_single(value, name)


def _take_single(value: Any, name: str) -> np.ndarray:
    if isinstance(value, dict):
        raise NotImplementedError(f"`{name}` as a dictionary is not supported yet. Pass one array.")
    if isinstance(value, (list, tuple)) and len(value) == 1 and _are_arrays(value):
        value = value[0]
    return as_array(value, name)


def _are_arrays(values: Any) -> bool:
    """True for a list of arrays (as opposed to a list of numbers, or of lists of them)."""
    return all(hasattr(value, "shape") and len(value.shape) > 0 for value in values)


def _take_x(
    x: Any, name: str, inputs: list[InputSpec] | None, input_structure: Any
) -> tuple[list[tuple[str, np.ndarray]], Any]:
    """Named flat arrays, and the structure (positions as leaves) that the model is called with."""
    if x is None:
        raise ValueError(f"`{name}` is missing: pass an array of samples.")
    if inputs is not None:
        return _take_known_inputs(x, name, inputs, input_structure)
    if isinstance(x, dict):
        if not x:
            raise ValueError(f"`{name}` is an empty dictionary. Pass at least one array.")
        flat = [
            (f"{name}[{key!r}]", as_array(value, f"{name}[{key!r}]")) for key, value in x.items()
        ]
        return flat, dict(zip(x, range(len(x)), strict=True))
    if isinstance(x, (list, tuple)) and len(x) > 0 and _are_arrays(x):
        flat = [(f"{name}[{i}]", as_array(value, f"{name}[{i}]")) for i, value in enumerate(x)]
        return flat, list(range(len(x)))
    return [(name, as_array(x, name))], 0


def _take_known_inputs(
    x: Any, name: str, inputs: list[InputSpec], input_structure: Any
) -> tuple[list[tuple[str, np.ndarray]], Any]:
    count = len(inputs)
    structure = 0
    if tree.is_nested(input_structure):
        structure = tree.pack_sequence_as(input_structure, list(range(count)))
    if isinstance(x, dict):
        keys = list(structure) if isinstance(structure, dict) else [spec.name for spec in inputs]
        missing = [key for key in keys if key not in x]
        extra = [key for key in x if key not in keys]
        if missing or extra:
            raise ValueError(
                f"`{name}` is a dictionary with the keys {sorted(map(str, x))}, but the model's "
                f"inputs are named {keys}."
            )
        order = keys if not isinstance(structure, dict) else sorted(keys, key=structure.__getitem__)
        return [(f"{name}[{k!r}]", as_array(x[k], f"{name}[{k!r}]")) for k in order], structure
    if count == 1:
        if isinstance(x, (list, tuple)) and len(x) == 1 and _are_arrays(x):
            rank = len(inputs[0].shape)
            if len(x[0].shape) >= rank:
                x = x[0]
        return [(name, as_array(x, name))], structure
    if not isinstance(x, (list, tuple)) or len(x) != count:
        received = (
            f"a {type(x).__name__} of {len(x)}"
            if isinstance(x, (list, tuple))
            else f"one {type(x).__name__}"
        )
        raise ValueError(
            f"`{name}` must be a list of {count} arrays, one for each of the model's inputs "
            f"({', '.join(spec.name for spec in inputs)}). Received {received}."
        )
    return [
        (f"{name}[{i}]", as_array(value, f"{name}[{i}]")) for i, value in enumerate(x)
    ], structure


def _check_sample_shape(array: np.ndarray, name: str, spec: InputSpec) -> None:
    """Raises unless the samples have the shape of the input, give or take a last axis of 1."""
    expected = spec.shape
    shape = array.shape
    if shape[1:] == expected[1:]:
        return
    if len(shape) == len(expected) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    elif len(shape) == len(expected) - 1 and expected[-1] == 1:
        shape = (*shape, 1)
    fits = len(shape) == len(expected) and all(
        want is None or want == have for want, have in zip(expected[1:], shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"`{name}` has shape {array.shape}: samples of shape {array.shape[1:]}. The model's "
            f"input '{spec.name}' expects samples of shape {tuple(expected[1:])}. Reshape the data "
            "or change the model's Input."
        )
