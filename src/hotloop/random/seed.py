"""Where seeds come from, and the state that turns one seed into many draws."""

from __future__ import annotations

import operator
import secrets
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop._later import Later
from hotloop.graph import Tensor, Variable, apply, constant
from hotloop.ops.naming import auto_name

if TYPE_CHECKING:
    import copy
else:
    copy = Later("copy")

_lock = threading.Lock()
_global: dict[str, int | None] = {"seed": None, "drawn": 0}


def _whole(seed: Any, name: str = "seed") -> int:
    try:
        value = operator.index(seed)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {seed!r}.") from None
    if isinstance(seed, bool) or not 0 <= value < 2**32:
        raise ValueError(f"{name} must be an integer from 0 to 2**32 - 1, got {seed!r}.")
    return value


def set_global_seed(seed: int) -> None:
    """Makes `next_seed` start over from `seed`: the same program then draws the same numbers.

    Raises `ValueError` unless 0 <= seed < 2**32.
    """
    value = _whole(seed)
    with _lock:
        _global["seed"] = value
        _global["drawn"] = 0


def global_seed() -> int | None:
    """The seed given to `set_global_seed`, or None."""
    return _global["seed"]


def seed_state() -> dict[str, int | None]:
    """Where the global seed's numbers are, for `restore_seed_state` in another process."""
    with _lock:
        return dict(_global)


def restore_seed_state(state: dict[str, int | None]) -> None:
    """Goes back to where `seed_state` was called."""
    with _lock:
        _global.update(seed=state["seed"], drawn=state["drawn"])


def next_seed() -> int:
    """A fresh seed from 0 to 2**31 - 1: the next of the global seed's, or a random one."""
    with _lock:
        seed, drawn = _global["seed"], _global["drawn"]
        if seed is None or drawn is None:
            return secrets.randbelow(2**31)
        _global["drawn"] = drawn + 1
    return int(np.random.SeedSequence([seed, drawn]).generate_state(1)[0] >> 1)


def numpy_generator(seed: int | None = None) -> np.random.Generator:
    """NumPy's generator over Philox for `seed`; without one, for `next_seed()`."""
    return np.random.Generator(np.random.Philox(next_seed() if seed is None else _whole(seed)))


class SeedGenerator:
    """A seed and a counter, in a variable, so that compiled functions draw anew at each call.

    `state` is an int32[2] variable: the seed and how many keys have been handed out.
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        if kwargs:
            raise TypeError(f"SeedGenerator does not take the arguments {sorted(kwargs)}.")
        self.seed = next_seed() if seed is None else _whole(seed)
        signed = self.seed - 2**32 if self.seed >= 2**31 else self.seed
        self.name = name or auto_name("seed_generator")
        self.state = Variable(
            np.array([signed, 0], np.int32), trainable=False, name="seed_generator_state"
        )
        self.state.path = f"{self.name}/{self.state.name}"

    def next(self, ordered: bool = True) -> Tensor:
        """A key, int32[2], never handed out before; the counter goes up by one.

        With `ordered=False` the next key is a scrambled one below 933199, as in Keras.
        """
        key = self.state.value
        if ordered:
            following = apply("add", [key, constant(np.array([0, 1], np.int32))])
        else:
            one, factor, size = (constant(np.full(2, v, np.int32)) for v in (1, 5387, 933199))
            following = apply("mod", [apply("mul", [apply("add", [key, one]), factor]), size])
        self.state.assign(following)
        return key

    def __copy__(self) -> SeedGenerator:
        """As in Keras: a copy draws the same numbers, by a counter of its own."""
        return copy.deepcopy(self)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """The generator that `get_config` described, its counter at 0."""
        return cls(**config)
