"""Activations and normalisation, named as in `keras.ops`. Results are float32."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hotloop import _settings
from hotloop._absent import missing
from hotloop._later import Later
from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import expand, float_tensor, like, normalize_axes, normalize_axis, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.reductions import mean, norm, reduce, var

if TYPE_CHECKING:
    from hotloop.ops import manipulation
else:
    manipulation = Later("hotloop.ops.manipulation")

# Klambauer et al., "Self-normalizing neural networks", 2017.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _add(a: Tensor, b: Tensor) -> Tensor:
    return apply("add", [a, b])


def _mul(a: Tensor, b: Tensor) -> Tensor:
    return apply("mul", [a, b])


def _scaled(factor: float, x: Tensor) -> Tensor:
    return _mul(like(factor, x), x)


@op
def relu(x: Any) -> Tensor:
    """max(x, 0); its gradient at 0 is 0, NaN stays NaN, and integers stay integers."""
    x = tensor(x, "int32")
    zero = fill(0, x.shape, x.dtype)
    return apply("select", [apply("le", [x, zero]), zero, x])


def _relu6(x: Tensor) -> Tensor:
    """The gradient is 0 at both ends, as in JAX."""
    zero, six = like(0.0, x), like(6.0, x)
    capped = apply("select", [apply("le", [six, x]), six, x])
    return apply("select", [apply("le", [x, zero]), zero, capped])


@op
def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6)."""
    return _relu6(float_tensor(x))


@op
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x where x >= 0, else negative_slope·x."""
    x = float_tensor(x)
    return apply("select", [apply("lt", [x, like(0.0, x)]), _scaled(negative_slope, x), x])


@op
def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x))."""
    return apply("sigmoid", [float_tensor(x)])


@op
def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)) without underflow."""
    x = float_tensor(x)
    return apply("neg", [_softplus(apply("neg", [x]))])


@op
def hard_sigmoid(x: Any) -> Tensor:
    """relu6(x + 3) / 6."""
    x = float_tensor(x)
    return _hard_sigmoid(x)


def _hard_sigmoid(x: Tensor) -> Tensor:
    return apply("div", [_relu6(_add(x, like(3.0, x))), like(6.0, x)])


@op
def hard_silu(x: Any) -> Tensor:
    """x · hard_sigmoid(x)."""
    x = float_tensor(x)
    return _mul(x, _hard_sigmoid(x))


@op
def hard_tanh(x: Any) -> Tensor:
    """`x` limited to [-1, 1]."""
    x = float_tensor(x)
    low, high = like(-1.0, x), like(1.0, x)
    capped = apply("select", [apply("lt", [high, x]), high, x])
    return apply("select", [apply("lt", [x, low]), low, capped])


def _softplus(x: Tensor) -> Tensor:
    """max(x, 0) + log1p(exp(-|x|)): exact on both sides."""
    # One mask for both parts, so that the slopes add up to 1/2 at 0.
    zero = like(0.0, x)
    negative = apply("lt", [x, zero])
    distance = apply("select", [negative, x, apply("neg", [x])])
    tail = apply("log1p", [apply("exp", [distance])])
    return _add(apply("select", [negative, zero, x]), tail)


@op
def softplus(x: Any) -> Tensor:
    """log(1 + exp(x)) without overflow."""
    return _softplus(float_tensor(x))


@op
def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    x = float_tensor(x)
    return apply("div", [x, _add(apply("abs", [x]), like(1.0, x))])


def _elu(x: Tensor, alpha: float) -> Tensor:
    positive = apply("lt", [like(0.0, x), x])
    # expm1 only sees what it is used for, so that neither it nor its gradient overflows.
    below = apply("expm1", [apply("select", [positive, like(0.0, x), x])])
    return apply("select", [positive, x, below if alpha == 1.0 else _scaled(alpha, below)])


@op
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha·(exp(x) - 1)."""
    return _elu(float_tensor(x), alpha)


@op
def selu(x: Any) -> Tensor:
    """The scaled exponential linear unit."""
    return _scaled(_SELU_SCALE, _elu(float_tensor(x), _SELU_ALPHA))


@op
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """max(x, 0) + min(alpha·(exp(x / alpha) - 1), 0)."""
    x = float_tensor(x)
    zero = like(0.0, x)
    positive = apply("lt", [zero, x])
    below = apply("select", [positive, zero, x])
    below = apply("expm1", [apply("div", [below, like(alpha, x)])])
    return apply("select", [positive, x, _scaled(alpha, below)])


@op
def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x times the normal distribution's share below x; by default through tanh."""
    x = float_tensor(x)
    one = like(1.0, x)
    if approximate:
        cube = _mul(x, _mul(x, x))
        inner = _scaled(math.sqrt(2.0 / math.pi), _add(x, _scaled(0.044715, cube)))
        return _mul(x, _scaled(0.5, _add(one, apply("tanh", [inner]))))
    return _mul(x, _scaled(0.5, _add(one, apply("erf", [_scaled(math.sqrt(0.5), x)]))))


@op
def silu(x: Any) -> Tensor:
    """x · sigmoid(x)."""
    x = float_tensor(x)
    return _mul(x, apply("sigmoid", [x]))


@op
def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = float_tensor(x)
    return apply("sub", [x, apply("tanh", [x])])


@op
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` moved toward 0 by `threshold`, 0 within it."""
    x = float_tensor(x)
    edge, zero = like(threshold, x), like(0.0, x)
    low = apply("select", [apply("lt", [x, apply("neg", [edge])]), _add(x, edge), zero])
    return apply("select", [apply("lt", [edge, x]), apply("sub", [x, edge]), low])


@op
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` where |x| > threshold, else 0."""
    x = float_tensor(x)
    far = apply("lt", [like(threshold, x), apply("abs", [x])])
    return apply("select", [far, x, like(0.0, x)])


@op
def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """`x` where x > threshold, else `default_value`."""
    x = float_tensor(x)
    above = apply("lt", [like(threshold, x), x])
    return apply("select", [above, x, like(default_value, x)])


@op
def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(x² + b)) / 2."""
    x = float_tensor(x)
    return _scaled(0.5, _add(x, apply("sqrt", [_add(_mul(x, x), like(float(b), x))])))


@op
def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half along `axis` times the sigmoid of the second."""
    x = float_tensor(x)
    if x.shape[normalize_axis(axis, x.ndim)] % 2:
        raise ValueError(f"glu needs an even size along axis {axis}, got shape {x.shape}.")
    a, b = manipulation.split(x, 2, axis)
    return _mul(a, apply("sigmoid", [b]))


@op
def erf(x: Any) -> Tensor:
    """The error function."""
    return apply("erf", [float_tensor(x)])


@op
def erfc(x: Any) -> Tensor:
    """1 - erf(x)."""
    x = float_tensor(x)
    return apply("sub", [like(1.0, x), apply("erf", [x])])


def shifted(x: Tensor, axis: Any) -> Tensor:
    """`x` minus its largest element along `axis`: exponentials of it do not overflow."""
    high = apply("stop_gradient", [reduce("amax", x, axis, True)])
    return apply("sub", [x, expand(high, x.shape)])


@op
def softmax(x: Any, axis: Any = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis` (an int, several, or None for all)."""
    x = float_tensor(x)
    axes = normalize_axes(axis, x.ndim)
    e = apply("exp", [shifted(x, axes)])
    return apply("div", [e, expand(reduce("sum", e, axes, True), x.shape)])


@op
def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """log(softmax(x)) along `axis` (an int, several, or None for all)."""
    x = float_tensor(x)
    axes = normalize_axes(axis, x.ndim)
    z = shifted(x, axes)
    total = apply("log", [reduce("sum", apply("exp", [z]), axes, True)])
    return apply("sub", [z, expand(total, x.shape)])


@op
def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: float | None = None) -> Tensor:
    """`x` divided by its norm of the given order along `axis`, at least `epsilon`."""
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be an integer >= 1, got {order!r}.")
    x = float_tensor(x)
    epsilon = _settings.epsilon() if epsilon is None else float(epsilon)
    axes = normalize_axes(axis, x.ndim)
    if order == 2:
        root = apply("sqrt", [reduce("sum", _mul(x, x), axes, True)])
        inverse = apply("div", [like(1.0, root), root])
        inverse = apply("min", [inverse, like(1.0 / epsilon, inverse)])
        return _mul(x, expand(inverse, x.shape))
    length = norm(x, order, axes, True)
    length = apply("max", [length, like(epsilon, length)])
    return apply("div", [x, expand(length, x.shape)])


@op
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Mean and variance over `axes`."""
    if synchronized:
        raise NotImplementedError("moments(synchronized=True): there is one process.")
    return mean(x, axes, keepdims), var(x, axes, keepdims)


# What `keras.ops.nn` has beyond the functions above.
_ELSEWHERE = {
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "depth_to_space",
    "layer_normalization",
    "multi_hot",
    "one_hot",
    "psnr",
    "rms_normalization",
    "space_to_depth",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
}

# The other names of two functions.
hard_swish = hard_silu
swish = silu

__all__ = [  # noqa: F822 (`__getattr__` finds those of `_ELSEWHERE`)
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "depth_to_space",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "moments",
    "multi_hot",
    "normalize",
    "one_hot",
    "psnr",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]


_missing = missing(__name__, "hotloop.ops")


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        from hotloop import ops

        return getattr(ops, name)
    return _missing(name)
