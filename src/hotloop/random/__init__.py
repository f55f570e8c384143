"""Seeds and random tensors. Everything comes from one counter-based generator (Philox)."""

from hotloop.random.seed import (
    SeedGenerator,
    global_seed,
    next_seed,
    numpy_generator,
    set_global_seed,
)
from hotloop.random.tensors import dropout, normal, randint, uniform

__all__ = [
    "SeedGenerator",
    "dropout",
    "global_seed",
    "next_seed",
    "normal",
    "numpy_generator",
    "randint",
    "set_global_seed",
    "uniform",
]
