"""What a call knows of the calls around it, per thread: training mode, entry layer, name path."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class CallContext:
    """One outermost layer call and everything called from within it.

    `training` is the mode that nested layers inherit unless they are told otherwise.
    """

    __slots__ = ("entry_layer", "training")

    def __init__(self, entry_layer: Any) -> None:
        self.entry_layer = entry_layer
        self.training: Any = None


class _Local(threading.local):
    def __init__(self) -> None:
        self.call: CallContext | None = None
        self.scopes: list[Any] = []
        self.tracking = True


local = _Local()


@contextmanager
def name_scope(layer: Any) -> Iterator[None]:
    """Variables made inside belong under `layer.name` in their paths. Re-entering is harmless."""
    scopes = local.scopes
    if scopes and scopes[-1] is layer:
        yield
        return
    scopes.append(layer)
    try:
        yield
    finally:
        scopes.pop()


def current_path() -> str:
    """The names of the layers being built or called, joined by "/"."""
    return "/".join(layer.name for layer in local.scopes)


@contextmanager
def no_tracking() -> Iterator[None]:
    """Attributes set inside are not taken for parts of a layer."""
    before, local.tracking = local.tracking, False
    try:
        yield
    finally:
        local.tracking = before
