"""DataLayer: the base of layers that are called on data, before a model and in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.layers.layer import Layer
from hotloop.ops import tree

_PLAIN = (bool, int, float, np.ndarray, np.generic)


class DataLayer(Layer):
    """A layer that also takes numbers and lists of them."""

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        listed = isinstance(inputs, (bool, int, float, list, tuple))
        if listed and all(isinstance(leaf, _PLAIN) for leaf in tree.flatten(inputs)):
            inputs = np.asarray(inputs)
        return super().__call__(inputs, **kwargs)
