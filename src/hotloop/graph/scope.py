"""Scopes: what reading and assigning a variable means, and whether eager tensors keep a tape."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from hotloop.graph.tensor import Tensor
    from hotloop.graph.variable import Variable


class _Scopes(threading.local):
    """The scopes of this thread, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Scope] = []


scopes = _Scopes()
_serial = itertools.count(1)


class Scope:
    """Context in which variables are read once and assignments are collected.

    `symbolic=True` traces: variables read as symbolic leaves and nothing is written.
    `symbolic=False` keeps the eager tape, so that `gradients` works on values; assignments become
    real when the block ends without an exception, and vanish otherwise.

    `reads[variable]` is the leaf tensor of the first read, `updates[variable]` the pending value.
    Scopes belong to the thread that enters them.
    """

    __slots__ = ("reads", "serial", "symbolic", "updates")

    def __init__(self, symbolic: bool):
        self.symbolic = symbolic
        self.reads: dict[Variable, Tensor] = {}
        self.updates: dict[Variable, Tensor] = {}
        self.serial = next(_serial)

    def __enter__(self) -> Scope:
        scopes.stack.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        scopes.stack.remove(self)
        if kind is None and not self.symbolic:
            for variable, value in self.updates.items():
                variable.assign(value)


def current_scope() -> Scope | None:
    """The innermost scope of this thread, or None."""
    stack = scopes.stack
    return stack[-1] if stack else None


def symbolic_scope() -> Scope | None:
    """The innermost scope of this thread if it traces, or None."""
    stack = scopes.stack
    return stack[-1] if stack and stack[-1].symbolic else None
