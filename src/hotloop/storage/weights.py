"""`save_weights` and `load_weights`.

A file of weights holds one tensor per weight, called after the place of its layer in the model:
`model/dense_1/kernel` is the weight `kernel` of the second `Dense`. Layers are counted by class
inside whatever holds them, as in Keras's files of weights, so that the names are the same in
every process, whatever the layers are called. A compiled model whose optimizer is built adds the
optimizer's variables as `optimizer/0`, `optimizer/1`, …, and the metadata entry `optimizer`, the
name of its class.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from hotloop.graph import Variable
from hotloop.layers.refused_methods import STORE, refuse_overrides
from hotloop.ops.naming import to_snake_case
from hotloop.storage.tensors import read_tensors, write_tensors

_SUFFIX = ".safetensors"
# How layers of programs for Keras keep their state in its files.
_OWN_STORAGE = ("save_own_variables", "load_own_variables", "save_assets", "load_assets")
_SHOWN = 8  # names per list in a message
_AUTOMATIC = re.compile(r"variable(_\d+)?")


def weight_names(model: Any) -> dict[str, Variable]:
    """The weights of a model (or layer) by their names in files."""
    names: dict[str, Variable] = {}
    seen: set[int] = set()
    pending = [("model", model)]
    while pending:
        prefix, layer = pending.pop()
        taken: dict[str, int] = {}
        for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
            # A name that counts all variables of the process would be another one next time.
            automatic = _AUTOMATIC.fullmatch(variable.name)
            key = _next("variable" if automatic else variable.name.replace("/", "_"), taken)
            if id(variable) not in seen:
                seen.add(id(variable))
                names[f"{prefix}/{key}"] = variable
        inner = [
            (f"{prefix}/{_next(to_snake_case(type(part).__name__), taken)}", part)
            for part in layer._layers
            if part._collect(lambda x: x._trainable_variables + x._non_trainable_variables)
        ]
        # Depth first, in order; a layer that is used twice is called after its first place.
        pending += [item for item in reversed(inner) if id(item[1]) not in seen]
        seen.update(id(part) for _, part in inner)
    return names


def _next(name: str, taken: dict[str, int]) -> str:
    """`name`, `name_1`, … whichever comes next."""
    count = taken.get(name, 0)
    taken[name] = count + 1
    return _next(f"{name}_{count}", taken) if count else name


def optimizer_names(optimizer: Any) -> dict[str, Variable]:
    """The variables of an optimizer by their names in files."""
    return {f"optimizer/{i}": variable for i, variable in enumerate(optimizer.variables)}


def save_weights(model: Any, filepath: Any, overwrite: bool, max_shard_size: Any) -> None:
    """See `Model.save_weights`."""
    path = check_path(filepath, "save_weights")
    if max_shard_size is not None:
        raise NotImplementedError(
            "save_weights() writes one file. Leave `max_shard_size` at None. Received: "
            f"max_shard_size={max_shard_size!r}"
        )
    _check_built(model, "save_weights")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(
            f"{path!r} exists, and save_weights() was called with overwrite=False. Pass another "
            "path, or overwrite=True."
        )
    variables = weight_names(model)
    notes = {}
    optimizer = model.optimizer
    if optimizer is not None and optimizer.built:
        variables.update(optimizer_names(optimizer))
        notes["optimizer"] = type(optimizer).__name__
    tensors = {name: variable.numpy() for name, variable in variables.items()}
    write_tensors(path, "weights", tensors, notes)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool, others: Mapping[str, Any]) -> None:
    """See `Model.load_weights`."""
    path = check_path(filepath, "load_weights")
    if others:
        raise ValueError(
            f"load_weights() does not take {', '.join(others)}: weights are matched by the places "
            "of their layers in the model. `skip_mismatch=True` loads what fits."
        )
    _check_built(model, "load_weights")
    tensors, metadata = read_tensors(path, "weights")
    variables = weight_names(model)
    slots = {name: tensors.pop(name) for name in list(tensors) if name.startswith("optimizer/")}
    problems = compare(variables, tensors)
    if problems and not skip_mismatch:
        raise ValueError(
            f"The weights in {path!r} do not fit model '{model.name}', which was left as it was. "
            f"{describe(problems)} `skip_mismatch=True` loads the layers that fit."
        )
    if problems:
        skipped = {_layer(name) for names in problems.values() for name in names}
        variables = {name: v for name, v in variables.items() if _layer(name) not in skipped}
        warnings.warn(
            f"Some layers of model '{model.name}' keep their weights, because those in {path!r} "
            f"do not fit. {describe(problems)}",
            stacklevel=4,
        )
    for name, variable in variables.items():
        variable.assign(tensors[name])
    if slots:
        _load_optimizer(model, slots, metadata.get("optimizer"))


def _load_optimizer(model: Any, slots: dict[str, np.ndarray], kind: str | None) -> None:
    """The optimizer's state, if the model is compiled with the same kind."""
    optimizer = model.optimizer
    if optimizer is None:
        return
    if type(optimizer).__name__ != kind:
        warnings.warn(
            f"The optimizer keeps its state: the file holds that of {kind}, and model "
            f"'{model.name}' is compiled with {type(optimizer).__name__}.",
            stacklevel=5,
        )
        return
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    variables = optimizer_names(optimizer)
    problems = compare(variables, slots)
    if problems:
        warnings.warn(
            f"The optimizer keeps its state, because that in the file does not fit. "
            f"{describe(problems)}",
            stacklevel=5,
        )
        return
    for name, variable in variables.items():
        variable.assign(slots[name])


def compare(
    variables: Mapping[str, Variable], tensors: Mapping[str, np.ndarray]
) -> dict[str, dict[str, str]]:
    """What keeps `tensors` from being assigned to `variables`: name and detail, by kind."""
    problems: dict[str, dict[str, str]] = {
        "Missing in the file": {name: name for name in variables if name not in tensors},
        "Not in the model": {name: name for name in tensors if name not in variables},
        "Other shapes": {},
        "Other dtypes": {},
    }
    for name, variable in variables.items():
        tensor = tensors.get(name)
        if tensor is None:
            continue
        if tensor.shape != variable.shape:
            detail = f"{name} {tensor.shape} in the file, {variable.shape} in the model"
            problems["Other shapes"][name] = detail
        elif tensor.dtype.name != variable.dtype:
            detail = f"{name} {tensor.dtype.name} in the file, {variable.dtype} in the model"
            problems["Other dtypes"][name] = detail
    return {kind: names for kind, names in problems.items() if names}


def describe(problems: Mapping[str, Mapping[str, str]]) -> str:
    """What `compare` found, as sentences."""
    return " ".join(f"{kind}: {_some(names.values())}." for kind, names in problems.items())


def _some(details: Iterable[str]) -> str:
    listed: Sequence[str] = sorted(details)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return "; ".join(listed[:_SHOWN]) + more


def _layer(name: str) -> str:
    return name.rpartition("/")[0]


def check_path(filepath: Any, method: str) -> str:
    """`filepath` as a string that ends in `.safetensors`."""
    try:
        path = os.fspath(filepath)
    except TypeError:
        raise TypeError(
            f"{method}() expects a path as `filepath`. Received: {filepath!r} (of type "
            f"{type(filepath).__name__})"
        ) from None
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not path.endswith(_SUFFIX):
        _refuse_path(path, method)
    return path


def _refuse_path(path: str, method: str) -> NoReturn:
    keras = path.endswith((".h5", ".hdf5", ".keras", ".weights.json"))
    why = "Keras's own formats are not read or written" if keras else "weights are kept in one"
    raise ValueError(
        f"The `filepath` of {method}() must end in '{_SUFFIX}', the format of that name: {why}. "
        f"Received: filepath={path!r}"
    )


def _check_built(model: Any, method: str) -> None:
    if not model.built:
        raise ValueError(
            f"Model '{model.name}' has no weights yet, so {method}() cannot find their places. "
            "Build it first: call it on a batch, or model.build(input_shape)."
        )
    for layer in model._flatten_layers():
        refuse_overrides(layer, *_OWN_STORAGE, instead=STORE)
