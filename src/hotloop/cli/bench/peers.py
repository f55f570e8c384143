"""The rivals: which there are, where their code is, which of them can run here."""

import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotloop.cli.bench.processes import Process

__all__ = ["HOTLOOP", "PEERS", "Peer", "find_peers", "find_peers_dir", "parse_pythons"]


@dataclass(frozen=True)
class Peer:
    """A library in a configuration.

    Args:
        file: of the peers' folder, with its class `Library`.
        modules: that its interpreter needs.
        groups: of the benchmark, in which it takes part.
        options: arguments of `Library`.
        environment: additions to the environment.
        imports: the module whose import is measured.
        tutorial_import: the line with which the tutorial gets its `keras`.
        once: whether an epoch takes some time whatever its steps, which parts of it are freed of.
    """

    file: str
    modules: tuple[str, ...]
    groups: Collection[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    imports: str = ""
    tutorial_import: str = ""
    once: bool = False

    def missing(self, python: str) -> list[str]:
        """Modules that this interpreter does not have."""
        program = (
            "import importlib.util, sys\n"
            "print(*(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))"
        )
        done = subprocess.run(
            [python, "-c", program, *self.modules], capture_output=True, text=True
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise RuntimeError(f"{python} does not run as a Python interpreter: {reason}")
        return done.stdout.split()

    def start(self, python: str, folder: Path) -> Process:
        return Process(python, folder / self.file, self.options, self.environment)


_HERE = Path(__file__).resolve().parent
HOTLOOP = Peer(
    "hotloop_library.py",
    ("hotloop",),
    (),  # all of them; the groups say in which configurations
    # The worker has to find the hotloop that is running here.
    environment={"PYTHONPATH": str(_HERE.parents[2])},
    imports="hotloop",
    tutorial_import="import hotloop as keras",
)

_MODELS = ("epochs", "inference", "latency")
_START = ("start", "memory")


def _keras(backend: str, tutorial_import: str) -> dict[str, Peer]:
    """Keras with the best of its settings, and with those that tutorials write."""

    def peer(tuned: bool, *groups: str) -> Peer:
        return Peer(
            "keras_epoch.py",
            ("keras", backend),
            (*_MODELS, *groups),
            {"tuned": tuned},
            {"KERAS_BACKEND": backend},
            "keras",
            tutorial_import,
            once=True,  # fit makes a pipeline of the data for it
        )

    return {
        f"keras-{backend}": peer(True),
        f"keras-{backend}-defaults": peer(False, *_START, "process"),
    }


PEERS = {
    **_keras("tensorflow", "from tensorflow import keras"),
    **_keras("jax", "import keras"),
    "torch": Peer("torch_epoch.py", ("torch",), ("products", *_MODELS, *_START), imports="torch"),
    "jax": Peer("jax_scan.py", ("jax",), (*_MODELS, *_START), imports="jax"),
    "sklearn": Peer(
        "sklearn_epoch.py", ("sklearn",), (*_MODELS, *_START), imports="sklearn.neural_network"
    ),
    "numpy": Peer("numpy_products.py", ("numpy",), ("products",)),
}


def find_peers_dir(given: Path | None) -> Path:
    """The folder with the rivals' code: `given`, or the one of the checkout that this runs from.

    Raises:
        FileNotFoundError: there is none.
    """
    places = [given] if given else [_HERE.parents[3] / "benchmarks/peers", Path("benchmarks/peers")]
    for place in places:
        if all((place / peer.file).is_file() for peer in PEERS.values()):
            return place.resolve()
    if given:
        files = ", ".join(sorted({peer.file for peer in PEERS.values()}))
        raise FileNotFoundError(f"--peers-dir {given}: expected a folder with {files}")
    raise FileNotFoundError(
        "--peers: the rivals' code is in benchmarks/peers of hotloop's source tree and is not "
        "installed with it; run this in a checkout, or name the folder with --peers-dir"
    )


def parse_pythons(given: Sequence[str]) -> dict[str, str]:
    """`NAME=PYTHON` texts as interpreters by name.

    Raises:
        ValueError: a text is not of that form, or no peer has that name.
    """
    pythons = {}
    for text in given:
        name, _, python = text.partition("=")
        if not python:
            raise ValueError(f"--peer-python {text}: expected NAME=PYTHON")
        if not any(f"{peer}-".startswith(f"{name}-") for peer in PEERS):
            raise ValueError(f"--peer-python {text}: {name} is none of {', '.join(PEERS)}")
        if shutil.which(python) is None:
            raise FileNotFoundError(f"--peer-python {text}: there is no program {python}")
        pythons[name] = python
    return pythons


def find_peers(
    names: Iterable[str], pythons: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The interpreter of each of these peers that can run, and why the others cannot."""
    found, absent = {}, {}
    for name in names:
        if name not in PEERS:
            raise ValueError(f"--peers: {name!r} is none of {', '.join(PEERS)}")
        python = _python_of(name, pythons)
        missing = PEERS[name].missing(python)
        if missing:
            absent[name] = f"{python} has no {' and no '.join(missing)}"
        else:
            found[name] = python
    return found, absent


def _python_of(name: str, pythons: Mapping[str, str]) -> str:
    """The interpreter given for the peer, or for the longest part of its name."""
    parts = name.split("-")
    for count in range(len(parts), 0, -1):
        if python := pythons.get("-".join(parts[:count])):
            return python
    return sys.executable
