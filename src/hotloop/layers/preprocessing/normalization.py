"""Normalization."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop._settings import epsilon
from hotloop.graph import Tensor
from hotloop.layers.preprocessing.data_layer import DataLayer
from hotloop.layers.preprocessing.encoding import batches_of


class Normalization(DataLayer):
    """Moves and scales the inputs to mean 0 and variance 1: `(x - mean) / sqrt(variance)`.

    The two are given, or learned by `adapt` before training; training leaves them alone.

    Args:
        axis: axis or axes along which every position has a mean and variance of its own; None for
            one of each for everything. The axis of samples is no choice.
        mean, variance: numbers that broadcast along `axis`; both or neither.
        invert: whether to go back instead, from the scaled values to the original ones.
        kwargs: see `Layer`.

    Shapes: any to the same, float32.

    Weights, unless given: `mean` and `variance`, of the sizes of `axis`, and `count`; none of them
    trainable. Standard deviations are at least `config.epsilon()`.

    Raises:
        ValueError: only one of `mean` and `variance` is given, or they do not fit.
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if axis is None:
            axis = ()
        self.axis = (axis,) if isinstance(axis, int) else tuple(axis)
        self.invert = invert
        self.input_mean = None if mean is None else np.asarray(mean, np.float32)
        self.input_variance = None if variance is None else np.asarray(variance, np.float32)
        self.supports_masking = True
        if (mean is None) != (variance is None):
            raise ValueError(
                "`mean` and `variance` must be given both or not at all. Received: "
                f"mean={mean}, variance={variance}"
            )
        if self.input_mean is not None and self.input_variance is not None:
            shapes = self.input_mean.shape, self.input_variance.shape
            if shapes[0] != shapes[1] or len(shapes[0]) > len(self.axis):
                raise ValueError(
                    "`mean` and `variance` must have the same shape, with at most one axis for "
                    f"each of axis={self.axis}. Received shapes {shapes[0]} and {shapes[1]}."
                )

    def build(self, input_shape: Sequence[int | None]) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                f"`axis` must lie in [-{rank}, {rank}) for inputs of shape {tuple(input_shape)}. "
                f"Received: axis={self.axis}"
            )
        self._kept = tuple(sorted(axis % rank for axis in self.axis))
        unknown = [axis for axis in self._kept if input_shape[axis] is None]
        if unknown:
            raise ValueError(
                f"The axes of `axis` must have a known size. Received: axis={self.axis} for inputs "
                f"of shape {tuple(input_shape)}, whose axis {unknown[0]} has none."
            )
        self._reduced = tuple(axis for axis in range(rank) if axis not in self._kept)
        sizes: list[Any] = [input_shape[axis] for axis in self._kept]
        self._sizes: tuple[int, ...] = tuple(sizes)
        self._wide = tuple(input_shape[axis] if axis in self._kept else 1 for axis in range(rank))
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(
                name="mean", shape=self._sizes, initializer="zeros", trainable=False
            )
            self.adapt_variance = self.add_weight(
                name="variance", shape=self._sizes, initializer="ones", trainable=False
            )
            self.count = self.add_weight(
                name="count", shape=(), dtype="int32", initializer="zeros", trainable=False
            )
        else:
            try:
                np.broadcast_to(self.input_mean, self._sizes)
            except ValueError:
                raise ValueError(
                    f"`mean` and `variance` of shape {self.input_mean.shape} do not broadcast to "
                    f"the sizes {self._sizes} of axis={self.axis} of the inputs."
                ) from None

    @property
    def mean(self) -> Any:
        """The mean in the shape that broadcasts to the inputs; None before the layer is built."""
        return self._statistic("mean")

    @property
    def variance(self) -> Any:
        """The variance, likewise."""
        return self._statistic("variance")

    def _statistic(self, name: str) -> Any:
        if not self.built:
            return None
        given = self.input_mean if name == "mean" else self.input_variance
        if given is not None:
            return ops.convert_to_tensor(np.broadcast_to(given, self._sizes).reshape(self._wide))
        return ops.reshape(self.adapt_mean if name == "mean" else self.adapt_variance, self._wide)

    def adapt(self, data: Any) -> None:
        """Learns mean and variance from data; what was learned before is forgotten.

        Args:
            data: an array, tensor or DataFrame, or something that gives batches of these: a list,
                generator, `PyDataset` or `tf.data.Dataset`; of a batch `(x, ...)`, `x` counts.

        Raises:
            TypeError: `data` is none of these.
            ValueError: there is no data, its shape is not that of the inputs, or the layer was
                given its mean and variance.
        """
        if self.input_mean is not None:
            raise ValueError(
                "The layer was given `mean` and `variance`, which adapt() cannot change."
            )
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in batches_of(data, None, lists_are_data=False):
            if batch.dtype.kind not in "buif" or batch.ndim == 0:
                raise TypeError(
                    "adapt() needs arrays of numbers. Received an array of dtype "
                    f"{batch.dtype} and shape {batch.shape}."
                )
            if not self.built:
                self.build((None, *batch.shape[1:]))
            if batch.ndim != len(self._wide) or self._sizes != tuple(
                batch.shape[axis] for axis in self._kept
            ):
                raise ValueError(
                    f"adapt() received data of shape {batch.shape}, but the layer was built for "
                    f"sizes {self._sizes} of axis={self.axis} in {len(self._wide)} axes."
                )
            values = batch.astype(np.float64)
            size = math.prod(batch.shape[axis] for axis in self._reduced)
            count += size
            share = size / count
            new_mean = values.mean(axis=self._reduced)
            difference = new_mean - mean
            variance = variance * (1 - share) + values.var(axis=self._reduced) * share
            variance = variance + share * (1 - share) * difference**2
            mean = mean + share * difference
        if not count:
            raise ValueError("adapt() received no data: pass at least one batch.")
        self.adapt_mean.assign(mean.astype(np.float32))
        self.adapt_variance.assign(variance.astype(np.float32))

    def finalize_state(self) -> None:
        """Nothing is left to do: `mean` and `variance` are read from the weights."""

    def call(self, inputs: Tensor) -> Tensor:
        inputs = ops.cast(inputs, "float32")
        deviation = ops.maximum(ops.sqrt(self.variance), epsilon())
        if self.invert:
            return self.mean + inputs * deviation
        return (inputs - self.mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": None if self.input_mean is None else self.input_mean.tolist(),
            "variance": None if self.input_variance is None else self.input_variance.tolist(),
        }
