"""The native core. `hotloop.graph` is its only user."""

import os

# How long GCC's OpenMP threads wait for the next run by spinning: the library reads it as it is
# loaded, which is now. Its own choice is some 10 ms. On a core that others want too, the thread has
# then used up its claim when the next run comes, and a call of 0.6 ms takes 8.
_SPINS = "GOMP_SPINCOUNT"
_choose_spins = _SPINS not in os.environ and "OMP_WAIT_POLICY" not in os.environ
if _choose_spins:
    os.environ[_SPINS] = "6000"  # some 100 us, as long as threads spin between the steps of a run
try:
    from hotloop._native._core import (
        BLOCKS,
        COMBINES,
        OPCODES,
        Call,
        Maker,
        Memory,
        Plan,
        Repeat,
        all_below,
        any_nan,
        build_info,
        fma_chains,
        get_num_threads,
        isa,
        kept_changed,
        pack_panels,
        panels_size,
        philox_uniform,
        select_isa,
        set_num_threads,
        supported_isas,
        unpack_panels,
    )
except ModuleNotFoundError as error:
    if error.name != "hotloop._native._core":
        raise
    raise ImportError(
        "hotloop's compiled core is missing: no _core extension beside "
        f"{__file__}. Install hotloop with pip, or build it in place with "
        "`cmake -S . -B build -G Ninja -DHOTLOOP_DEV=ON && cmake --build build`."
    ) from error
finally:
    if _choose_spins:
        os.environ.pop(_SPINS, None)

_threads = os.environ.get("HOTLOOP_NUM_THREADS", "")
if _threads and not (_threads.isascii() and _threads.isdigit() and 1 <= int(_threads) <= 256):
    raise ValueError(
        f"HOTLOOP_NUM_THREADS={_threads!r} must be a whole number from 1 to 256. Without it "
        "hotloop uses the cores that this process may use."
    )

_sparse = os.environ.get("HOTLOOP_SPARSE", "")
if _sparse not in ("", "0", "1", "always"):
    raise ValueError(
        f"HOTLOOP_SPARSE={_sparse!r} must be 0 (compute the terms of zeros), 1 (leave them out "
        "where the inputs are sparse enough for it to pay, as without it) or always."
    )

__all__ = [
    "BLOCKS",
    "COMBINES",
    "OPCODES",
    "Call",
    "Maker",
    "Memory",
    "Plan",
    "Repeat",
    "all_below",
    "any_nan",
    "build_info",
    "fma_chains",
    "get_num_threads",
    "isa",
    "kept_changed",
    "pack_panels",
    "panels_size",
    "philox_uniform",
    "select_isa",
    "set_num_threads",
    "supported_isas",
    "unpack_panels",
]
