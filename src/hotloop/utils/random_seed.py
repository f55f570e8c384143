"""One seed for every source of randomness."""

import random

import numpy as np


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy's global generator, and hotloop.

    After it, the same program gives the same bits: initial weights, shuffling and dropout follow
    from the seed.

    Args:
        seed: Whole number from 0 to 2**32 - 1.

    Raises:
        ValueError: if `seed` is not a whole number, or out of range.
    """
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool):
        raise ValueError(
            f"set_random_seed expects a whole number as `seed`, and received {seed!r} of type "
            f"{type(seed).__name__}."
        )
    seed = int(seed)
    if not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed expects `seed` in [0, 2**32), and received {seed}.")
    from hotloop.random import set_global_seed

    set_global_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global generator is what Keras programs draw from
