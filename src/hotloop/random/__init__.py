"""Seeds and random tensors. Everything comes from one counter-based generator (Philox)."""

from hotloop.random.distributions import beta, binomial, gamma
from hotloop.random.seed import (
    SeedGenerator,
    global_seed,
    next_seed,
    numpy_generator,
    set_global_seed,
)
from hotloop.random.tensors import (
    categorical,
    dropout,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "global_seed",
    "next_seed",
    "normal",
    "numpy_generator",
    "randint",
    "set_global_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]
