"""Assignments that take effect together, and only under a condition."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from hotloop import ops
from hotloop.graph import Scope, Tensor
from hotloop.graph.scope import current_scope


def together() -> AbstractContextManager[Any]:
    """The surrounding scope or, where there is none, one that writes all assignments at its end.

    An exception leaves every variable as it was.
    """
    return nullcontext() if current_scope() is not None else Scope(symbolic=False)


@contextmanager
def only_if(condition: Tensor) -> Iterator[None]:
    """Variables that are assigned in the block keep their old values unless `condition` holds.

    `condition` is a bool of shape (). Both values are computed and one is selected, so that the
    block can be compiled, and NaNs of the one that is not taken do no harm. Needs a scope.
    """
    scope = current_scope()
    assert scope is not None, "only_if needs a scope; see `together`"
    before = dict(scope.updates)
    yield
    # The last ones first: a weight's update is computed before any of its parts is selected, so
    # that the compiler finds it in one piece.
    for variable, new in reversed(list(scope.updates.items())):
        old = before.get(variable)
        if new is old:
            continue
        del scope.updates[variable]
        if old is None:
            old = variable.value
        scope.updates[variable] = ops.where(condition, new, old)
