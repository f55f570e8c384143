"""`hotloop bench`: how fast this machine is, and how fast others are on it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "run"]

_ALL = "all"


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure hotloop on this machine, and others beside it",
        description="Measures hotloop on this machine, group by group, and prints each figure with "
        "its spread, what is aimed at, and whether that holds. With --peers, other libraries do "
        "the same on the same arrays, each in a process of its own, in rounds that alternate "
        "between them. Figures are medians of the rounds. Images are MNIST if HOTLOOP_DATA_DIR is "
        "set, else noise.",
    )
    parser.add_argument(
        "groups",
        nargs="*",
        metavar="GROUP",
        help="peak, products, epochs (the default), inference, latency, start, fit, process, "
        "threads, neighbour, memory, or all",
    )
    parser.add_argument(
        "--peers",
        nargs="?",
        const=_ALL,
        metavar="NAME,NAME",
        help="measure other libraries too: those named, by default those installed",
    )
    parser.add_argument(
        "--peer-python",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="the interpreter that has the library; NAME may be its first part, as in keras",
    )
    parser.add_argument("--peers-dir", type=Path, help="folder with the other libraries' code")
    parser.add_argument(
        "--workload",
        action="append",
        metavar="TEXT",
        help="only models whose name has this in it, such as 784-128-10; may be repeated",
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--quick", action="store_true", help="1 round, a fraction of the data")
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="PEER=RATIO",
        help="exit with 1 unless hotloop's epochs are this many times as fast as PEER's",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="save every sample to FILE, round by round; rows that it has of other groups stay",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with rows that --json FILE has fewer rounds of, and leave out those that have "
        "theirs; what is of another commit, machine or contestants is measured anew",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the comparison to FILE")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="measure nothing; print what --json saved in FILE as Markdown",
    )
    parser.add_argument(
        "--notes",
        type=Path,
        metavar="FILE",
        help="text for the report's section on what falls short",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.report is not None:
        return _report(options)
    if options.notes is not None:
        raise ValueError("--notes needs --report")

    from datetime import UTC, datetime

    from hotloop.cli.bench import chart, gates, groups, report, results, show, targets
    from hotloop.cli.bench.keeper import Keeper
    from hotloop.cli.bench.machine import machine_info

    names = _groups(options.groups)
    workloads = _workloads(options)
    rounds = _rounds(options)
    if options.resume and options.json is None:
        raise ValueError("--resume needs --json, the file to go on with")
    for path in (options.json, options.plot):
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    if options.plot is not None:
        chart.check(options.plot)
    rivals = _rivals(options)
    wanted = gates.parse(options.gate, [one.name for one in rivals])

    machine = machine_info()
    saved = results.Results()
    if options.json is not None and options.json.exists():
        saved = results.load(options.json)
        saved.check(machine, options.json)
    for name, value in machine.items():
        _say(f"{name:<10}{value}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    this = results.Run(now, machine, rounds, options.quick)
    keeper = Keeper(saved, this, options.json, options.resume, _say)
    setting = groups.Setting(rivals, workloads, rounds, options.quick, keeper, this.about, _say)
    rows = []
    for group in names:
        _say(f"\n== {group}: {groups.GROUPS[group]}")
        for row in groups.measure(group, setting):
            for line in show.lines_of(row):
                _say(line)
            rows.append(row)
    _say("")
    for name, text in this.about.items():
        _say(f"{name}: {text}")
    _say("")
    for line in report.table(targets.verdicts(rows, names)):
        _say(line)
    if options.quick:
        _say("A quick run is a trial: data and repetitions are a fraction of what targets mean.")
    if options.plot is not None:
        chart.draw(options.plot, rows, machine)
    return gates.judge(wanted, rows)


def _report(options: argparse.Namespace) -> int:
    from hotloop.cli.bench import report, results

    notes = "" if options.notes is None else options.notes.read_text(encoding="utf-8")
    print(report.markdown(results.load(options.report), notes), end="")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _groups(given: Sequence[str]) -> list[str]:
    from hotloop.cli.bench.groups import DEFAULT, GROUPS

    for name in given:
        if name not in (*GROUPS, _ALL):
            choices = ", ".join((*GROUPS, _ALL))
            raise ValueError(f"unknown group {name!r}; expected any of {choices}")
    chosen = GROUPS if _ALL in given else given or DEFAULT
    return [name for name in GROUPS if name in chosen]


def _workloads(options: argparse.Namespace) -> list[Any]:
    from hotloop.cli.bench.workloads import WORKLOADS

    wanted = options.workload
    chosen = [one for one in WORKLOADS if not wanted or any(text in one.name for text in wanted)]
    if not chosen:
        names = "; ".join(one.name for one in WORKLOADS)
        raise ValueError(f"--workload {' '.join(wanted)} is in none of: {names}")
    return chosen


def _rounds(options: argparse.Namespace) -> int:
    if options.rounds < 1:
        raise ValueError(f"--rounds {options.rounds}: expected a whole number of at least 1")
    return 1 if options.quick else options.rounds


def _rivals(options: argparse.Namespace) -> list[Any]:
    from hotloop.cli.bench import peers
    from hotloop.cli.bench.contest import Contestant

    if options.peers is None:
        given = {"--peer-python": options.peer_python, "--peers-dir": options.peers_dir}
        for name, value in given.items():
            if value:
                raise ValueError(f"{name} needs --peers")
        return []
    folder = peers.find_peers_dir(options.peers_dir)
    pythons = peers.parse_pythons(options.peer_python)
    names = list(peers.PEERS) if options.peers == _ALL else options.peers.split(",")
    found, absent = peers.find_peers(names, pythons)
    for name, reason in absent.items():
        if options.peers != _ALL:
            raise ValueError(f"--peers {name}: {reason}; name another with --peer-python")
        print(f"without {name}: {reason}")
    return [Contestant(name, peers.PEERS[name], python, folder) for name, python in found.items()]
