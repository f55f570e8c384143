"""What the native core says about itself and the machine, for those above that may not ask it."""

from hotloop._native import (
    build_info,
    fma_peak,
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
