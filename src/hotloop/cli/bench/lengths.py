"""How long a sample of training is: some epochs, or a part of one where an epoch takes long."""

from dataclasses import dataclass
from typing import Any

from hotloop.cli.bench.workloads import Workload

__all__ = ["Length"]

_SHORT = 1.0  # seconds that some epochs together are to take, about
_EPOCHS = 5  # and at most so many
_LONG = 2.5  # seconds that a sample may take
_TOGETHER = 32  # steps that rivals do in one call at most: parts have a whole number of such calls


@dataclass(frozen=True)
class Length:
    """`epochs` times the first `steps` of the epoch's `all_steps`, on `rows` of its `all_rows`.

    A part begins and ends as an epoch does. That counts as often as the part is scaled, which is
    why it is to take seconds.
    """

    epochs: int
    steps: int
    all_steps: int
    rows: int
    all_rows: int

    @classmethod
    def of(cls, workload: Workload, seconds: float) -> "Length":
        """That of somebody who takes so long for a step."""
        epoch = seconds * workload.steps
        if epoch > _LONG:
            steps = max(1, int(_LONG / seconds))
            return cls.of_part(workload, steps - steps % _TOGETHER or steps)
        epochs = min(max(round(_SHORT / epoch), 1), _EPOCHS)
        return cls(epochs, workload.steps, workload.steps, workload.rows, workload.rows)

    @classmethod
    def of_part(cls, workload: Workload, steps: int) -> "Length":
        rows = steps * workload.batch_size
        return cls(1, steps, workload.steps, rows, workload.rows)

    @property
    def scale(self) -> float:
        """By which seconds become those of the whole epoch."""
        return self.all_rows / self.rows

    @property
    def part(self) -> list[int] | None:
        """For `Row.parts`; None if it is the whole epoch."""
        return None if self.rows == self.all_rows else [self.steps, self.all_steps]

    @property
    def request(self) -> dict[str, Any]:
        """What the worker is asked for."""
        return {"do": "measure", "what": "epochs", "how": "each", "count": self.epochs}

    def __str__(self) -> str:
        if self.part is not None:
            return f"{self.steps} of {self.all_steps} steps"
        return f"{self.epochs} epoch{'s' * (self.epochs != 1)}"
