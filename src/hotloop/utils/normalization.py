"""Scaling of arrays."""

import numpy as np


def normalize(x, axis: int | None = -1, order: float = 2):
    """Scales vectors to norm 1. A vector of zeros stays as it is.

    Args:
        x: Array, or hotloop tensor, of any shape.
        axis: Axis along which the vectors lie; `None` takes the whole array as one vector.
        order: Order of the norm: 2 for the Euclidean length, 1 for the sum of absolute values.

    Returns:
        A new array of the shape of `x`; a tensor if `x` is a tensor.
    """
    from hotloop.graph import Tensor, Variable

    if isinstance(x, Tensor | Variable):
        from hotloop import ops

        return ops.normalize(x, axis=axis, order=order)
    x = np.asarray(x)
    if axis is None:
        norm = np.linalg.norm(x.reshape(-1), order)
        return x / (norm if norm != 0 else 1.0)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)
