"""BatchNormalization."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hotloop import constraints, initializers, ops, regularizers
from hotloop._settings import epsilon
from hotloop.graph import Tensor, Variable
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer
from hotloop.layers.masks import spread_mask
from hotloop.layers.normalization import check_axes


class BatchNormalization(Layer):
    """Features with mean `beta` and standard deviation `gamma`.

    In training with the moments of the batch (Ioffe and Szegedy, 2015), which also go into moving
    averages; otherwise, and as long as `trainable` is False, with those averages.

    Args:
        axis: the axis of the features.
        momentum: how much of a moving average stays in each step.
        epsilon: added to the variance.
        center, scale: whether there is a `beta` and a `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer:
            first values.
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: projections after each update.
        renorm: batch renormalization (Ioffe, 2017): in training, too, nearly the averages count.
        renorm_clipping: None, or limits of the correction under `"rmin"`, `"rmax"`, `"dmax"`.
        renorm_momentum: momentum of the averages that the correction looks at.
        synchronized: not supported: there is one process.

    Call arguments:
        inputs: tensor of any rank.
        training: whether the moments of the batch count.
        mask: None, or bool of the inputs' shape without the last axis; what it keeps out does
            not count in the moments.

    Weights: `gamma`, `beta`, `moving_mean`, `moving_variance`; with `renorm` also `moving_stddev`,
    `renorm_mean`, `renorm_stddev`; all of the length of `axis`.

    Raises:
        ValueError: `synchronized=True`, or limits in `renorm_clipping` that make no sense.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if synchronized:
            raise ValueError(
                "BatchNormalization(synchronized=True) averages over several devices; there is "
                "one. Leave the argument out."
            )
        self.synchronized = synchronized
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.renorm = renorm
        if renorm:
            renorm_clipping = _check_clipping(renorm_clipping)
        self.renorm_clipping = renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def build(self, input_shape: Sequence[int | None]) -> None:
        check_axes(self, self.axis, input_shape)
        shape: Any = (input_shape[self.axis],)
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

        def statistic(name: str, initializer: Any) -> Variable:
            return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

        self.moving_mean = statistic("moving_mean", self.moving_mean_initializer)
        self.moving_variance = statistic("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            deviation = ops.sqrt(self.moving_variance).numpy()
            self.moving_stddev = statistic("moving_stddev", _filled_with(deviation))
            self.renorm_mean = statistic("renorm_mean", _filled_with(self.moving_mean.numpy()))
            self.renorm_stddev = statistic("renorm_stddev", _filled_with(deviation))
        rank = len(input_shape)
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: input_shape[self.axis]})
        self._reduction_axes = [i for i in range(rank) if i != self.axis % rank]

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                "The mask provided should be one dimension less than the inputs. Received: "
                f"mask.shape={mask.shape}, inputs.shape={inputs.shape}"
            )
        x = ops.cast(inputs, "float32")
        gamma: Any = self.gamma
        beta: Any = self.beta
        mean: Any = self.moving_mean
        variance: Any = self.moving_variance
        if training and self.trainable:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._renormalized(mean, variance)
                self._update_renorm_statistics(mean, variance)
            else:
                _move(self.moving_mean, mean, self.momentum)
                _move(self.moving_variance, variance, self.momentum)
        return ops.batch_normalization(
            x, mean, variance, self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )

    def _moments(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and variance of each feature over what the mask lets through."""
        axes = self._reduction_axes
        if mask is None:
            return ops.moments(x, axes=axes)
        counts = ops.broadcast_to(spread_mask(mask, x), x.shape)
        # A batch that is masked throughout has moments 0.
        number = ops.sum(ops.cast(counts, "float32"), axes, keepdims=True) + epsilon()
        mean = ops.sum(ops.where(counts, x, 0.0), axes, keepdims=True) / number
        squares = ops.square(ops.where(counts, x - mean, 0.0))
        variance = ops.sum(squares, axes, keepdims=True) / number
        length = (math.prod(mean.shape),)
        return ops.reshape(mean, length), ops.reshape(variance, length)

    def _renormalized(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """`gamma` and `beta` with the correction r, d of the paper in them."""
        least = math.sqrt(self.epsilon)
        stddev = ops.maximum(self.renorm_stddev, least)
        r = ops.sqrt(variance + self.epsilon) / stddev
        d = (mean - self.renorm_mean) / stddev
        limits = self.renorm_clipping or {}
        if limits.get("rmin") is not None:
            r = ops.maximum(r, limits["rmin"])
        if limits.get("rmax") is not None:
            r = ops.minimum(r, limits["rmax"])
        if limits.get("dmax") is not None:
            d = ops.clip(d, -limits["dmax"], limits["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        if self.gamma is not None:
            r, d = r * self.gamma, d * self.gamma
        return r, d if self.beta is None else d + self.beta

    def _update_renorm_statistics(self, mean: Tensor, variance: Tensor) -> None:
        stddev = ops.sqrt(variance + self.epsilon)
        _move(self.renorm_mean, mean, self.renorm_momentum)
        _move(self.renorm_stddev, stddev, self.renorm_momentum)
        _move(self.moving_mean, mean, self.momentum)
        moved = _move(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(ops.relu(moved * moved - self.epsilon))

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self, self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }


def _move(average: Variable, value: Tensor, momentum: float) -> Tensor:
    moved = average * momentum + value * (1.0 - momentum)
    average.assign(moved)
    return moved


def _filled_with(value: Any) -> Any:
    """An initializer that gives `value`."""
    return lambda shape, dtype=None: value


def _check_clipping(limits: Mapping[str, float] | None) -> dict[str, float]:
    limits = dict(limits or {})
    keys = ["rmax", "rmin", "dmax"]
    if set(limits) - set(keys):
        raise ValueError(
            "Received invalid keys for `renorm_clipping` argument: "
            f"{limits}. Supported values: {keys}."
        )
    rmax, rmin, dmax = (limits.get(key) for key in keys)
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(
            "rmax should be greater than rmin in the `renorm_clipping` argument. "
            f"Received: rmax={rmax}, rmin={rmin}."
        )
    if dmax is not None and dmax < 0:
        raise ValueError(
            f"dmax should be non-negative in the `renorm_clipping` argument. Received: dmax={dmax}."
        )
    return limits
