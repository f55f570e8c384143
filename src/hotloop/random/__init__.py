"""Seeds and random tensors. Everything comes from one counter-based generator (Philox)."""

from typing import TYPE_CHECKING

from hotloop._absent import missing
from hotloop._later import load_later

if TYPE_CHECKING:
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

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "beta": "distributions",
    "binomial": "distributions",
    "gamma": "distributions",
    "SeedGenerator": "seed",
    "global_seed": "seed",
    "next_seed": "seed",
    "numpy_generator": "seed",
    "set_global_seed": "seed",
    "categorical": "tensors",
    "dropout": "tensors",
    "normal": "tensors",
    "randint": "tensors",
    "shuffle": "tensors",
    "truncated_normal": "tensors",
    "uniform": "tensors",
}

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

__getattr__ = load_later(__name__, _LATER, missing(__name__))
