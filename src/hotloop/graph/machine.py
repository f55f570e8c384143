"""What the native core says about itself and the machine, for those above that may not ask it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hotloop._native import (
    build_info,
    fma_chains,
    get_num_threads,
    isa,
    set_num_threads,
    supported_isas,
)

__all__ = [
    "build_info",
    "fma_peak",
    "get_num_threads",
    "isa",
    "set_num_threads",
    "supported_isas",
]

_SECONDS = 0.003  # of one measurement: short, so that some go undisturbed on a busy machine
_REPEATS = 30


def fma_peak(threads: int) -> float:
    """The most GFLOP/s that fused multiply-adds in registers reach, measured in about 0.1 seconds.

    All threads compute at once; each counts its best moment. Threads beyond the number of usable
    CPUs add nothing.

    Args:
        threads: Number of threads.
    """
    rounds = 1000
    while (seconds := _measure(rounds)[1]) < _SECONDS / 4:
        rounds *= 4
    rounds = int(rounds * _SECONDS / seconds) + 1
    workers = min(threads, build_info()["cpus"])
    start_line = threading.Barrier(workers)

    def run(_: int) -> float:
        start_line.wait()
        return max(done / seconds for done, seconds in (_measure(rounds) for _ in range(_REPEATS)))

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(run, range(workers))) / 1e9


def _measure(rounds: int) -> tuple[int, float]:
    """Floating-point operations done, and seconds taken."""
    start = time.perf_counter()
    done = fma_chains(rounds)
    return done, time.perf_counter() - start
