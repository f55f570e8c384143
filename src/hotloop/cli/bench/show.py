"""Figures as text."""

from collections.abc import Iterator

from hotloop.cli.bench.lengths import Length
from hotloop.cli.bench.rows import OWN, Row

__all__ = ["lines_of", "show", "show_median", "show_spread"]

_SECONDS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
_BYTES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))


def show(value: float, unit: str) -> str:
    """Three digits and the unit that suits them."""
    if unit == "s":
        for name, scale in _SECONDS:
            # 0.25 s reads better than 250 ms.
            if abs(value) >= 0.1 * scale or name == "µs":
                return _digits(value / scale, name)
    if unit == "B":
        for name, scale in _BYTES:
            if abs(value) >= scale or name == "B":
                return _digits(value / scale, name)
    return _digits(value, unit)


def _digits(value: float, unit: str) -> str:
    number = f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return f"{number} {unit}".rstrip()


def show_spread(row: Row, contestant: str) -> str:
    low, high = row.extremes(contestant)
    return f"{show(low, row.unit)} … {show(high, row.unit)}"


def show_median(row: Row, contestant: str) -> str:
    """With the part of an epoch that the figure is scaled from, if it is."""
    figure = show(row.median(contestant), row.unit)
    part = _part(row, contestant)
    return f"{figure} ({part})" if part else figure


def _part(row: Row, contestant: str) -> str:
    """In words, what a sample is of the epoch; nothing if it is all of it."""
    length = row.lengths.get(contestant)
    return "" if length is None or Length(**length).whole else f"by {Length(**length)}"


def lines_of(row: Row) -> Iterator[str]:
    """The row as text: medians, rounds' extremes, GFLOP/s, share of the peak, hotloop's lead."""
    yield row.name
    for name in row.samples:
        value = row.median(name)
        parts = [f"  {name:<32}{show(value, row.unit):>12}"]
        parts.append(f"({show_spread(row, name)})".ljust(24))
        part = row.share(name)
        if part is not None:
            parts.append(f"{row.flop / value / 1e9:8.1f} GFLOP/s {part:6.1%} of peak")
        if OWN in row.samples and name != OWN and row.unit == "s":
            parts.append(f"hotloop is {row.ratio(name, OWN):.2f} × as fast")
        parts.append(_part(row, name))
        yield "  ".join(parts).rstrip()
    for name, note in row.notes.items():
        yield f"  {name:<32}{note}"
