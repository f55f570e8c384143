import random

import numpy as np
import pytest

import hotloop
from hotloop.utils import set_random_seed


def draws():
    kernel = hotloop.layers.Dense(3)
    kernel.build((None, 4))
    draw = np.random.rand()  # noqa: NPY002 - what Keras programs draw from
    return random.random(), draw, np.asarray(kernel.kernel).tolist()


def test_everything_follows_from_the_seed():
    set_random_seed(7)
    first = draws()
    set_random_seed(np.int64(7))
    assert draws() == first
    assert draws() != first
    set_random_seed(8)
    assert draws()[2] != first[2]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True])
def test_what_is_no_seed(seed):
    random.seed(3)
    state = random.getstate()
    with pytest.raises(ValueError, match="seed"):
        set_random_seed(seed)
    assert random.getstate() == state
