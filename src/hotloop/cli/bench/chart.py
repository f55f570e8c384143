"""The comparison as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hotloop.cli.bench.rows import Row

__all__ = ["check", "draw"]


def check(path: Path) -> None:
    """Raises what `draw` would, before anything is measured."""
    from hotloop.plot.canvas import file_types

    types = file_types()
    if path.suffix[1:].lower() not in types:
        raise ValueError(f"--plot {path}: expected a name that ends in one of {', '.join(types)}")


def draw(path: Path, rows: Sequence[Row], machine: Mapping[str, Any]) -> None:
    """Bars of the medians of whatever takes seconds, a panel per group, on a logarithmic axis."""
    from hotloop.plot.canvas import new_figure

    rows = [row for row in rows if row.unit == "s"]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    names = list(dict.fromkeys(name for row in rows for name in row.samples))
    colors = {name: f"C{number % 10}" for number, name in enumerate(names)}
    heights = [1 + sum(0.25 * len(row.samples) + 0.4 for row in them) for them in groups.values()]
    figure = new_figure(11, max(3, sum(heights)))
    figure.suptitle(
        f"{machine['cpu']}, {machine['isa']}, {machine['threads']} threads, {machine['commit']}"
    )
    axes = figure.subplots(max(1, len(groups)), 1, height_ratios=heights or [1], squeeze=False)
    for axis, (group, them) in zip(axes[:, 0], groups.items(), strict=False):
        place, ticks = 0.0, []
        for row in them:
            first = place
            for name in row.samples:
                axis.barh(place, row.median(name), color=colors[name], height=0.9)
                place += 1
            ticks.append(((first + place - 1) / 2, row.name))
            place += 0.8
        axis.set_yticks([tick for tick, _ in ticks], [label for _, label in ticks])
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.set_xlabel(f"{group}: seconds")
    handles = [axes[0, 0].barh(0, 0, color=colors[name], label=name) for name in names]
    figure.legend(handles=handles, labels=names, loc="outside lower center", ncols=4)
    figure.savefig(path)
