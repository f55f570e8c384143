"""Whether targets are fit for the loss that is to read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import losses
from hotloop.graph import has_nan

Check = Callable[[np.ndarray], None]


def target_check(
    loss: Any, shape: tuple[int, ...], output_shape: tuple[int, ...], name: str = "y"
) -> Check | None:
    """What every array of targets of this `shape` has to pass; None if any will do.

    `output_shape` is that of the predictions, batch first. Sparse crossentropy indexes with its
    labels, so every one is looked at: whole, no NaN, inside `[0, classes)` or equal to
    `ignore_class`. No crossentropy takes NaN. What the check raises is a `ValueError` that names
    the argument, what it holds and how to mend it.

    Raises:
        ValueError: the shape does not suit `loss`, with the same in its message.
    """
    if _is(loss, *_SPARSE):
        classes = _check_sparse(loss, shape, output_shape, name)
        ignored = getattr(loss, "ignore_class", None)
        return lambda y: losses.check_class_labels(y, classes, ignored, name)
    if _is(loss, *_CATEGORICAL):
        _check_categorical(loss, shape, output_shape, name)
    elif not _is(loss, *_BINARY):
        return None
    return lambda y: _check_no_nan(y, name)


# Classes and functions of one kind of targets, by name: they need not all be loaded.
_SPARSE = (
    "SparseCategoricalCrossentropy",
    "sparse_categorical_crossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "categorical_generalized_cross_entropy",
)
_CATEGORICAL = (
    "CategoricalCrossentropy",
    "categorical_crossentropy",
    "CategoricalFocalCrossentropy",
    "categorical_focal_crossentropy",
)
_BINARY = (
    "BinaryCrossentropy",
    "binary_crossentropy",
    "BinaryFocalCrossentropy",
    "binary_focal_crossentropy",
)


def _is(loss: Any, *kinds: str) -> bool:
    """Whether the loss, a class that it derives from, or its function is one of these."""
    made_of = (*type(loss).__mro__, getattr(loss, "fn", None))
    return any(
        getattr(one, "__name__", None) in kinds and losses.is_loss_type(one) for one in made_of
    )


def _check_no_nan(y: np.ndarray, name: str) -> None:
    if y.dtype.kind == "f" and has_nan(y):
        row = int(np.argwhere(np.isnan(y))[0][0])
        raise ValueError(f"`{name}` has NaN among its labels, first in sample {row}.")


def _check_sparse(
    loss: Any, shape: tuple[int, ...], output_shape: tuple[int, ...], name: str
) -> int:
    """The number of classes."""
    axis = getattr(loss, "axis", -1) % len(output_shape)
    expected = tuple(output_shape[1:axis] + output_shape[axis + 1 :])
    sample = shape[1:]
    if sample not in (expected, (*expected, 1)):
        hint = ""
        if sample == tuple(output_shape[1:]):
            hint = (
                " These look like one-hot rows: use loss='categorical_crossentropy', or pass "
                f"{name}.argmax(-1)."
            )
        raise ValueError(
            f"`{name}` has shape {shape}, but the loss '{loss.name}' expects one class "
            f"number per prediction, shape {('samples', *expected)}, for predictions of shape "
            f"{('samples', *output_shape[1:])}.{hint}"
        )
    return output_shape[axis]


def _check_categorical(
    loss: Any, shape: tuple[int, ...], output_shape: tuple[int, ...], name: str
) -> None:
    if shape[1:] == tuple(output_shape[1:]):
        return
    hint = ""
    if shape[1:] in ((), (1,)):
        hint = (
            " These look like class numbers: use loss='sparse_categorical_crossentropy', or pass "
            f"hotloop.utils.to_categorical({name}, {output_shape[-1]})."
        )
    raise ValueError(
        f"`{name}` has shape {shape}, but the loss '{loss.name}' expects the shape of the "
        f"predictions, {('samples', *output_shape[1:])}.{hint}"
    )
