"""Layers that normalize each sample by itself: Layer-, RMS-, Unit- and GroupNormalization."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from hotloop import constraints, initializers, ops, regularizers
from hotloop.graph import Tensor, Variable
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer


def check_axes(layer: Layer, axis: Any, shape: Sequence[int | None]) -> None:
    """Raises `ValueError` unless `axis` (one or several) are axes of inputs of this shape."""
    for one in axis if isinstance(axis, (list, tuple)) else (axis,):
        if not -len(shape) <= one < len(shape):
            raise ValueError(
                f"Axis {one} is out of bounds for input shape {tuple(shape)} of layer "
                f"'{layer.name}'. Received: axis={axis}"
            )


def _axis_argument(axis: Any) -> Any:
    if isinstance(axis, (list, tuple)):
        return list(axis)
    if isinstance(axis, int):
        return axis
    raise TypeError(
        f"Expected an int or a list/tuple of ints for the argument `axis`. Received: axis={axis!r}"
    )


def _plain(axis: Any) -> Any:
    return list(axis) if isinstance(axis, list) else axis


class _Affine(Layer):
    """What LayerNormalization and GroupNormalization share: `gamma` and `beta`."""

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.autocast = False
        self.supports_masking = True
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _add_weights(self, shape: Any, scale: bool, center: bool) -> None:
        if scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class LayerNormalization(_Affine):
    """Each sample with mean `beta` and standard deviation `gamma` (Ba et al., 2016).

    Args:
        axis: the axis, or axes, over which the moments are taken.
        epsilon: added to the variance.
        center, scale: whether there is a `beta` and a `gamma`.
        beta_initializer, gamma_initializer: first values.
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: projections after each update.
        kwargs: see `Layer`; and `rms_scaling`, which Keras advises against.

    Weights: `gamma` and `beta`, with the sizes of `axis`.

    Raises:
        TypeError: `axis` is not made of ints.
        ValueError: the inputs have no such axis.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        rms_scaling = kwargs.pop("rms_scaling", False)
        if rms_scaling:
            warnings.warn(
                "`rms_scaling=True` is deprecated: it divides by the standard deviation, not by "
                "the root mean square. Use RMSNormalization instead.",
                stacklevel=2,
            )
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = _axis_argument(axis)
        self.rms_scaling = rms_scaling

    def build(self, input_shape: Sequence[int | None]) -> None:
        check_axes(self, self.axis, input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        shape = [input_shape[axis] for axis in self.axis]
        plain = not self.rms_scaling
        self._add_weights(shape, self.scale or self.rms_scaling, self.center and plain)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, rms_scaling=self.rms_scaling
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self, self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": _plain(self.axis), "rms_scaling": self.rms_scaling}


class GroupNormalization(_Affine):
    """Each group of features of a sample with the moments of the group taken out (Wu and He, 2018).

    Args:
        groups: number of groups, which divides the number of features; -1 for one per feature.
        axis: the axis of the features.
        epsilon: added to the variance.
        center, scale: whether there is a `beta` and a `gamma`.
        beta_initializer, gamma_initializer: first values.
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: projections after each update.

    Weights: `gamma` and `beta`, one of each per feature.

    Raises `ValueError` if `groups` does not fit the inputs.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(
                "Received an invalid value for argument `groups`, expected a positive integer (or "
                f"-1 for a group per feature). Received: groups={groups}"
            )
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.groups = groups
        self.axis = axis

    def build(self, input_shape: Sequence[int | None]) -> None:
        check_axes(self, self.axis, input_shape)
        features = input_shape[self.axis]
        if features is None:
            raise ValueError(
                f"Axis {self.axis} of the inputs to layer '{self.name}' must be known. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        if self.groups == -1:
            self.groups = features
        if features % self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) must divide the number of features "
                f"({features}) of layer '{self.name}'."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: features})
        self._add_weights((features,), self.scale, self.center)

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.cast(inputs, "float32")
        rank = len(x.shape)
        axis = self.axis % rank
        parts = (self.groups, x.shape[axis] // self.groups)
        grouped = ops.reshape(x, (*x.shape[:axis], *parts, *x.shape[axis + 1 :]))
        # All but the batch and the groups.
        axes = [i for i in range(1, rank + 1) if i != axis]
        mean, variance = ops.moments(grouped, axes=axes, keepdims=True)
        along = [1] * (rank + 1)
        along[axis], along[axis + 1] = parts
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.reshape(self.gamma, along)
        shift = -mean * factor
        if self.beta is not None:
            shift = shift + ops.reshape(self.beta, along)
        return ops.reshape(grouped * factor + shift, x.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self, self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}


class RMSNormalization(Layer):
    """Each sample over the root of the mean of its squares, times a learned scale.

    Args:
        axis: the axis, or axes, over which the mean is taken.
        epsilon: added to the mean of squares (Zhang and Sennrich, 2019).

    Weights: `scale`, with the sizes of `axis`.
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = _axis_argument(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Sequence[int | None]) -> None:
        check_axes(self, self.axis, input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        shape: Any = [input_shape[axis] for axis in self.axis]
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, x: Tensor) -> Tensor:
        return ops.rms_normalization(x, scale=self.scale, axis=self.axis, epsilon=self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self, self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": _plain(self.axis), "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """Inputs over their Euclidean length along `axis` (one or several)."""

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axis_argument(axis)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self, self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": _plain(self.axis)}
