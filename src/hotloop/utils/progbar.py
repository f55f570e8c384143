"""The progress display, in the words and the layout of Keras 3."""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hotloop import _settings

_BAR = "━"
_BOLD, _GREEN, _WHITE, _RESET = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


def is_interactive() -> bool:
    """Whether standard output can redraw a line: a terminal, a notebook, or PyCharm's console."""
    isatty = getattr(sys.stdout, "isatty", None)
    return _settings.get("interactive_logging") and (
        (isatty is not None and isatty())
        or "ipykernel" in sys.modules
        or "PYCHARM_HOSTED" in os.environ
    )


def print_message(message: str) -> None:
    """Writes to standard output, whatever its encoding can say, and flushes it.

    Without a standard output (a program without a console) nothing is written. After
    `config.disable_interactive_logging()` the logger "hotloop" gets the message.
    """
    if not _settings.get("interactive_logging"):
        text = message.strip()
        if text:
            import logging  # for this only

            logging.getLogger("hotloop").info(text)
        return
    out = sys.stdout
    if out is None:
        return
    try:
        out.write(message)
    except UnicodeEncodeError:
        encoding = out.encoding or "ascii"
        plain = message.replace(_BAR, "=")
        out.write(plain.encode(encoding, errors="replace").decode(encoding))
    out.flush()


class Progbar:
    """Shows how far a loop has come: steps, a bar, the time, and values.

    On a terminal the line is redrawn in place, in colours. Elsewhere (a file, a pipe) a plain line
    is written once, when the loop is done.

    Args:
        target: Number of steps expected, `None` if unknown.
        width: Width of the bar in characters.
        verbose: 0 is silent, 1 draws the bar, 2 writes one line at the end.
        interval: Seconds that pass at least between two drawings.
        stateful_metrics: Names of values to be shown as they are; the others are averaged over the
            steps. Not together with `stateless_metrics`.
        stateless_metrics: Names of values to be averaged over the steps; the others are shown as
            they are.
        unit_name: What a step is called.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Progbar takes `stateful_metrics` or `stateless_metrics`, and received both. "
                "Name the values that are to be shown as they are, or the ones to be averaged."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._dynamic = is_interactive()
        self._seen = 0
        self._values: dict[str, tuple[float, int]] = {}  # name -> (sum, number of steps)
        self._start = time.time()
        self._first_step_done: float | None = None
        self._last_drawn = 0.0
        self._drawn_width = 0

    def update(
        self,
        current: int,
        values: Sequence[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Tells that `current` steps are done.

        Args:
            current: Number of steps done since the start.
            values: Pairs (name, value). Array values are shown by their mean.
            finalize: Whether this is the last update; by default, whether `current` has reached
                the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            number = value if type(value) is float else float(np.mean(value))
            self._record(name, number, current, finalize)
        self._seen = current
        now = time.time()
        seconds_per_step = self._seconds_per_step(current, now)
        if self.verbose == 1:
            if finalize or self._is_due(now):
                self._draw(current, now, seconds_per_step, finalize)
        elif self.verbose == 2 and finalize and self.target:
            elapsed = f"{now - self._start:.0f}s"
            pace = _format_pace(seconds_per_step, self.unit_name)
            line = f"{self._count(current)} - {elapsed} - {pace}{self._format_values()}\n"
            print_message(line)

    def wants_values(self) -> bool:
        """Whether values make a difference in the next update, if it is not the last.

        They do if it draws them, and in the first: values are shown in the order of their coming.
        """
        return self.verbose == 1 and (not self._values or self._is_due(time.time()))

    def _is_due(self, now: float) -> bool:
        return self._dynamic and now - self._last_drawn >= self.interval

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """Tells that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _record(self, name: str, value: float, current: int, finalize: bool) -> None:
        averaged = (
            name in self.stateless_metrics
            if self.stateless_metrics is not None
            else (name not in self.stateful_metrics)
        )
        if not averaged or finalize:
            self._values[name] = (value, 1)
        else:
            steps = max(current - self._seen, 1)
            total, count = self._values.get(name, (0.0, 0))
            self._values[name] = (total + value * steps, count + steps)

    def _seconds_per_step(self, current: int, now: float) -> float:
        """The mean time of a step, without the first one where its end was seen: it compiles."""
        if not current:
            return 0.0
        if self._first_step_done is not None and current > 1:
            return (now - self._first_step_done) / (current - 1)
        if current == 1:
            self._first_step_done = now
        return (now - self._start) / current

    def _count(self, current: int) -> str:
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _format_values(self) -> str:
        parts = []
        for name, (total, count) in self._values.items():
            value = total / max(count, 1)
            parts.append(
                f" - {name}: {value:.4f}" if abs(value) > 1e-3 else f" - {name}: {value:.4e}"
            )
        return "".join(parts)

    def _draw(self, current: int, now: float, seconds_per_step: float, finalize: bool) -> None:
        if self.target:
            filled = min(self.width, int(self.width * current / self.target))
            counted, bar = self._count(current), (_BAR * filled, _BAR * (self.width - filled))
        else:
            counted, bar = f"{current:7d}/Unknown", ("", "")
        if self.target and not finalize:
            clock = _format_eta(seconds_per_step * (self.target - current))
        else:
            clock = f"{now - self._start:.0f}s"
        tail = f" {_format_pace(seconds_per_step, self.unit_name)}{self._format_values()}"
        plain = (
            f"{counted} {bar[0]}{bar[1]} {clock}{tail}"
            if self.target
            else (f"{counted} {clock}{tail}")
        )
        if not self._dynamic:
            print_message(plain + "\n")
            return
        if self.target:
            done = f"{_GREEN}{bar[0]}{_RESET}" if bar[0] else ""
            head = f"{_BOLD}{counted}{_RESET} {done}{_WHITE}{bar[1]}{_RESET}"
        else:
            head = counted
        padding = " " * max(0, self._drawn_width - len(plain))
        end = "\n" if finalize else ""
        rubout = "\b" * self._drawn_width + "\r"
        print_message(f"{rubout}{head} {_BOLD}{clock}{_RESET}{tail}{padding}{end}")
        self._drawn_width = len(plain)
        self._last_drawn = now


def _format_pace(seconds: float, unit_name: str) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit_name}"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/{unit_name}"
    return f"{seconds * 1e6:.0f}us/{unit_name}"


def _format_eta(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if seconds > 3600:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    if seconds > 60:
        return f"{minutes}:{rest:02d}"
    return f"{rest}s"
