"""Everything that was measured, in a file that runs of single groups add to."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hotloop.cli.bench.rows import Row

__all__ = ["Results", "Run", "load"]

_FORMAT = 1
_SAME = ("cpu", "cpus", "threads", "isa")  # that figures beside each other need


@dataclass
class Run:
    """One call of `hotloop bench`: what all of its rows have in common."""

    date: str
    machine: Mapping[str, Any]
    rounds: int
    quick: bool
    about: dict[str, str] = field(default_factory=dict)


@dataclass
class Results:
    """Rows with their runs; of each group and name, the last that was measured."""

    entries: dict[tuple[str, str], tuple[Row, Run]] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        return [row for row, _ in self.entries.values()]

    @property
    def runs(self) -> list[Run]:
        """Those that a row is left of, in the order of their dates."""
        found = {id(run): run for _, run in self.entries.values()}
        return sorted(found.values(), key=lambda run: run.date)

    def groups_of(self, run: Run) -> list[str]:
        return list(dict.fromkeys(row.group for row, its in self.entries.values() if its is run))

    def add(self, row: Row, run: Run) -> None:
        self.entries[row.group, row.name] = row, run

    def check(self, machine: Mapping[str, Any], path: Path) -> None:
        """Raises ValueError if rows of this machine cannot stand beside what is there."""
        for run in self.runs:
            for name in _SAME:
                if run.machine[name] != machine[name]:
                    raise ValueError(
                        f"--json {path}: it has figures of {name} {run.machine[name]}, and this "
                        f"is {name} {machine[name]}; name another file, or remove it"
                    )

    def save(self, path: Path) -> None:
        runs = self.runs
        numbers = {id(run): number for number, run in enumerate(runs)}
        content = {
            "format": _FORMAT,
            "runs": [asdict(run) for run in runs],
            "rows": [
                {**asdict(row), "run": numbers[id(run)], "medians": _medians(row)}
                for row, run in self.entries.values()
            ],
        }
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        # Whoever ends a measurement while it saves has the file of the round before.
        new = path.with_name(f"{path.name}.new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)


def load(path: Path) -> Results:
    """What `Results.save` wrote.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']}")
        runs = [Run(**run) for run in content["runs"]]
        results = Results()
        for row in content["rows"]:
            run = runs[row.pop("run")]
            del row["medians"]
            results.add(Row(**row), run)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(
            f"{path} is not what hotloop bench --json writes ({type(error).__name__}: {error})"
        ) from None
    return results


def _medians(row: Row) -> dict[str, float]:
    return {name: row.median(name) for name in row.samples}
