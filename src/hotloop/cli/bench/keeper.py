"""Rows that survive the end of a run: saved after each round, gone on with in a later run."""

from collections.abc import Callable, Collection
from pathlib import Path

from hotloop.cli.bench.results import Results, Run
from hotloop.cli.bench.rows import Row

__all__ = ["Keeper"]


class Keeper:
    """Saves rows, and finds those that a run before this one began.

    Args:
        results: what the file has.
        run: this one.
        path: of the file; None to save nothing.
        resume: whether rows may be gone on with.
        say: receives a line for each row that is there in part, or measured anew all the same.
    """

    def __init__(
        self,
        results: Results,
        run: Run,
        path: Path | None,
        resume: bool,
        say: Callable[[str], None],
    ) -> None:
        self._results = results
        self._run = run
        self._path = path
        self._resume = resume
        self._say = say
        self._begun: dict[tuple[str, str], Run] = {}

    def find(self, group: str, name: str, contestants: Collection[str]) -> Row | None:
        """The row to go on with; None if there is none that this run may add to."""
        entry = self._results.entries.get((group, name)) if self._resume else None
        if entry is None:
            return None
        row, run = entry
        reason = _difference(run, self._run) or _strangers(row.names, set(contestants))
        if reason:
            self._say(f"{name}: measured anew, for what the file has is {reason}")
            return None
        self._begun[group, name] = run
        self._say(f"{name}: the file has {row.rounds} round{'s' * (row.rounds != 1)} of it")
        return row

    def keep(self, *rows: Row) -> None:
        """Saves what there is of these rows.

        Raises:
            ValueError: a library has another version than in the rounds that a row had before.
        """
        for row in rows:
            before = self._begun.get((row.group, row.name), self._run).about
            for name in sorted(row.names & before.keys() & self._run.about.keys()):
                if before[name] != self._run.about[name]:
                    raise ValueError(
                        f"--resume: {row.name} was begun with {before[name]}, and this is "
                        f"{self._run.about[name]}; leave out --resume to measure it anew"
                    )
            self._results.add(row, self._run)
        if self._path is not None:
            self._results.save(self._path)


def _difference(before: Run, now: Run) -> str:
    """What keeps samples of two runs from one row."""
    for name, value in before.machine.items():
        if now.machine.get(name) != value:
            return f"of {name} {value}, not {now.machine.get(name)}"
    if str(now.machine["commit"]).endswith("-dirty"):
        return f"of commit {now.machine['commit']}, which may be any state of the files"
    if before.quick != now.quick:
        return "of a quick run" if before.quick else "not of a quick run"
    return ""


def _strangers(before: set[str], now: set[str]) -> str:
    names = ", ".join(sorted(before)) or "nobody"
    return "" if before == now else f"of other contestants: {names}"
