"""What `compile` leaves on a model."""

from __future__ import annotations

import threading
from typing import Any

from hotloop.training.plans import PlanCache


class TrainerState:
    """Optimizer, loss, metrics and plans of one model, and who is training it right now."""

    def __init__(self) -> None:
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.compile_loss: Any = None
        self.compile_metrics: Any = None
        self.loss_tracker: Any = None
        self.run_eagerly = False
        self.jit_compile: bool | str = "auto"
        self.steps_per_execution: int | str = 1
        # The arguments of `compile`, for its configuration.
        self.given: dict[str, Any] = {}
        # What an overridden step of a mode returned last: variables by name.
        self.step_logs: dict[str, dict[str, Any]] = {}
        self.plans = PlanCache()
        self.position: Any = None  # the `Position` of the fit that is running
        self._turn = threading.RLock()  # held by the thread that is at it
        self._depth = 0  # of its turns

    def __getstate__(self) -> dict[str, Any]:
        """For copies of the model: they make their own plans, and nobody is training them."""
        own = ("plans", "position", "_turn", "_depth")
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        TrainerState.__init__(self)
        self.__dict__.update(state)

    def exclusive(self, method: str, *, nested: bool) -> _Turn:
        """A `with` block that keeps other threads from training or evaluating meanwhile.

        Args:
            method: what is being called, for the message.
            nested: whether it may run inside another one on the same thread (from a callback).

        Entering it raises:
            RuntimeError: somebody else is at it.
        """
        return _Turn(self, method, nested)

    def enter(self, method: str, nested: bool) -> None:
        """Begins a turn; see `exclusive`. It has begun unless this raises `RuntimeError`."""
        if not self._turn.acquire(blocking=False):
            raise _busy(method, "in another thread")
        if self._depth and not nested:
            self._turn.release()
            raise _busy(method, "on this thread")
        self._depth += 1

    def leave(self) -> None:
        """Ends a turn."""
        self._depth -= 1
        if self._depth == 0:
            self.position = None
        self._turn.release()


def _busy(method: str, where: str) -> RuntimeError:
    return RuntimeError(
        f"{method}() was called on a model that is already training or evaluating {where}. Wait "
        "for that to end, or use one model per thread."
    )


class _Turn:
    """The context manager of `TrainerState.exclusive`."""

    __slots__ = ("_method", "_nested", "_state")

    def __init__(self, state: TrainerState, method: str, nested: bool) -> None:
        self._state = state
        self._method = method
        self._nested = nested

    def __enter__(self) -> None:
        self._state.enter(self._method, self._nested)

    def __exit__(self, *error: object) -> None:
        self._state.leave()
