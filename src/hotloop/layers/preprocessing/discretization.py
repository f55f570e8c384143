"""Discretization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.preprocessing.data_layer import DataLayer
from hotloop.layers.preprocessing.encoding import (
    MODES,
    as_numpy,
    batches_of,
    check_mode,
    encode,
    encoded_shape,
    refuse_sparse,
)
from hotloop.ops.symbolic import KerasTensor


class Discretization(DataLayer):
    """The number of the interval that each value lies in: 0 below the first boundary.

    The boundaries are given, or found by `adapt` so that about equally many values lie in each bin.

    Args:
        bin_boundaries: rising numbers; bin i holds values from boundary i - 1 to below boundary i.
        num_bins: number of bins for `adapt` to make; instead of `bin_boundaries`.
        epsilon: how exact `adapt` is: values are summarized to `1 / epsilon` points.
        output_mode: "int", "one_hot", "multi_hot" or "count"; see `CategoryEncoding`.
        sparse: False.
        dtype: None or "float32".
        name: see `Layer`.

    Shapes: `[batch, ...]` to the same as int32, or to float32 vectors of one place per bin.

    Raises:
        ValueError: neither or both of `bin_boundaries` and `num_bins` are given, the boundaries do
            not rise, or another argument is none of those above.
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                "Exactly one of `num_bins` and `bin_boundaries` must be given. Received: "
                f"num_bins={num_bins}, bin_boundaries={bin_boundaries}"
            )
        if num_bins is not None and num_bins < 1:
            raise ValueError(f"`num_bins` must be at least 1. Received: num_bins={num_bins}")
        if not 0 < epsilon <= 1:
            raise ValueError(f"`epsilon` must lie in (0, 1]. Received: epsilon={epsilon}")
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = check_mode(output_mode, MODES, "Discretization")
        self.sparse = refuse_sparse(sparse, "Discretization")
        self.bin_boundaries: list[float] | None = None
        if bin_boundaries is not None:
            self._set_boundaries(bin_boundaries)
        self.reset_state()
        self.built = True

    def _set_boundaries(self, boundaries: Any) -> None:
        line = np.asarray(boundaries, np.float64)
        if line.ndim != 1 or np.isnan(line).any() or (np.diff(line) < 0).any():
            raise ValueError(
                f"`bin_boundaries` must be a list of rising numbers. Received: {boundaries!r}"
            )
        self.bin_boundaries = line.tolist()
        self._forget_plans()

    def reset_state(self) -> None:
        """Forgets the data that `update_state` has seen."""
        self._summary = np.zeros((2, 0), np.float32)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds the boundaries from data; what was found before is forgotten.

        Args:
            data: an array, or something that gives batches.
            steps: batches to look at; None for all.

        Raises:
            ValueError: the layer was given `bin_boundaries`, or there is no data.
        """
        if self.num_bins is None:
            raise ValueError(
                "The layer was given `bin_boundaries`: adapt() works with `num_bins` instead."
            )
        self.reset_state()
        for batch in batches_of(data, steps, lists_are_data=False):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Adds data to what `finalize_state` finds the boundaries from."""
        values = np.sort(as_numpy(data).astype(np.float32).reshape(-1))
        step = max(values.size * self.epsilon, 1.0)
        points = values[int(step - 1) :: int(step)]
        summary = np.stack([points, np.full(points.shape, step, np.float32)])
        merged = np.concatenate([summary, self._summary], axis=1)
        self._summary = _compress(merged[:, np.argsort(merged[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Makes boundaries of the data that `update_state` has seen."""
        if self.num_bins is None:
            return
        if not self._summary.size:
            raise ValueError("adapt() received no data: pass at least one value.")
        self._set_boundaries(_compress(self._summary, 1.0 / self.num_bins)[0, :-1])

    def call(self, inputs: Tensor) -> Tensor:
        line = self._boundaries()
        values = ops.cast(inputs, "float32")
        boundaries = ops.convert_to_tensor(np.asarray(line, np.float32))
        if line:
            indices = ops.searchsorted(boundaries, values, side="right")
        else:
            indices = ops.zeros(values.shape, "int32")
        return encode(indices, self.output_mode, len(line) + 1)

    def _boundaries(self) -> list[float]:
        if self.bin_boundaries is None:
            raise ValueError(
                f"Layer '{self.name}' has no boundaries yet: pass `bin_boundaries`, or call "
                "adapt(data) first."
            )
        return self.bin_boundaries

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        depth = self.num_bins or 0
        if self.bin_boundaries is not None:
            depth = len(self.bin_boundaries) + 1
        return encoded_shape(input_shape, self.output_mode, depth)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        dtype = "int32" if self.output_mode == "int" else self.compute_dtype
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Discretization:
        """A layer from `get_config()`, in which nothing is an object: none is looked up."""
        del custom_objects
        config = dict(config)
        boundaries = config.get("bin_boundaries")
        if boundaries is None or config.get("num_bins") is None:
            return cls(**config)
        layer = cls(**config | {"bin_boundaries": None})
        layer._set_boundaries(boundaries)
        return layer


def _compress(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """At most `1 / epsilon` points (values, weights) that stand for those of `summary`."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = summary[1].cumsum()
    values = np.interp(shares, weights / weights[-1], summary[0])
    weights = np.interp(shares, weights / weights[-1], weights)
    return np.stack([values, np.diff(weights, prepend=0.0)]).astype(np.float32)
