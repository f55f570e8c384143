"""What the figures depend on: machine, instruction set, threads, compiler, commit, versions."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["machine_info"]


def machine_info() -> dict[str, Any]:
    """JSON-ready facts about where and with what this runs."""
    import hotloop
    from hotloop.graph import machine

    built = machine.build_info()
    return {
        "cpu": _cpu_model(),
        "cpus": built["cpus"],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "isa": machine.isa(),
        "threads": machine.get_num_threads(),
        "compiler": built["compiler"],
        "commit": _commit(),
        "hotloop": hotloop.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        title, _, value = line.partition(":")
        if title.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of the checkout that this file is in; "none" outside of one."""
    here = Path(__file__).resolve().parents[4]
    if not (here / ".git").exists():
        return "none"
    command = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
