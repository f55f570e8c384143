"""Normalizations, named as in `keras.ops`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import _settings
from hotloop.graph import Tensor
from hotloop.ops.convert import float_tensor, normalize_axes, normalize_axis
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import reshape
from hotloop.ops.math import rsqrt, square
from hotloop.ops.nn import moments
from hotloop.ops.reductions import mean, var


@op
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 0.001,
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, with one value of each per feature.

    `mean`, `variance`, `offset` and `scale` are vectors along `axis` of `x`.
    """
    x = float_tensor(x)
    shape = [1] * x.ndim
    shape[normalize_axis(axis, x.ndim)] = -1
    factor = rsqrt(reshape(variance, shape) + epsilon)
    if scale is not None:
        factor = factor * reshape(scale, shape)
    shift = -reshape(mean, shape) * factor
    if offset is not None:
        shift = shift + reshape(offset, shape)
    return x * factor + shift


@op
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Tensor:
    """`x` minus its mean over `axis`, over its standard deviation, times `gamma`, plus `beta`.

    `gamma` and `beta` have the sizes of `axis`. `epsilon` (default `config.epsilon()`) is added to
    the variance. `rms_scaling=True`, which Keras advises against, only divides by the standard
    deviation.
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization() got unexpected arguments {sorted(kwargs)}.")
    x = float_tensor(x)
    epsilon = _settings.epsilon() if epsilon is None else epsilon
    axes = normalize_axes(axis, x.ndim)
    if rms_scaling:
        return _scaled(x * rsqrt(var(x, axes, keepdims=True) + epsilon), gamma, axes)
    center, variance = moments(x, axes, keepdims=True)
    factor = _scaled(rsqrt(variance + epsilon), gamma, axes)
    shift = -center * factor
    if beta is not None:
        shift = shift + _along(beta, axes, x.ndim)
    return x * factor + shift


@op
def rms_normalization(
    x: Any, scale: Any = None, axis: int | Sequence[int] = -1, epsilon: float | None = None
) -> Tensor:
    """`x` over the root of the mean of its squares over `axis`, times `scale`.

    `scale` has the sizes of `axis`. `epsilon` (default `config.epsilon()`) is added to the
    mean of squares (Zhang and Sennrich, 2019).
    """
    x = float_tensor(x)
    epsilon = _settings.epsilon() if epsilon is None else epsilon
    axes = normalize_axes(axis, x.ndim)
    return _scaled(x * rsqrt(mean(square(x), axes, keepdims=True) + epsilon), scale, axes)


def _along(factor: Any, axes: tuple[int, ...], ndim: int) -> Tensor:
    """A tensor with the sizes of `axes`, and 1 along the other axes."""
    factor = float_tensor(factor)
    if factor.ndim == ndim:
        return factor
    sizes = iter(factor.shape)
    return reshape(factor, [next(sizes, -1) if i in axes else 1 for i in range(ndim)])


def _scaled(x: Tensor, factor: Any, axes: tuple[int, ...]) -> Tensor:
    return x if factor is None else x * _along(factor, axes, x.ndim)
