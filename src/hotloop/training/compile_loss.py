"""The losses given to `compile`, resolved once targets and predictions are known."""

from __future__ import annotations

from typing import Any

from hotloop import losses, ops
from hotloop import metrics as metrics_module
from hotloop.common.registry import to_snake_case
from hotloop.ops import tree
from hotloop.training.outputs import Path, align, at_path, paths_of


class OutputLoss:
    """One loss on the part of the outputs at `path`; `weight` is None or a number."""

    __slots__ = ("loss", "name", "path", "weight")

    def __init__(self, path: Path, loss: Any, weight: float | None, name: str) -> None:
        self.path = path
        self.loss = loss
        self.weight = weight
        self.name = name


class _Wanted:
    """What `compile` was given for one output; `loss` is resolved unless it depends on shapes.

    For `tree` it is a leaf.
    """

    __slots__ = ("loss", "weight")

    def __init__(self, loss: Any, weight: float | None) -> None:
        self.loss = loss
        self.weight = weight


class CompileLoss:
    """The losses of a model's outputs, times optional weights.

    Args:
        loss: string, `Loss`, loss class or callable `fn(y_true, y_pred)` for every output, or a
            list or dictionary of these by output; None for an output without a loss.
        loss_weights: None, a number, or numbers in the structure of `loss`.
        output_names: names of the model's outputs, where it knows them.
    """

    def __init__(self, loss: Any, loss_weights: Any, output_names: list[str] | None) -> None:
        self.output_names = output_names
        # Resolved at once, so that a misspelt name fails in `compile`.
        self._loss = _resolve_all(loss)
        self._weights = _check_weights(loss_weights)
        if self._weights is not None:
            _pair(self._loss, self._weights, output_names)
        if not any(leaf is not None for leaf in tree.flatten(self._loss)):
            raise ValueError(f"`loss` has no loss for any output. Received: loss={loss!r}")
        self.entries: list[OutputLoss] = []
        # One mean per loss, where there are several.
        self.metrics: list[Any] = []
        self.built = False

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Finds the loss of every output, from anything with the shapes of `y_true` and `y_pred`.

        Raises:
            ValueError: `loss` and `loss_weights` do not fit the outputs, or a target is missing.
        """
        wanted = _find(self._loss, self._weights, y_pred, self.output_names)
        aligned = self._align(y_true, y_pred, wanted)
        entries = []
        for path, entry, output_name in wanted:
            truth, prediction = at_path(aligned, path), at_path(y_pred, path)
            if any(leaf is None for leaf in tree.flatten(truth)):
                raise ValueError(
                    f"`y` has no targets for the output {_describe(path, output_name)}, which has "
                    "a loss. Pass targets for it, or None as its loss."
                )
            loss = entry.loss
            if isinstance(loss, str):
                loss = _resolve(_crossentropy_for(tuple(truth.shape), tuple(prediction.shape)))
            name = _entry_name(path, output_name, loss)
            entries.append(OutputLoss(path, loss, entry.weight, name))
        if len(entries) > 1 and [m.name for m in self.metrics] != [
            f"{entry.name}_loss" for entry in entries
        ]:
            self.metrics = [metrics_module.Mean(name=f"{entry.name}_loss") for entry in entries]
        self.entries = entries
        self.built = True

    def align(self, y_true: Any, y_pred: Any, name: str = "y") -> Any:
        """Targets, or what belongs to them, in the structure of the outputs."""
        wanted = _find(self._loss, self._weights, y_pred, self.output_names)
        return self._align(y_true, y_pred, wanted, name)

    def _align(self, y_true: Any, y_pred: Any, wanted: Any, name: str = "y") -> Any:
        with_loss = {
            (*path, *rest) for path, _, _ in wanted for rest in paths_of(at_path(y_pred, path))
        }
        flags = [path in with_loss for path in paths_of(y_pred)]
        return align(y_true, y_pred, flat_names(self.output_names, y_pred), flags, name)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum of the losses of one batch: a float32 scalar. Updates `metrics`."""
        self.build(y_true, y_pred)
        truths = self.align(y_true, y_pred)
        weights = sample_weight
        if tree.is_nested(sample_weight):
            weights = self.align(sample_weight, y_pred, "sample_weight")
        total = None
        for index, entry in enumerate(self.entries):
            truth, prediction = at_path(truths, entry.path), at_path(y_pred, entry.path)
            weight = at_path(weights, entry.path) if tree.is_nested(weights) else weights
            value = _evaluate(entry.loss, truth, prediction, weight)
            if self.metrics:
                batch = float(tree.flatten(prediction)[0].shape[0])
                self.metrics[index].update_state(value, ops.convert_to_tensor(batch))
            if entry.weight is not None:
                value = value * entry.weight
            total = value if total is None else total + value
        return total


def flat_names(output_names: Any, y_pred: Any) -> list[str] | None:
    """The names of the outputs in the order of `tree.flatten(y_pred)`, where they are known."""
    if not output_names or len(output_names) != len(tree.flatten(y_pred)):
        return None
    return list(output_names)


def _evaluate(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
    try:
        return ops.cast(loss(y_true, y_pred, sample_weight), "float32")
    except ValueError as error:
        weight = ""
        if sample_weight is not None:
            weight = f", with `sample_weight` of shape {_shapes(sample_weight)}"
        raise ValueError(
            f"The loss '{loss.name}' cannot compare `y` of shape {_shapes(y_true)} to predictions "
            f"of shape {_shapes(y_pred)}{weight}: {error}"
        ) from error


def _shapes(structure: Any) -> Any:
    return tree.map_structure(lambda leaf: tuple(leaf.shape), structure)


def _find(
    loss: Any, weights: Any, y_pred: Any, output_names: list[str] | None
) -> list[tuple[Path, _Wanted, str | None]]:
    """Path, loss and output name for everything that has a loss."""
    names = flat_names(output_names, y_pred)
    if names and isinstance(loss, dict) and not isinstance(y_pred, dict):
        if set(loss) != set(names):
            raise ValueError(f"Expected keys {names} in loss dict, but found keys {list(loss)}.")
        loss = [loss[name] for name in names]
    if weights is None:
        spec = tree.map_structure(lambda one: None if one is None else _Wanted(one, None), loss)
    else:
        spec = tree.pack_sequence_as(loss, _pair(loss, weights, names))
    leaf_names = tree.pack_sequence_as(y_pred, names or [None] * len(tree.flatten(y_pred)))
    if not tree.is_nested(loss):
        spec = tree.map_structure(lambda _: spec, _in_order(y_pred))
    found: list[tuple[Path, _Wanted, str | None]] = []
    _visit(spec, y_pred, leaf_names, (), found)
    return found


def _pair(loss: Any, weights: Any, names: list[str] | None) -> list[_Wanted | None]:
    """The leaves of `loss` with their weights."""
    flat = tree.flatten(loss)
    if isinstance(weights, dict):
        keys = list(names or ())
        if isinstance(loss, dict):
            keys = tree.flatten({key: key for key in loss})
        if set(weights) == set(keys) and len(keys) == len(flat):
            weights = [weights[key] for key in keys]
        elif keys and (isinstance(loss, dict) or len(keys) == len(flat)):
            raise ValueError(
                f"`loss_weights` must have one weight per loss, with the keys {keys}. Received "
                f"the keys {list(weights)}."
            )
    numbers = tree.flatten(weights)
    if len(numbers) != len(flat):
        raise ValueError(
            f"`loss_weights` must match the number of losses, got {len(flat)} losses and "
            f"{len(numbers)} weights."
        )
    return [
        None if one is None else _Wanted(one, number)
        for one, number in zip(flat, numbers, strict=True)
    ]


def _in_order(structure: Any) -> Any:
    """`structure` with its dictionaries in the order of their leaves, in which losses are named."""
    if isinstance(structure, dict):
        keys = tree.flatten({key: key for key in structure})
        return {key: _in_order(structure[key]) for key in keys}
    if isinstance(structure, (list, tuple)):
        return [_in_order(part) for part in structure]
    return structure


def _visit(spec: Any, y_pred: Any, names: Any, path: Path, found: list[Any]) -> None:
    """Walks along losses and outputs at once."""
    if spec is None:
        return
    is_list = isinstance(spec, (list, tuple))
    if is_list and not any(map(tree.is_nested, spec)) and len(spec) == len(tree.flatten(y_pred)):
        spec = tree.pack_sequence_as(_in_order(y_pred), list(spec))
    elif is_list and not isinstance(y_pred, (list, tuple)):
        for one in spec:  # several losses on one output add up
            _visit(one, y_pred, names, path, found)
        return
    if spec is None:
        return
    if isinstance(spec, _Wanted):
        name = names if not tree.is_nested(names) else None
        found.append((path, spec, name))
        return
    for key, one in spec.items() if isinstance(spec, dict) else enumerate(spec):
        fits = (
            isinstance(y_pred, dict) and key in y_pred
            if isinstance(spec, dict)
            else isinstance(y_pred, (list, tuple)) and key < len(y_pred)
        )
        if not fits:
            raise ValueError(
                f"The path {(*path, key)} in `loss` cannot be found in the model's outputs, whose "
                f"structure is {tree.map_structure(lambda _: '*', y_pred)}. Give one loss per "
                "output, in that structure."
            )
        _visit(one, y_pred[key], names[key], (*path, key), found)


def _entry_name(path: Path, output_name: str | None, loss: Any) -> str:
    """The name under which a loss is logged: the keys on its path, or its output's name."""
    last = output_name if output_name is not None else loss.name
    if not path:
        path = (last,)
    elif isinstance(path[-1], int):
        path = (*path[:-1], last)
    return "/".join(map(str, path))


def _describe(path: Path, output_name: str | None) -> str:
    return repr(output_name or "/".join(map(str, path)))


def is_config(value: Any) -> bool:
    """True for a configuration dictionary, as opposed to a dictionary by output."""
    return isinstance(value, dict) and "class_name" in value and "config" in value


def _resolve_all(loss: Any) -> Any:
    if isinstance(loss, dict) and not is_config(loss):
        return {key: _resolve_all(one) for key, one in loss.items()}
    if isinstance(loss, (list, tuple)):
        return [_resolve_all(one) for one in loss]
    if loss is None or _is_crossentropy(loss):
        return loss
    return _resolve(loss)


def _check_weights(weights: Any) -> Any:
    def number(weight: Any) -> float | None:
        if weight is None:
            return None
        try:
            return float(weight)
        except (TypeError, ValueError):
            raise TypeError(
                "`loss_weights` must be a number, or a list or dictionary of numbers by output. "
                f"Received: loss_weights={weights!r}"
            ) from None

    return None if weights is None else tree.map_structure(number, weights)


def _is_crossentropy(identifier: Any) -> bool:
    """True for the strings that stand for the crossentropy that suits the shapes."""
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


def _crossentropy_for(true_shape: tuple[int, ...], pred_shape: tuple[int, ...]) -> str:
    if pred_shape[-1] == 1:
        return "binary_crossentropy"
    if len(true_shape) < len(pred_shape) or true_shape[-1] == 1:
        return "sparse_categorical_crossentropy"
    return "categorical_crossentropy"


def _resolve(identifier: Any) -> Any:
    found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    name = identifier if isinstance(identifier, str) else _function_name(found)
    return losses.LossFunctionWrapper(found, name=name)


def _function_name(function: Any) -> str:
    name = getattr(function, "name", None)
    if isinstance(name, str):
        return name
    return to_snake_case(getattr(function, "__name__", type(function).__name__))
