"""The arrays of one `fit`, `evaluate` or `predict`: checked against each other, converted."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from hotloop.common.foreign import is_mapping
from hotloop.ops import tree
from hotloop.training.arrays import as_array, is_streaming, to_lanes


class InputSpec:
    """What the model expects of one of its inputs: `shape` with the batch first, None unknown.

    An `optional` input may be None.
    """

    __slots__ = ("dtype", "name", "optional", "shape")

    def __init__(
        self, name: str, shape: tuple[int | None, ...], dtype: str, optional: bool = False
    ) -> None:
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.optional = optional


class Data:
    """Arrays of equal length, ready for a plan; not to be changed.

    `arrays` are C-contiguous float32 or int32, in the order in which a step takes them.
    `structure` is `(x, y, sample_weight)` the way the model's methods see them, with positions in
    `arrays` as leaves and None where there is nothing; several leaves may share an array. `layout`
    is what the graph of a step depends on besides the model and the batch size.
    """

    __slots__ = ("arrays", "layout", "samples", "structure")

    def __init__(self, arrays: list[np.ndarray], structure: tuple[Any, Any, Any]) -> None:
        self.arrays = arrays
        self.structure = structure
        self.samples: int = arrays[0].shape[0]
        self.layout: Hashable = (
            repr(structure),
            *[(array.shape[1:], array.dtype) for array in arrays],
        )

    def rows(self, start: int, stop: int) -> Data:
        """Samples start … stop-1, without copying."""
        return Data([array[start:stop] for array in self.arrays], self.structure)

    def pack(self, flat: Sequence[Any]) -> tuple[Any, Any, Any]:
        """`(x, y, sample_weight)` of what corresponds to each of `arrays`."""
        return pack_positions(self.structure, flat)

    @property
    def x(self) -> Any:
        """The inputs, in the structure that the model is called with."""
        return self.pack(self.arrays)[0]

    @property
    def y(self) -> Any:
        """The targets: an array, a structure of them, or None."""
        return self.pack(self.arrays)[1]

    @property
    def sample_weight(self) -> Any:
        """The weights: an array, a structure like that of the targets, or None."""
        return self.pack(self.arrays)[2]


def pack_positions(structure: Any, flat: Sequence[Any]) -> Any:
    """`structure` with each position among its leaves replaced by that element of `flat`."""
    return tree.map_structure(lambda i: None if i is None else flat[i], structure)


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
        y: targets, or a structure of them for a model with several outputs, or None.
        sample_weight: weights `(samples,)` or as the loss broadcasts them, or a structure of them
            like that of `y`, or None. One array `(samples,)` serves all outputs.
        inputs: what the model expects, where it knows.
        input_structure: the structure in which the model takes its inputs, where it knows.
        names: what the arguments are called in messages.

    Raises:
        TypeError, ValueError, NotImplementedError: naming the argument; see `as_array`.
    """
    x_name, y_name, w_name = names
    flat_x, structure, specs = _take_x(x, x_name, inputs, input_structure)
    named = list(flat_x)
    y_structure = _take_structure(y, y_name, named)
    w_structure = _take_weights(sample_weight, w_name, y_structure, named)
    if len({array.shape[0] for _, array in named}) > 1:
        lengths = {name: array.shape[0] for name, array in named}
        sizes = ", ".join(f"`{name}` has {count}" for name, count in lengths.items())
        raise ValueError(
            "Data cardinality is ambiguous: all arrays must have the same number of samples, but "
            f"{sizes}."
        )
    weights = {i for i in tree.flatten(w_structure) if i is not None}
    arrays = []
    for position, (name, array) in enumerate(named):
        dtype = None
        if position < len(specs):
            _check_sample_shape(array, name, specs[position])
            dtype = specs[position].dtype
        elif position in weights:
            dtype = "float32"
        arrays.append(to_lanes(array, name, dtype))
    return Data(arrays, (structure, y_structure, w_structure))


def _take_structure(value: Any, name: str, named: list[tuple[str, np.ndarray]]) -> Any:
    """Appends the arrays in `value` to `named`; returns its structure of positions."""
    if value is None:
        return None
    if is_mapping(value):
        if not value:
            raise ValueError(f"`{name}` is an empty dictionary. Pass at least one array.")
        return {
            key: _take_structure(part, f"{name}[{key!r}]", named) for key, part in value.items()
        }
    if is_nest_of_arrays(value):
        parts = [_take_structure(part, f"{name}[{i}]", named) for i, part in enumerate(value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    named.append((name, as_array(value, name)))
    return len(named) - 1


def is_nest_of_arrays(value: Any) -> bool:
    """True for a list or tuple of arrays (as opposed to one of numbers, or of lists of them)."""
    if not isinstance(value, (list, tuple)) or not value:
        return False
    leaves = [is_mapping(part) or is_nest_of_arrays(part) or _is_array(part) for part in value]
    return any(leaves) and all(
        leaf or part is None for leaf, part in zip(leaves, value, strict=True)
    )


def _is_array(value: Any) -> bool:
    return len(getattr(value, "shape", None) or ()) > 0


def _take_weights(
    value: Any, name: str, y_structure: Any, named: list[tuple[str, np.ndarray]]
) -> Any:
    """`_take_structure` for sample weights: of the structure of the targets where those nest."""
    structure = _take_structure(value, name, named)
    if structure is None:
        return None
    if not tree.is_nested(y_structure):
        if isinstance(structure, (list, tuple)) and len(structure) == 1:
            structure = structure[0]
        if tree.is_nested(structure):
            raise ValueError(
                f"`{name}` has several arrays, but the targets are one array. Pass one array of "
                "weights."
            )
        return structure
    if not tree.is_nested(structure):
        shape = named[structure][1].shape
        if len(tree.flatten(y_structure)) > 1 and len(shape) > 1 and shape[1:] != (1,):
            raise ValueError(
                f"`{name}` has shape {shape}: one array of weights for several outputs must hold "
                "one number per sample, shape (samples,). Pass one array per output, in the "
                "structure of `y`."
            )
        return tree.map_structure(lambda _: structure, y_structure)
    try:
        if isinstance(structure, dict) and isinstance(y_structure, dict):
            # Outputs that are not named weigh the same for all samples.
            structure = {**dict.fromkeys(y_structure), **structure}
        elif isinstance(y_structure, (list, tuple)) and isinstance(structure, (list, tuple)):
            structure = type(y_structure)(structure)
        tree.assert_same_structure(y_structure, structure)
    except ValueError:
        raise ValueError(
            f"`{name}` must have one array per output, in the structure of the targets. Received "
            f"{name} of structure {tree.map_structure(lambda _: '*', structure)} for targets of "
            f"structure {tree.map_structure(lambda _: '*', y_structure)}."
        ) from None
    return structure


def unpack_validation_data(
    validation_data: Any,
) -> tuple[tuple[Any, Any, Any], tuple[str, str, str]]:
    """`(x, y)` or `(x, y, sample_weight)` or a source as three values, and their names."""
    if is_streaming(validation_data):
        return (validation_data, None, None), ("validation_data",) * 3
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (1, 2, 3):
        count = f" of length {len(validation_data)}" if hasattr(validation_data, "__len__") else ""
        raise ValueError(
            "`validation_data` must be a tuple (x, y) or (x, y, sample_weight), or a source of "
            "batches such as a PyDataset or a generator. Received: "
            f"{type(validation_data).__name__}{count}"
        )
    x, y, sample_weight = (*validation_data, None, None)[:3]
    return (x, y, sample_weight), (
        "validation_data[0]",
        "validation_data[1]",
        "validation_data[2]",
    )


def _are_arrays(values: Any) -> bool:
    """True for a list of arrays (as opposed to a list of numbers, or of lists of them)."""
    return all(hasattr(value, "shape") and len(value.shape) > 0 for value in values)


Taken = tuple[list[tuple[str, np.ndarray]], Any, list[InputSpec]]


def _take_x(x: Any, name: str, inputs: list[InputSpec] | None, input_structure: Any) -> Taken:
    """Named flat arrays, the structure (positions as leaves) that the model is called with, and
    what the model expects of each array, where it knows.
    """
    if x is None:
        raise ValueError(f"`{name}` is missing: pass an array of samples.")
    if inputs is not None:
        return _take_known_inputs(x, name, inputs, input_structure)
    flat: list[tuple[str, np.ndarray]] = []
    return flat, _take_structure(x, name, flat), []


def _take_known_inputs(x: Any, name: str, inputs: list[InputSpec], input_structure: Any) -> Taken:
    found = _walk(input_structure, x, name)
    if found is None and is_mapping(x):
        names = [spec.name for spec in inputs]
        if isinstance(input_structure, dict) or not set(names) <= set(x):
            keys = sorted(input_structure) if isinstance(input_structure, dict) else names
            raise ValueError(
                f"`{name}` is a dictionary with the keys {sorted(map(str, x))}, but the model's "
                f"inputs are named {keys}."
            )
        found = [(f"{name}[{key!r}]", x[key]) for key in names]
    elif found is None and len(inputs) == 1:
        if isinstance(x, (list, tuple)) and len(x) == 1 and _are_arrays(x):
            rank = len(inputs[0].shape)
            if len(x[0].shape) >= rank:
                x = x[0]
        found = [(name, x)]
    elif found is None and isinstance(x, (list, tuple)) and len(x) == len(inputs):
        found = [(f"{name}[{i}]", part) for i, part in enumerate(x)]
    if found is None:
        received = (
            f"a {type(x).__name__} of {len(x)}"
            if isinstance(x, (list, tuple))
            else f"one {type(x).__name__}"
        )
        raise ValueError(
            f"`{name}` must be a list of {len(inputs)} arrays, one for each of the model's inputs "
            f"({', '.join(spec.name for spec in inputs)}). Received {received}."
        )
    flat: list[tuple[str, np.ndarray]] = []
    specs: list[InputSpec] = []
    positions: list[int | None] = []
    for (label, value), spec in zip(found, inputs, strict=True):
        if value is None and spec.optional:
            positions.append(None)
            continue
        positions.append(len(flat))
        flat.append((label, as_array(value, label)))
        specs.append(spec)
    if not flat:
        raise ValueError(f"`{name}` has no array at all: every input is None.")
    return flat, tree.pack_sequence_as(input_structure, positions), specs


def _walk(structure: Any, x: Any, name: str) -> list[tuple[str, Any]] | None:
    """The parts of `x` for the leaves of `structure`, named; None if they nest differently."""
    if isinstance(structure, dict):
        if not is_mapping(x) or set(x) != set(structure):
            return None
        keys = tree.flatten({key: key for key in structure})
    elif isinstance(structure, (list, tuple)):
        if not isinstance(x, (list, tuple)) or len(x) != len(structure):
            return None
        if len(structure) == 1 and not _are_arrays(x) and not tree.is_nested(structure[0]):
            return None  # a list of numbers for the only input
        keys = list(range(len(structure)))
    else:
        # A dictionary or a list of arrays goes by names, or is unpacked.
        unpacked = is_mapping(x) or (isinstance(x, (list, tuple)) and is_nest_of_arrays(x))
        return None if unpacked else [(name, x)]
    parts: list[tuple[str, Any]] = []
    for key in keys:
        part = _walk(structure[key], x[key], f"{name}[{key!r}]")
        if part is None:
            return None
        parts += part
    return parts


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


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """What `train_step` and its like are given.

    `x` alone where there are no targets (in a tuple if it is a list or tuple itself), else `(x, y)`
    or `(x, y, sample_weight)`.
    """
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (list, tuple)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` of what a step was given; None for what is not there.

    Raises `ValueError` for a tuple that is longer than three.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) not in (1, 2, 3):
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`. "
            f"Received a tuple of {len(data)}."
        )
    return (*data, None, None)[:3]
