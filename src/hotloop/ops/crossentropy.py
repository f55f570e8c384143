"""Cross-entropies, element by element, with the meaning they have in Keras on JAX."""

from __future__ import annotations

from typing import Any

from hotloop import _settings
from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import cast_to, expand, float_tensor, normalize_axis, tensor
from hotloop.ops.creation import one_hot_bool
from hotloop.ops.dispatch import op
from hotloop.ops.nn import _softplus, log_softmax
from hotloop.ops.reductions import reduce


def _clipped(p: Tensor) -> Tensor:
    """Probabilities kept away from 0 and 1, where the logarithm ends."""
    epsilon = _settings.epsilon()
    p = apply("max", [p, fill(epsilon, p.shape, "float32")])
    return apply("min", [p, fill(1.0 - epsilon, p.shape, "float32")])


def _log_probabilities(output: Tensor, from_logits: bool, axis: int) -> Tensor:
    if from_logits:
        return log_softmax(output, axis)
    total = reduce("sum", output, axis, True)
    return apply("log", [_clipped(apply("div", [output, expand(total, output.shape)]))])


@op
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-(t·log(p) + (1 - t)·log(1 - p)), p clipped to [ε, 1 - ε], ε = config.epsilon().

    `target` and `output` have one shape, else `ValueError`.
    """
    t, p = float_tensor(target), float_tensor(output)
    _same_shape(t, p)
    if from_logits:  # log(1 + exp(x)) - t·x
        return apply("sub", [_softplus(p), apply("mul", [t, p])])
    p = _clipped(p)
    one = fill(1.0, p.shape, "float32")
    hit = apply("mul", [t, apply("log", [p])])
    miss = apply("mul", [apply("sub", [one, t]), apply("log", [apply("sub", [one, p])])])
    return apply("neg", [apply("add", [hit, miss])])


@op
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(t·log(p)) along `axis`; probabilities are renormalised and clipped first.

    `target` and `output` have one shape, else `ValueError`. The result lacks `axis`.
    """
    t, p = float_tensor(target), float_tensor(output)
    _same_shape(t, p)
    if not p.ndim:
        raise ValueError("target and output must have at least one axis, got shape ().")
    axis = normalize_axis(axis, p.ndim)
    products = apply("mul", [t, _log_probabilities(p, from_logits, axis)])
    return apply("neg", [reduce("sum", products, axis, False)])


@op
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log(p[t]) for integer classes `target`; probabilities are renormalised and clipped first.

    `target` has the shape of `output` without the last axis (or with size 1 there), else
    `ValueError`. Classes outside [0, size) give 0.
    """
    t, p = cast_to(tensor(target), "int32"), float_tensor(output)
    if not p.ndim:
        raise ValueError("output must have at least one axis, got shape ().")
    if t.ndim == p.ndim and t.shape[-1] == 1:
        t = apply("reshape", [t], shape=t.shape[:-1])
    if t.shape != p.shape[:-1]:
        raise ValueError(
            "target must have the shape of output without its last axis, got target shape "
            f"{t.shape} and output shape {p.shape}."
        )
    axis = normalize_axis(axis, p.ndim)
    hits = one_hot_bool(t, p.shape[axis], axis)
    log_p = _log_probabilities(p, from_logits, axis)
    chosen = apply("select", [hits, log_p, fill(0.0, p.shape, "float32")])
    return apply("neg", [reduce("sum", chosen, axis, False)])


def _same_shape(target: Tensor, output: Tensor) -> None:
    if target.shape != output.shape:
        raise ValueError(
            f"target and output must have one shape, got {target.shape} and {output.shape}."
        )
