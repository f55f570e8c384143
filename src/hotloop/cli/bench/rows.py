"""One thing measured of everybody, round by round."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

__all__ = ["OWN", "Row"]

OWN = "hotloop"  # and what its names begin with in other configurations


@dataclass
class Row:
    """Samples of one figure.

    Args:
        group: the group of the benchmark that it belongs to.
        name: what was measured; unique in its group.
        unit: of the samples: "s", "B" (bytes), "GFLOP/s", or "" (a count).
        flop: floating-point operations that the seconds were spent on; 0 where that says nothing.
        samples: of each round, by contestant. Rounds alternate between contestants, so that those
            with the same number are neighbours in time; who fails takes part in no later round.
        peaks: GFLOP/s of multiply-adds in registers, measured beside each sample, by configuration
            of hotloop.
        lengths: what each sample of a contestant trains, where training is measured: the fields of
            a `Length`.
        choices: the configurations that contestants chose by trial, as they say it.
        notes: why somebody is missing, by contestant.
        wanted: rounds that it is to have; fewer are there while it is being measured.
    """

    group: str
    name: str
    unit: str = "s"
    flop: float = 0.0
    samples: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, list[float]] = field(default_factory=dict)
    lengths: dict[str, dict[str, Any]] = field(default_factory=dict)
    choices: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    wanted: int = 0

    @property
    def rounds(self) -> int:
        """Those that are done."""
        return max(map(len, self.samples.values()), default=0)

    @property
    def complete(self) -> bool:
        return self.rounds >= self.wanted

    @property
    def names(self) -> set[str]:
        """Everybody who took part, or could not."""
        return {*self.samples, *self.notes}

    def median(self, contestant: str) -> float:
        return median(self.samples[contestant])

    def extremes(self, contestant: str) -> tuple[float, float]:
        return min(self.samples[contestant]), max(self.samples[contestant])

    def ratio(self, above: str, below: str) -> float:
        """How many times `below`'s figure `above`'s is: the median of the rounds' ratios."""
        pairs = zip(self.samples[above], self.samples[below], strict=False)
        return median(one / other for one, other in pairs)

    def share(self, contestant: str) -> float | None:
        """Of the peak that was measured beside it; a rival's, of the peak with all threads."""
        peaks = self.peaks.get(contestant) or self.peaks.get(OWN)
        if not self.flop or not peaks:
            return None
        pairs = zip(self.samples[contestant], peaks, strict=False)
        return median(self.flop / seconds / 1e9 / peak for seconds, peak in pairs)

    def rivals(self) -> Iterator[str]:
        return (name for name in self.samples if not name.startswith(OWN))

    def best_rival(self, only: str = "") -> str | None:
        """The fastest of others' libraries, or of those whose name begins with `only`."""
        names = [name for name in self.rivals() if name.startswith(only)]
        return min(names, key=self.median, default=None)
