"""Checks of the plain arguments of `compile`, `fit`, `evaluate` and `predict`."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Collection
from typing import Any

import numpy as np

from hotloop import _settings


def check_count(value: Any, name: str, *, least: int = 1, optional: bool = False) -> Any:
    """`value` as an int of at least `least`; None passes where `optional`."""
    if value is None and optional:
        return None
    expected = f"an integer of at least {least}" + (" or None" if optional else "")
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(
            f"`{name}` must be {expected}. Received: {name}={value!r} (of type "
            f"{type(value).__name__})"
        ) from None
    if count < least:
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    return count


def limit_epochs(epochs: int) -> int:
    """`epochs`, or as many as `config.set_max_epochs` allows."""
    limit = _settings.get("max_epochs")
    if limit is None or epochs <= limit:
        return epochs
    warnings.warn(f"Limiting epochs to {limit}, as config.set_max_epochs says.", stacklevel=3)
    return limit


def limit_steps(steps: int | None, available: int | None) -> int | None:
    """`steps` (None: all `available`), or what `config.set_max_steps_per_epoch` allows."""
    limit = _settings.get("max_steps_per_epoch")
    wanted = steps or available
    if limit is None or (wanted is not None and wanted <= limit):
        return steps
    warnings.warn(
        f"Limiting steps to {limit}, as config.set_max_steps_per_epoch says.", stacklevel=3
    )
    return limit


def check_verbose(value: Any) -> Any:
    """`verbose` as `"auto"`, 0, 1 or 2."""
    if isinstance(value, str) and value == "auto":
        return value
    if isinstance(value, (bool, np.bool_, int, np.integer)) and int(value) in (0, 1, 2):
        return int(value)
    raise ValueError(
        f"`verbose` must be 'auto', 0 (silent), 1 (progress bar) or 2 (one line per epoch). "
        f"Received: verbose={value!r}"
    )


def check_shuffle(value: Any) -> bool | str:
    """`shuffle` as a bool or `"batch"`."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, str) and value == "batch":
        return value
    raise ValueError(f"`shuffle` must be True, False or 'batch'. Received: shuffle={value!r}")


def check_validation_split(value: Any) -> float:
    """`validation_split` as a float; 0 and None mean no split."""
    if value is None:
        return 0.0
    try:
        split = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"`validation_split` must be a number between 0 and 1. Received: {value!r} (of type "
            f"{type(value).__name__})"
        ) from None
    if not 0.0 <= split < 1.0:
        raise ValueError(
            "`validation_split` must be between 0 and 1 (the share of the samples to hold back). "
            f"Received: validation_split={value!r}"
        )
    return split


def check_validation_freq(value: Any) -> int | frozenset[int]:
    """`validation_freq` as a period, or as the set of epochs (counted from 1) to validate after."""
    if isinstance(value, Collection) and not isinstance(value, (str, bytes)):
        return frozenset(check_count(epoch, "validation_freq[...]") for epoch in value)
    return check_count(value, "validation_freq")


def is_validation_epoch(epoch: int, freq: int | frozenset[int]) -> bool:
    """Whether to validate after `epoch`, counted from 0."""
    return (epoch + 1) in freq if isinstance(freq, frozenset) else (epoch + 1) % freq == 0
