"""What comes before the first result, each time in fresh processes."""

import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from hotloop.cli.bench.contest import Contestant, configured, noted, rotated
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.processes import WorkerError, last_line, quiet_environment
from hotloop.cli.bench.rows import OWN, Row
from hotloop.cli.bench.workloads import NARROW

_PROBE = Path(__file__).parents[1] / "import_probe.py"


def measure(setting: Setting) -> Iterator[Row]:
    contestants = [configured(), *setting.rivals_in("start")]
    names = [one.name for one in contestants]
    imports = setting.row("start", "import, beyond NumPy", names)
    effects = setting.row("start", "import: characters printed, threads started", [OWN], unit="")
    title = f"{NARROW.model}: build, compile and first step after import"
    first = setting.row("start", title, names)
    rows = (imports, effects, first)
    if all(row.complete for row in rows):
        yield from rows
        return
    # The first round, which writes bytecode and fills the cache of files, does not count.
    for number in itertools.chain([-1], setting.rounds_of(*rows)):
        for one in rotated(contestants, number):
            if one.name not in imports.notes:
                with noted(imports.notes, one.name):
                    seconds, done = _import(one)
                    if number >= 0:
                        imports.samples.setdefault(one.name, []).append(seconds)
                        if one.name == OWN:
                            effects.samples.setdefault(OWN, []).append(done)
            if one.name not in first.notes:
                with noted(first.notes, one.name):
                    seconds = _first_step(one, setting)
                    if number >= 0:
                        first.samples.setdefault(one.name, []).append(seconds)
    yield from rows


def _import(one: Contestant) -> tuple[float, int]:
    """Seconds; characters printed and threads started."""
    done = subprocess.run(
        [one.python, str(_PROBE), one.peer.imports],
        capture_output=True,
        text=True,
        env={**quiet_environment(), **one.peer.environment},
    )
    if done.returncode:
        raise WorkerError(last_line(done.stderr))
    *printed, answer = done.stdout.splitlines(keepends=True)
    found = json.loads(answer)
    return found["seconds"], len("".join(printed) + done.stderr) + found["threads"]


def _first_step(one: Contestant, setting: Setting) -> float:
    process = one.start()
    try:
        setting.about[one.name] = process.ask(do="hello")["about"]
        request = {"what": "first_step", "how": "first", "arguments": [NARROW.describe()]}
        return process.ask(do="measure", **request)["value"]
    finally:
        process.close()
