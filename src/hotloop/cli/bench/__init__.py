"""`hotloop bench`: how fast this machine is, and how fast others are on it."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "run"]

SECTIONS = ("peak", "products", "epochs", "inference", "latency")


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure hotloop on this machine, and others beside it",
        description="Measures the machine's arithmetic peak, matrix products, epochs of training, "
        "evaluation and prediction of 10,000 rows, and the latency of small calls. With --peers, "
        "other libraries do the same on the same arrays, each in a process of its own, in rounds "
        "that alternate between them. Figures are medians of the rounds. Images are MNIST if "
        "HOTLOOP_DATA_DIR is set, else noise.",
    )
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"any of {', '.join(SECTIONS)}; default all"
    )
    parser.add_argument(
        "--peers",
        nargs="?",
        const="all",
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the comparison to FILE")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from hotloop.cli.bench import chart, gates, measure, report
    from hotloop.cli.bench.machine import machine_info, peaks
    from hotloop.cli.bench.workloads import products_of

    sections = _sections(options.sections)
    workloads = _workloads(options)
    rounds = _rounds(options)
    for path in (options.json, options.plot):
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    if options.plot is not None:
        chart.check(options.plot)
    contestants = _contestants(options)
    wanted = gates.parse(options.gate, [one.name for one in contestants])

    machine = machine_info()
    for name, value in machine.items():
        print(f"{name:<10}{value}")
    machine["peak_gflops"] = measured = peaks(machine["threads"])
    peak = measured[machine["threads"]]
    for count, rate in measured.items():
        print(f"peak, {count} thread{'s' * (count != 1)}: {rate:.0f} GFLOP/s", flush=True)

    rows: list[measure.Row] = []
    about: dict[str, str] = {}

    def tell(measured: Iterable[measure.Row]) -> None:
        for row in measured:
            print(*report.lines_of(row, peak), sep="\n", flush=True)
            rows.append(row)

    shorten = 20 if options.quick else 1
    if "products" in sections:
        print()
        products = list(products_of(workloads))
        tell(measure.measure_products(products, contestants, rounds, shorten, about))
    of_workloads = [section for section in sections if section in measure.WHATS]
    for workload in workloads if of_workloads else ():
        print()
        smaller = workload.resized(workload.rows // shorten)
        tell(
            measure.measure_workload(
                smaller, of_workloads, contestants, rounds, shorten, about, say=_say
            )
        )
    print()
    for name, text in about.items():
        print(f"{name}: {text}")
    if options.json is not None:
        report.save_json(options.json, machine, about, rows)
    if options.plot is not None:
        chart.draw(options.plot, rows, machine)
    return gates.judge(wanted, rows)


def _say(text: str) -> None:
    print(text, flush=True)


def _sections(given: list[str]) -> list[str]:
    for name in given:
        if name not in SECTIONS:
            raise ValueError(f"unknown section {name!r}; expected any of {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if not given or name in given]


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


def _contestants(options: argparse.Namespace) -> list[Any]:
    from hotloop.cli.bench import peers
    from hotloop.cli.bench.measure import Contestant

    own = Path(__file__).resolve().parent
    contestants = [Contestant("hotloop", peers.HOTLOOP, sys.executable, own)]
    if options.peers is None:
        given = {"--peer-python": options.peer_python, "--peers-dir": options.peers_dir}
        for name, value in given.items():
            if value:
                raise ValueError(f"{name} needs --peers")
        return contestants
    folder = peers.find_peers_dir(options.peers_dir)
    pythons = peers.parse_pythons(options.peer_python)
    names = list(peers.PEERS) if options.peers == "all" else options.peers.split(",")
    found, absent = peers.find_peers(names, pythons)
    for name, reason in absent.items():
        if options.peers != "all":
            raise ValueError(f"--peers {name}: {reason}; name another with --peer-python")
        print(f"without {name}: {reason}")
    return contestants + [
        Contestant(name, peers.PEERS[name], python, folder) for name, python in found.items()
    ]
