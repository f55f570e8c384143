"""Who takes part, and rounds that alternate between them."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from hotloop.cli.bench.lengths import Length
from hotloop.cli.bench.peers import HOTLOOP, Peer
from hotloop.cli.bench.processes import Process, Unsupported, WorkerError
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.workloads import Workload

__all__ = ["Contest", "Contestant", "configured", "noted", "rotated"]

_Turn = TypeVar("_Turn")


@dataclass(frozen=True)
class Contestant:
    """Who takes part, run by which interpreter, from a file in which folder."""

    name: str
    peer: Peer
    python: str
    folder: Path

    def start(self) -> Process:
        return self.peer.start(self.python, self.folder)


def configured(
    *, threads: int | None = None, isa: str | None = None, dense: bool = False
) -> Contestant:
    """hotloop itself; with so many threads, one instruction set, or no zero left out."""
    settings, words = {}, [OWN]
    if threads is not None:
        settings["HOTLOOP_NUM_THREADS"] = str(threads)
        words.append(f"{threads} thread{'s' * (threads != 1)}")
    if isa is not None:
        settings["HOTLOOP_ISA"] = isa
        words.append(isa)
    if dense:
        settings["HOTLOOP_SPARSE"] = "0"
        words.append("dense")
    peer = replace(HOTLOOP, environment={**HOTLOOP.environment, **settings})
    return Contestant(", ".join(words), peer, sys.executable, Path(__file__).resolve().parent)


class Contest:
    """Running workers. Who fails once is left out from then on, with a note in every row.

    Args:
        about: receives name and versions of each contestant.
    """

    def __init__(self, about: dict[str, str]) -> None:
        self.about = about
        self.notes: dict[str, str] = {}
        self._stack = contextlib.ExitStack()
        self._running: dict[str, Process] = {}

    def __enter__(self) -> "Contest":
        return self

    def __exit__(self, *details: Any) -> None:
        self._stack.close()

    def start(self, one: Contestant, **preparation: Any) -> str | None:
        """Starts a worker and prepares it, if that is asked for; returns its configuration."""
        process = one.start()
        self._stack.callback(process.close)
        with noted(self.notes, one.name):
            self.about[one.name] = process.ask(do="hello")["about"]
            reply = process.ask(do="prepare", **preparation) if preparation else {}
            self._running[one.name] = process
            return reply.get("configuration")
        return None

    def ask(self, name: str, **request: Any) -> dict[str, Any] | None:
        """An answer that is no sample; None of somebody who has failed, now or before."""
        if name not in self.notes:
            with noted(self.notes, name):
                return self._running[name].ask(**request)
        return None

    def warm_up(
        self, name: str, workload: Workload, part: Sequence[int] | None = None
    ) -> Length | None:
        """Finds how long its samples of training are, and trains for as long. None if it fails.

        Args:
            name: of the contestant.
            workload: that it was prepared for.
            part: steps, of all steps, that its samples had in earlier rounds.
        """
        if part is not None:
            length = Length.of_part(workload, part[0])
        else:
            # Whatever is compiled is compiled before the trial.
            if not self.ask(name, do="take", rows=workload.trial_rows):
                return None
            trial = self.ask(name, do="measure", what="epochs", how="each", count=1)
            if trial is None:
                return None
            steps = workload.trial_rows / workload.batch_size
            length = Length.of(workload, trial["value"] / steps)
        return length if self.ask(name, do="take", rows=length.rows) else None

    def measure(
        self,
        row: Row,
        rounds: Iterable[int],
        *,
        do: str = "measure",
        lengths: Mapping[str, Length] | None = None,
        **request: Any,
    ) -> Row:
        """Asks everybody in turn, each time another one first.

        Args:
            row: receives the samples.
            rounds: their numbers.
            do: what is asked for.
            lengths: how long everybody trains in a sample, if that is what they do.
            request: what else they are told.
        """
        row.notes.update(self.notes)
        for number in rounds:
            for name in rotated(list(self._running), number):
                if name not in row.notes:
                    asked, scale = {"do": do, **request}, 1.0
                    if lengths is not None:
                        asked, scale = lengths[name].request, lengths[name].scale
                    with noted(row.notes, name):
                        self._measure_one(row, name, asked, scale)
                    if not self._running[name].alive:
                        self.notes[name] = row.notes[name]
        return row

    def measure_alone(
        self, row: Row, name: str, label: str, request: Mapping[str, Any], scale: float = 1.0
    ) -> None:
        """One sample of one contestant, entered under `label`."""
        if name in self.notes:
            row.notes[label] = self.notes[name]
        elif label not in row.notes:
            with noted(row.notes, label):
                value = scale * self._running[name].ask(**request)["value"]
                row.samples.setdefault(label, []).append(value)

    def _measure_one(self, row: Row, name: str, request: Mapping[str, Any], scale: float) -> None:
        process = self._running[name]
        peak = None
        if row.flop and name.startswith(OWN):
            peak = process.ask(do="report", what="peak")["value"]
        value = scale * process.ask(**request)["value"]
        row.samples.setdefault(name, []).append(value)
        if peak is not None:
            row.peaks.setdefault(name, []).append(peak)


def rotated(turns: Sequence[_Turn], number: int) -> list[_Turn]:
    """Another one first in every round."""
    first = number % max(1, len(turns))
    return [*turns[first:], *turns[:first]]


@contextlib.contextmanager
def noted(notes: dict[str, str], name: str) -> Iterator[None]:
    """What goes wrong with one contestant is noted, and the others go on."""
    try:
        yield
    except Unsupported as error:
        notes[name] = f"not supported: {error}"
    except WorkerError as error:
        notes[name] = f"failed: {error}"
