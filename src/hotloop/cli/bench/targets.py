"""What hotloop aims at, figure by figure, and whether a measurement holds it.

A target looks at rows of one group and gives a verdict; ratios are medians of the rounds' ratios.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hotloop.cli.bench import workloads
from hotloop.cli.bench.groups.fit import BARE
from hotloop.cli.bench.groups.neighbour import ALONE, BESIDE
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.show import show, show_median, show_spread
from hotloop.cli.bench.workloads import DEEP, INFERENCE, NARROW, TABULAR, WIDE, WIDE_ADAM

__all__ = ["TARGETS", "Target", "Verdict", "verdicts"]

_TENSORFLOW = "keras-tensorflow"  # in the best of its configurations that were measured
_TUTORIAL = "keras-tensorflow-defaults"  # what tutorials write
_ONE = f"{OWN}, 1 thread"
_AVX2 = f"{OWN}, avx2"
_DENSE = f"{OWN}, dense"  # no operation that is counted is left out
_NOISE = 0.97  # "never slower" allows for it
_SQUARE = f"{workloads.SQUARE}³"


@dataclass(frozen=True)
class Verdict:
    """A line of the table of results. `holds` is None where nothing was measured to judge by."""

    work: str
    target: str
    measured: str = "not measured"
    spread: str = ""
    rival: str = ""
    ratio: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Target:
    """What is aimed at in one row of a group, or in all rows that `judge` makes something of.

    Args:
        group: of the rows.
        name: of the row; None for a target of all rows of the group.
        text: what has to be, in words.
        judge: from the rows and `(work, text)` to the verdict; None without the samples it needs.
    """

    group: str
    name: str | None
    text: str
    judge: Callable[[Sequence[Row], str, str], Verdict | None]
    work: str = ""

    def verdict(self, rows: Iterable[Row]) -> Verdict:
        mine = [row for row in rows if row.group == self.group and self.name in (None, row.name)]
        work = self.work or f"{self.name}"
        return (self.judge(mine, work, self.text) if mine else None) or Verdict(work, self.text)


def verdicts(rows: Sequence[Row], groups: Iterable[str]) -> list[Verdict]:
    """Of every target in these groups."""
    wanted = set(groups)
    return [target.verdict(rows) for target in TARGETS if target.group in wanted]


def share(group: str, name: str, least: float, contestant: str = OWN) -> Target:
    """`contestant` reaches so much of the peak of the same instruction set and threads."""

    def judge(rows: Sequence[Row], work: str, text: str) -> Verdict | None:
        (row,) = rows
        part = row.share(contestant) if contestant in row.samples else None
        if part is None:
            return None
        measured = f"{show_median(row, contestant)}, {part:.1%} of peak"
        spread = show_spread(row, contestant)
        return Verdict(work, text, measured, spread, ratio=f"{part:.1%}", holds=part >= least)

    own = contestant.removeprefix(f"{OWN}, ")
    work = name if contestant == OWN else f"{name}, {own}"
    return Target(group, name, f"≥ {least:.0%} of the FMA peak", judge, work)


def lead(group: str, name: str, least: float, over: str = "", called: str = "") -> Target:
    """hotloop is so many times as fast as the best rival, or the best that `over` begins."""

    def judge(rows: Sequence[Row], work: str, text: str) -> Verdict | None:
        (row,) = rows
        rival = row.best_rival(over)
        if OWN not in row.samples:
            return None
        spread = show_spread(row, OWN)
        measured = show_median(row, OWN)
        if rival is None:
            return Verdict(work, text, measured, spread, "not measured")
        factor = row.ratio(rival, OWN)
        figure = f"{rival}: {show_median(row, rival)}"
        return Verdict(work, text, measured, spread, figure, f"{factor:.2f} ×", factor >= least)

    return Target(group, name, f"≥ {least:g} × {called or over or 'the best rival'}", judge)


def most(group: str, name: str, limit: float, unit: str, text: str = "") -> Target:
    """hotloop's figure is at most `limit`."""

    def judge(rows: Sequence[Row], work: str, text: str) -> Verdict | None:
        (row,) = rows
        if OWN not in row.samples:
            return None
        figure = row.median(OWN)
        rival = row.best_rival()
        return Verdict(
            work,
            text,
            show(figure, row.unit),
            show_spread(row, OWN),
            "" if rival is None else f"{rival}: {show(row.median(rival), row.unit)}",
            "" if rival is None or row.unit != "s" else f"{row.ratio(rival, OWN):.2f} ×",
            figure <= limit,
        )

    return Target(group, name, text or f"≤ {show(limit, unit)}", judge)


def times(
    group: str, name: str, limit: float, over: str, text: str, of: str = OWN, work: str = ""
) -> Target:
    """The figure of one of hotloop's configurations is at most `limit` times another one's."""

    def judge(rows: Sequence[Row], work: str, text: str) -> Verdict | None:
        (row,) = rows
        if of not in row.samples or over not in row.samples:
            return None
        factor = row.ratio(of, over)
        other = f"{over}: {show_median(row, over)}"
        figures = show_median(row, of), show_spread(row, of), other, f"{factor:.2f} ×"
        return Verdict(work, text, *figures, factor <= limit)

    return Target(group, name, text, judge, work)


def gain(group: str, name: str, least: float, over: str, text: str) -> Target:
    """hotloop is so many times as fast as one of its other configurations."""

    def judge(rows: Sequence[Row], work: str, text: str) -> Verdict | None:
        (row,) = rows
        if OWN not in row.samples or over not in row.samples:
            return None
        factor = row.ratio(over, OWN)
        other = f"{over}: {show_median(row, over)}"
        figures = show_median(row, OWN), show_spread(row, OWN), other, f"{factor:.2f} ×"
        return Verdict(work, text, *figures, factor >= least)

    return Target(group, name, text, judge)


def everywhere(
    group: str,
    work: str,
    text: str,
    least: float,
    rival_of: Callable[[Row], str | None],
    leave_out: str = "",
) -> Target:
    """In every row of the group, hotloop is so many times as fast as `rival_of(row)`."""

    def judge(rows: Sequence[Row], work: str, text: str) -> Verdict | None:
        factors = {}
        for row in rows:
            rival = rival_of(row)
            if row.name != leave_out and rival in row.samples and OWN in row.samples:
                factors[row.name] = (row.ratio(rival, OWN), rival)
        if not factors:
            return None
        good = sum(factor >= least for factor, _ in factors.values())
        worst = min(factors, key=lambda name: factors[name][0])
        factor, rival = factors[worst]
        best = max(factor for factor, _ in factors.values())
        return Verdict(
            work,
            text,
            f"at {good} of {len(factors)}; least at {worst}",
            f"{factor:.2f} × … {best:.2f} ×",
            f"{rival}",
            f"{factor:.2f} ×",
            good == len(factors),
        )

    return Target(group, None, text, judge, work)


def _epoch(workload: workloads.Workload) -> str:
    return f"{workload.name}: epoch"


def _best(row: Row) -> str | None:
    return row.best_rival()


TARGETS = (
    share("epochs", _epoch(WIDE), 0.80, _DENSE),
    lead("epochs", _epoch(WIDE), 1.7),
    lead("epochs", _epoch(WIDE), 6, _TENSORFLOW, "Keras-TensorFlow"),
    lead("epochs", _epoch(WIDE), 6, _TUTORIAL, "Keras-TensorFlow as tutorials write it"),
    gain("epochs", _epoch(WIDE), 1.5, _DENSE, "≥ 1.5 × the dense epoch, on MNIST"),
    share("epochs", _epoch(WIDE_ADAM), 0.75, _DENSE),
    lead("epochs", _epoch(WIDE_ADAM), 1.7),
    share("epochs", _epoch(NARROW), 0.65, _DENSE),
    lead("epochs", _epoch(NARROW), 5),
    lead("epochs", _epoch(NARROW), 30, _TENSORFLOW, "Keras-TensorFlow"),
    lead("epochs", _epoch(NARROW), 30, _TUTORIAL, "Keras-TensorFlow as tutorials write it"),
    share("epochs", _epoch(DEEP), 0.75, _DENSE),
    lead("epochs", _epoch(DEEP), 1.5),
    lead("epochs", _epoch(TABULAR), 4),
    lead("epochs", _epoch(TABULAR), 40, "torch", "PyTorch"),
    *(
        lead("inference", f"{workload.model}: {what}", 2)
        for workload in INFERENCE
        for what in ("evaluate", "predict")
    ),
    times(
        "fit",
        f"{NARROW.model}: fit as the tutorial calls it, an epoch",
        1.15,
        BARE,
        "≤ 1.15 × the bare epoch",
    ),
    most("process", "the Fashion-MNIST tutorial, from start to end", 2.0, "s"),
    most("latency", f"{NARROW.model}: model(x), one row", 8e-6, "s"),
    most("latency", f"{NARROW.model}: predict(x), one row", 20e-6, "s"),
    most("latency", f"{NARROW.model}: train_on_batch of 32", 60e-6, "s"),
    share("products", _SQUARE, 0.90),
    everywhere(
        "products",
        "every product of the epochs: forward, dX, dW",
        "≥ 1 × the fastest of NumPy and PyTorch",
        1.0,
        _best,
        leave_out=_SQUARE,
    ),
    share("products", _SQUARE, 0.80, _AVX2),
    share("epochs", _epoch(WIDE), 0.65, f"{_AVX2}, dense"),
    most("start", f"{NARROW.model}: build, compile and first step after import", 0.030, "s"),
    most("start", "import, beyond NumPy", 0.060, "s"),
    most("start", "import: characters printed, threads started", 0, "", "none"),
    gain("threads", _epoch(WIDE), 1.85, _ONE, "≥ 1.85 × one thread"),
    everywhere(
        "threads",
        "all threads beside one, at every size",
        f"never slower ({1 - _NOISE:.0%} is noise)",
        _NOISE,
        lambda row: _ONE,
    ),
    *(
        times(
            "neighbour",
            _epoch(workload),
            1.3,
            ALONE,
            "≤ 1.3 × the other cores alone",
            of=BESIDE,
            work=f"{_epoch(workload)}, while a process burns a core",
        )
        for workload in (WIDE, NARROW)
    ),
    most(
        "memory",
        f"{WIDE.name}: peak in fit, beyond the float32 data",
        100e6,
        "B",
    ),
    most("memory", f"{NARROW.model}: growth of 100,000 predict of one row", 1e6, "B", "< 1 MB"),
    most(
        "memory",
        f"{NARROW.model}: growth of 1,000 cycles of build, compile and fit",
        1e6,
        "B",
        "< 1 MB",
    ),
)
