"""Calls of a model on values that are like the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hotloop._native import Repeat
from hotloop.graph.changes import structure
from hotloop.graph.scope import scopes


def repeat(
    seen: object,
    training: bool | None,
    context: Any,
    call: Callable[[tuple[Any, ...]], Sequence[Any] | None],
    pack: Callable[[Any], Any],
    make: Callable[[Any], Any] | None,
) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    """What serves the next calls as the last one was served.

    It takes the arguments and keyword arguments, and returns NotImplemented for calls on anything
    but one array like the last one, in another mode, from within another call or scope, or once
    `structure` has changed.

    Args:
        seen: the mark of `structure` from before anything was looked at.
        training: the mode of the last call; None if it had none.
        context: its attribute `call` is None outside of calls.
        call: takes a tuple of one array; returns the results, or None if the array does not fit.
        pack: makes what the model returns of the results.
        make: if not None, does so with the first of them, the only one.
    """
    inside = ((context, "call"), (scopes, "stack"))
    return Repeat(structure, seen, inside, training, call, pack, make).serve
