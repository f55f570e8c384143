"""The whole Fashion-MNIST tutorial as a process: from nothing to predictions.

`tutorial.py` is what runs; for others, its line `import hotloop as keras` says something else.
"""

import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from hotloop.cli.bench.contest import configured, noted, rotated
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.processes import WorkerError, last_line, quiet_environment
from hotloop.cli.bench.rows import Row

_TUTORIAL = Path(__file__).parents[1] / "tutorial.py"
_IMPORT = "import hotloop as keras"
_EPOCHS = 10


def measure(setting: Setting) -> Iterator[Row]:
    from hotloop.datasets.places import data_dir

    epochs = setting.repetitions(_EPOCHS)
    contestants = [configured(), *setting.rivals_in("process")]
    title = "the Fashion-MNIST tutorial, from start to end"
    row = setting.row("process", title, [one.name for one in contestants])
    if row.complete:
        yield row
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = quiet_environment()
        images = data_dir()
        if images is not None and (images / "fashion-mnist").is_dir():
            # Keras looks for data in one place only.
            (home / "datasets").mkdir()
            (home / "datasets/fashion-mnist").symlink_to((images / "fashion-mnist").resolve())
            environment["KERAS_HOME"] = str(home)
        # The first run, which writes bytecode and fills the cache of files, does not count.
        for number in itertools.chain([-1], setting.rounds_of(row)):
            for one in rotated(contestants, number):
                if one.name in row.notes:
                    continue
                program = home / f"tutorial of {one.name}.py"
                program.write_text(_program(one.peer.tutorial_import), encoding="utf-8")
                with noted(row.notes, one.name):
                    seconds = _run(
                        [one.python, str(program), str(epochs)],
                        {**environment, **one.peer.environment},
                    )
                    if number >= 0:
                        row.samples.setdefault(one.name, []).append(seconds)
    yield row


def _program(replacement: str) -> str:
    text = _TUTORIAL.read_text(encoding="utf-8")
    assert text.count(_IMPORT) == 1
    return text.replace(_IMPORT, replacement)


def _run(command: list[str], environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=dict(environment))
    seconds = time.perf_counter() - start
    if done.returncode:
        raise WorkerError(last_line(done.stderr))
    return seconds
