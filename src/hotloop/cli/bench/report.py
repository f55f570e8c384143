"""What was measured, for people and for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotloop.cli.bench.measure import Row

__all__ = ["lines_of", "save_json", "show_seconds"]


def show_seconds(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.1 * scale or unit == "µs":
            return f"{seconds / scale:.3g} {unit}" if seconds < 100 * scale else f"{seconds:.0f} s"
    raise AssertionError("unreachable")


def lines_of(row: Row, peak: float) -> Iterator[str]:
    """The row as text: medians, rounds' extremes, GFLOP/s, share of `peak`, hotloop's lead."""
    yield row.name
    base = row.seconds("hotloop") if "hotloop" in row.rounds else None
    for name, rounds in row.rounds.items():
        seconds = row.seconds(name)
        parts = [f"  {name:<26}{show_seconds(seconds):>10}"]
        parts.append(f"({show_seconds(min(rounds))} … {show_seconds(max(rounds))})".ljust(24))
        if row.flop:
            rate = row.flop / seconds / 1e9
            parts.append(f"{rate:8.1f} GFLOP/s {rate / peak:6.1%} of peak")
        if base is not None and name != "hotloop":
            parts.append(f"hotloop is {seconds / base:.2f} × as fast")
        yield "  ".join(parts).rstrip()
    for name, note in row.notes.items():
        yield f"  {name:<26}{note}"


def save_json(
    path: Path, machine: Mapping[str, Any], about: Mapping[str, str], rows: Sequence[Row]
) -> None:
    """Writes everything, with the date; seconds of every round."""
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "about": about,
        "rows": [
            {
                "section": row.section,
                "name": row.name,
                "flop": row.flop,
                "seconds": row.rounds,
                "medians": {name: row.seconds(name) for name in row.rounds},
                "notes": row.notes,
            }
            for row in rows
        ],
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
