"""The order in which a graph is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

_Part = TypeVar("_Part")


def sort_topologically(
    roots: Sequence[_Part], inputs_of: Callable[[Any], Sequence[_Part]] = attrgetter("inputs")
) -> list[_Part]:
    """All tensors or nodes that `roots` are made of, inputs before results, each once.

    Args:
        roots: what is wanted.
        inputs_of: gives the inputs of one, as a sequence.
    """
    order: list[_Part] = []
    seen: set[int] = set()
    stack: list[_Part | None] = [*reversed(roots)]
    waiting: list[_Part] = []  # for inputs: None in the stack says that the last one has them
    while stack:
        part = stack.pop()
        if part is None:
            order.append(waiting.pop())
        elif id(part) not in seen:
            seen.add(id(part))
            if inputs := inputs_of(part):
                waiting.append(part)
                stack.append(None)
                stack += [source for source in reversed(inputs) if id(source) not in seen]
            else:
                order.append(part)
    return order
