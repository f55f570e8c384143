"""How long a sample of training is: some epochs, or a part of one where an epoch takes long."""

from dataclasses import dataclass, replace
from typing import Any

from hotloop.cli.bench.workloads import Workload

__all__ = ["Length"]

_SHORT = 1.0  # seconds that some epochs together are to take, about
_EPOCHS = 5  # and at most so many
_LONG = 4.0  # seconds that a sample may take
_TOGETHER = 32  # steps that rivals do in one call at most: parts have a whole number of such calls


@dataclass(frozen=True)
class Length:
    """A sample of training.

    Args:
        epochs: in it.
        steps: of each epoch, the first ones.
        all_steps: that an epoch has.
        rows: that these steps train on.
        all_rows: that an epoch trains on.
        once: seconds that an epoch takes whatever its steps.
    """

    epochs: int
    steps: int
    all_steps: int
    rows: int
    all_rows: int
    once: float = 0.0

    @classmethod
    def of(cls, workload: Workload, seconds: float) -> "Length":
        """That of somebody who takes so long for a step."""
        epoch = seconds * workload.steps
        if epoch > _LONG:
            return cls.of_part(workload, _together(max(1, int(_LONG / seconds))))
        epochs = min(max(round(_SHORT / epoch), 1), _EPOCHS)
        return cls(epochs, workload.steps, workload.steps, workload.rows, workload.rows)

    @classmethod
    def of_part(cls, workload: Workload, steps: int) -> "Length":
        return cls(1, steps, workload.steps, steps * workload.batch_size, workload.rows)

    @property
    def whole(self) -> bool:
        return self.rows == self.all_rows

    @property
    def shorter(self) -> "Length | None":
        """A quarter of it, to find out what an epoch takes once; None if there is none."""
        steps = _together(self.steps // 4)
        return replace(self, steps=steps, rows=steps * self.rows // self.steps) if steps else None

    def with_once(self, seconds: float, shorter: "Length", its_seconds: float) -> "Length":
        """Knowing how long an epoch of this length takes, and a shorter one."""
        step = (seconds - its_seconds) / (self.steps - shorter.steps)
        return replace(self, once=min(max(seconds - self.steps * step, 0.0), seconds, its_seconds))

    def whole_epoch(self, seconds: float) -> float:
        """Of that many seconds for an epoch of this length."""
        once = min(self.once, seconds)
        return once + (seconds - once) * self.all_rows / self.rows

    @property
    def request(self) -> dict[str, Any]:
        """What the worker is asked for."""
        return {"do": "measure", "what": "epochs", "how": "each", "count": self.epochs}

    def __str__(self) -> str:
        if not self.whole:
            return f"{self.steps} of {self.all_steps} steps"
        return f"{self.epochs} epoch{'s' * (self.epochs != 1)}"


def _together(steps: int) -> int:
    """As many whole calls of several steps as there are in so many steps, if there is one."""
    return steps - steps % _TOGETHER or steps
