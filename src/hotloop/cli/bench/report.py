"""The results as text: a table for the terminal, and RESULTS.md."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any

from hotloop.cli.bench.groups import GROUPS
from hotloop.cli.bench.results import Results, Run
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.show import show, show_median, show_spread
from hotloop.cli.bench.targets import Verdict, verdicts

__all__ = ["markdown", "table"]

HEADINGS = ("work", "target", "measured", "spread", "best rival", "ratio", "holds")
_HOLDS = {True: "yes", False: "**no**", None: "–"}


def table(found: Iterable[Verdict]) -> Iterator[str]:
    """Verdicts in aligned columns, without the spread, which is in the lines of the rows."""
    rows = [("holds", "work", "target", "measured", "ratio", "rival")]
    for one in found:
        holds = _HOLDS[one.holds].strip("*")
        rows.append((holds, one.work, one.target, one.measured, one.ratio, one.rival))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def markdown(results: Results, notes: str = "") -> str:
    """RESULTS.md: every target with its figure, what is missed, where rivals win, all samples.

    Args:
        results: what was measured.
        notes: text for the section on what falls short, written by hand.
    """
    found = verdicts(results.rows, GROUPS)
    parts = [
        "# Results",
        "",
        "Written by `hotloop bench --report`, of the samples that `hotloop bench --json` saved; "
        "[README.md](README.md) says how. Figures are medians of rounds that alternate between "
        "the contestants, with the least and the greatest; ratios and shares are medians of the "
        "rounds' own. The peak is measured beside every sample, by a loop of fused multiply-adds "
        "in registers with the same instruction set and threads. Whose epoch takes long does a "
        "part of its steps in each sample, as it says beside the figure; seconds are scaled.",
        "",
        "## Measured on",
        "",
        *_machine(results),
        "",
        "## Targets",
        "",
        *_markdown_table(HEADINGS, map(_cells, found)),
        "",
        "## Where hotloop falls short",
        "",
        *_shortfalls(found),
        *(["", notes.strip()] if notes.strip() else []),
        "",
        "## Where a rival is faster",
        "",
        *_losses(results.rows),
        "",
        "## Everything",
    ]
    for group, title in GROUPS.items():
        rows = [row for row in results.rows if row.group == group]
        if rows:
            parts += ["", f"### {group}: {title}", ""]
            parts += _of_group(group, rows)
    return "\n".join(parts) + "\n"


def _cells(one: Verdict) -> tuple[str, ...]:
    *texts, holds = astuple(one)
    return (*texts, _HOLDS[holds])


def _markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _machine(results: Results) -> Iterator[str]:
    runs = results.runs
    if not runs:
        yield "Nothing yet."
        return
    machine = runs[-1].machine
    yield (
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['isa']}, {machine['threads']} "
        f"threads; {machine['system']}; {machine['compiler']}; Python {machine['python']}, NumPy "
        f"{machine['numpy']}."
    )
    yield ""
    rows = [(run.date, run.machine["commit"], _rounds(run), _listed(results, run)) for run in runs]
    yield from _markdown_table(("date (UTC)", "commit", "rounds", "groups"), rows)
    yield ""
    about: dict[str, str] = {}
    for run in runs:
        about.update(run.about)
    yield from (f"- {name}: {text}" for name, text in about.items() if not name.startswith(OWN))


def _rounds(run: Run) -> str:
    return f"{run.rounds}, quick: a fraction of the data" if run.quick else str(run.rounds)


def _listed(results: Results, run: Run) -> str:
    return ", ".join(results.groups_of(run))


def _shortfalls(found: Sequence[Verdict]) -> Iterator[str]:
    for one in found:
        if one.holds is False:
            # Otherwise the ratio is that to a rival, and the target has no rival in it.
            of_ratio = "×" in one.target or "slower" in one.target
            figure = f"{one.measured}, {one.ratio}" if of_ratio else one.measured
            yield f"- {one.work}: {figure}, where the target is {one.target}."
    missing = [f"{one.work} ({one.target})" for one in found if one.holds is None]
    if missing:
        yield f"- Not measured: {'; '.join(missing)}."
    if all(one.holds for one in found):
        yield "Nowhere: every target holds."


def _losses(rows: Iterable[Row]) -> Iterator[str]:
    lost = False
    for row in rows:
        rival = row.best_rival() if row.unit == "s" and OWN in row.samples else None
        if rival is not None and row.ratio(rival, OWN) < 1:
            lost = True
            yield (
                f"- {row.name}: {rival} takes {show_median(row, rival)}, "
                f"hotloop {show_median(row, OWN)} ({row.ratio(rival, OWN):.2f} ×)."
            )
    if not lost:
        yield "In none of the rows measured."


def _of_group(group: str, rows: Sequence[Row]) -> Iterator[str]:
    if group == "products":
        return _products(rows)
    if all(len(row.samples) == 1 and not row.notes for row in rows):
        return _single(rows)
    return _samples(rows)


def _single(rows: Iterable[Row]) -> Iterator[str]:
    """One table where every row has one contestant."""
    yield from _markdown_table(
        ("", "median", "spread"),
        (
            (row.name + _so_far(row), show(row.median(name), row.unit), show_spread(row, name))
            for row in rows
            for name in row.samples
        ),
    )


def _samples(rows: Iterable[Row]) -> Iterator[str]:
    headings = ("", "median", "spread", "GFLOP/s", "of peak", "hotloop is … × as fast")
    for row in rows:
        yield f"**{row.name}**{_so_far(row)}"
        yield ""
        yield from _markdown_table(headings, (_sample(row, name) for name in row.samples))
        yield ""
        for name, note in row.notes.items():
            yield f"{name}: {note}."
            yield ""


def _so_far(row: Row) -> str:
    return "" if row.complete else f" ({row.rounds} of {row.wanted} rounds)"


def _sample(row: Row, name: str) -> list[str]:
    share = row.share(name)
    lead = row.unit == "s" and OWN in row.samples and name != OWN
    return [
        name,
        show_median(row, name),
        show_spread(row, name),
        "" if share is None else f"{row.flop / row.median(name) / 1e9:.1f}",
        "" if share is None else f"{share:.1%}",
        f"{row.ratio(name, OWN):.2f}" if lead else "",
    ]


def _products(rows: Sequence[Row]) -> Iterator[str]:
    """GFLOP/s in one table: a row per product, a column per contestant."""
    names: dict[str, Any] = dict.fromkeys(name for row in rows for name in row.samples)
    yield "GFLOP/s, with hotloop's share of its peak."
    yield ""
    yield from _markdown_table(
        ("product", *names, "best rival ÷ hotloop, seconds"),
        (
            (row.name + _so_far(row), *(_rate(row, name) for name in names), _lead(row))
            for row in rows
        ),
    )


def _rate(row: Row, name: str) -> str:
    if name not in row.samples:
        return row.notes.get(name, "")
    rate = f"{row.flop / row.median(name) / 1e9:.1f}"
    share = row.share(name) if name.startswith(OWN) else None
    return rate if share is None else f"{rate} ({share:.0%})"


def _lead(row: Row) -> str:
    rival = row.best_rival()
    if rival is None or OWN not in row.samples:
        return ""
    return f"{row.ratio(rival, OWN):.2f} × ({rival})"
