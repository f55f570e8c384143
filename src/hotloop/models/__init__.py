"""Model, Sequential and Functional, as in `keras.models`."""

from __future__ import annotations

from typing import Any, NoReturn

from hotloop.models.functional import Functional
from hotloop.models.model import Model
from hotloop.models.sequential import Sequential


def load_model(filepath: Any, **kwargs: Any) -> NoReturn:
    """Not there yet."""
    raise NotImplementedError(
        "models.load_model() is not supported yet. `get_weights()` and `set_weights()` move "
        "weights as NumPy arrays."
    )


__all__ = ["Functional", "Model", "Sequential", "load_model"]
