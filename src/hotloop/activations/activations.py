"""Activation functions."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """`max(x, 0)`; with a ceiling, a slope below `threshold`, and a threshold other than zero."""
    if negative_slope == 0.0 and threshold == 0.0:
        y = ops.relu(x)
        return y if max_value is None else ops.minimum(y, float(max_value))
    if threshold == 0.0:
        y = ops.relu(x)
    else:
        y = ops.where(ops.greater(x, float(threshold)), x, 0.0)
    if max_value is not None:
        y = ops.clip(y, 0.0, float(max_value))
    if negative_slope != 0.0:
        y = y - negative_slope * ops.relu(threshold - x)
    return y


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """`x` where positive, else `negative_slope * x`."""
    return ops.leaky_relu(x, negative_slope=negative_slope)


def relu6(x: Any) -> Tensor:
    """`min(max(x, 0), 6)`."""
    return ops.relu6(x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """Exponentials divided by their sum along `axis`."""
    return ops.softmax(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """The logarithm of `softmax`, computed without leaving the range of floats."""
    return ops.log_softmax(x, axis=axis)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` where positive, else `alpha * (exp(x) - 1)`."""
    return ops.elu(x, alpha=alpha)


def selu(x: Any) -> Tensor:
    """The scaled ELU that keeps activations normalized."""
    return ops.selu(x)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` where positive, else `alpha * (exp(x / alpha) - 1)`."""
    return ops.celu(x, alpha=alpha)


def softplus(x: Any) -> Tensor:
    """`log(exp(x) + 1)`."""
    return ops.softplus(x)


def softsign(x: Any) -> Tensor:
    """`x / (|x| + 1)`."""
    return ops.softsign(x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` moved towards zero by `threshold`, and zero within it."""
    return ops.soft_shrink(x, threshold=threshold)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x`, and zero where `|x| <= threshold`."""
    return ops.hard_shrink(x, threshold=threshold)


def tanh_shrink(x: Any) -> Tensor:
    """`x - tanh(x)`."""
    return ops.tanh_shrink(x)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """`x` where above `threshold`, else `default_value`."""
    return ops.threshold(x, threshold, default_value)


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, `x` from 1 on, and the parabola `(x + 1)² / 4` between."""
    return ops.sparse_plus(x)


def sparse_sigmoid(x: Any) -> Tensor:
    """0 up to -1, 1 from 1 on, and the line between."""
    return ops.sparse_sigmoid(x)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The nearest point whose entries are at least 0 and add up to 1 along `axis`."""
    return ops.sparsemax(x, axis=axis)


def silu(x: Any) -> Tensor:
    """`x * sigmoid(x)`."""
    return ops.silu(x)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """`(x + sqrt(x² + b)) / 2`."""
    return ops.squareplus(x, b=b)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """`x * P(X <= x)` of the unit normal; with tanh instead of erf if `approximate`."""
    return ops.gelu(x, approximate=approximate)


def glu(x: Any, axis: int = -1) -> Tensor:
    """`a * sigmoid(b)` of the two halves of `x` along `axis`."""
    return ops.glu(x, axis=axis)


def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent."""
    return ops.tanh(x)


def sigmoid(x: Any) -> Tensor:
    """`1 / (1 + exp(-x))`."""
    return ops.sigmoid(x)


def exponential(x: Any) -> Tensor:
    """`exp(x)`."""
    return ops.exp(x)


def hard_sigmoid(x: Any) -> Tensor:
    """`clip(x / 6 + 1 / 2, 0, 1)`."""
    return ops.hard_sigmoid(x)


def hard_tanh(x: Any) -> Tensor:
    """`clip(x, -1, 1)`."""
    return ops.hard_tanh(x)


def hard_silu(x: Any) -> Tensor:
    """`x * hard_sigmoid(x)`."""
    return ops.hard_silu(x)


def log_sigmoid(x: Any) -> Tensor:
    """`log(sigmoid(x))`."""
    return ops.log_sigmoid(x)


def linear(x: Any) -> Any:
    """`x`."""
    return x


def mish(x: Any) -> Tensor:
    """`x * tanh(softplus(x))`."""
    return x * ops.tanh(ops.softplus(x))
