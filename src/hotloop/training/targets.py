"""Whether targets are fit for the loss that is to read them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop import losses


def check_targets(loss: Any, y: np.ndarray, output_shape: tuple[int, ...], name: str = "y") -> None:
    """Raises unless `y` suits `loss` for predictions of `output_shape` (batch first).

    Sparse crossentropy indexes with its labels, so every one is looked at: whole, no NaN, inside
    `[0, classes)` or equal to `ignore_class`.

    Raises:
        ValueError: naming the argument, what it holds and how to mend it.
    """
    if isinstance(loss, losses.SparseCategoricalCrossentropy) or _wraps(
        loss, losses.sparse_categorical_crossentropy
    ):
        _check_sparse(y, output_shape, name, getattr(loss, "ignore_class", None))
    elif isinstance(loss, losses.CategoricalCrossentropy) or _wraps(
        loss, losses.categorical_crossentropy
    ):
        _check_categorical(y, output_shape, name)


def _wraps(loss: Any, function: Any) -> bool:
    return getattr(loss, "fn", None) is function


def _check_sparse(
    y: np.ndarray, output_shape: tuple[int, ...], name: str, ignore_class: int | None
) -> None:
    expected = tuple(output_shape[1:-1])
    sample = y.shape[1:]
    if sample not in (expected, (*expected, 1)):
        hint = ""
        if sample == tuple(output_shape[1:]):
            hint = (
                " These look like one-hot rows: use loss='categorical_crossentropy', or pass "
                f"{name}.argmax(-1)."
            )
        raise ValueError(
            f"`{name}` has shape {y.shape}, but sparse_categorical_crossentropy expects one class "
            f"number per prediction, shape {('samples', *expected)}, for predictions of shape "
            f"{('samples', *output_shape[1:])}.{hint}"
        )
    losses.check_class_labels(y, output_shape[-1], ignore_class, name)


def _check_categorical(y: np.ndarray, output_shape: tuple[int, ...], name: str) -> None:
    if y.shape[1:] == tuple(output_shape[1:]):
        return
    hint = ""
    if y.shape[1:] in ((), (1,)):
        hint = (
            " These look like class numbers: use loss='sparse_categorical_crossentropy', or pass "
            f"hotloop.utils.to_categorical({name}, {output_shape[-1]})."
        )
    raise ValueError(
        f"`{name}` has shape {y.shape}, but categorical_crossentropy expects the shape of the "
        f"predictions, {('samples', *output_shape[1:])}.{hint}"
    )
