"""What hotloop runs on, and with how many threads."""

import os
import platform
import sys
from collections.abc import Mapping
from typing import TextIO

import numpy as np

from hotloop._version import __version__


def get_num_threads() -> int:
    """Number of threads that training and prediction use."""
    from hotloop.graph import machine

    return machine.get_num_threads()


def set_num_threads(n: int) -> None:
    """Sets the number of threads that training and prediction use from now on.

    Results do not depend on it. Without this call it is `HOTLOOP_NUM_THREADS`, else
    `OMP_NUM_THREADS`, else the number of cores this process may use.

    Args:
        n: Number of threads, at least 1.

    Raises:
        ValueError: if `n` is not a whole number of at least 1.
    """
    from hotloop.graph import machine

    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
        raise ValueError(
            f"set_num_threads expects a whole number of at least 1 as `n`, and received {n!r}."
        )
    machine.set_num_threads(int(n))


def version() -> str:
    """The version of hotloop, `hotloop.__version__`."""
    return __version__


def config() -> dict[str, str]:
    """The lines of `show_config`, from title to value."""
    from hotloop.graph import machine

    built = machine.build_info()
    lines = {
        "hotloop": __version__,
        "python": f"{platform.python_version()} ({platform.machine()}, {sys.platform})",
        "numpy": np.__version__,
        "compiler": str(built["compiler"]),
        "instruction set": machine.isa(),
        "supported here": ", ".join(machine.supported_isas()),
        "threads": str(machine.get_num_threads()),
        "usable CPUs": str(built["cpus"]),
    }
    for name in ("HOTLOOP_ISA", "HOTLOOP_NUM_THREADS", "HOTLOOP_SPARSE", "OMP_NUM_THREADS"):
        if name in os.environ:
            lines[name] = os.environ[name]
    return lines


def show_config(file: TextIO | None = None) -> None:
    """Prints version, instruction set, threads, and how the core was built.

    Args:
        file: Where to print; standard output by default.
    """
    print_table(config(), file)


def print_table(lines: Mapping[str, str], file: TextIO | None = None) -> None:
    """Prints titles and values in two columns."""
    width = max(map(len, lines))
    for name, value in lines.items():
        print(f"{name:<{width}}  {value}", file=file)
